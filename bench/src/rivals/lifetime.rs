//! A store made and taken down: what it would cost to have one for each block, request or test.

use std::hint::black_box;

use super::demonstration::{Line, Size, median_of, nanos};
use super::side::Side;

/// Makes stores and takes them down, all empty.
pub fn lifetime<S: Side>(size: Size) -> Vec<Line> {
    let both = median_of(51, || nanos(|| drop(black_box(S::empty()))));
    let before = (size.allocated)();
    let store = S::empty();
    let bytes = (size.allocated)().saturating_sub(before) as f64;
    drop(store);
    vec![
        Line::of("an empty store made and taken down", both / 1e3, "us"),
        Line::of("bytes of an empty store", bytes, "B"),
    ]
}
