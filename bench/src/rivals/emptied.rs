//! An emptied store: what deleted keys leave behind.

use super::demonstration::{Line, Size, median_of, nanos, scattered};
use super::side::Side;
use crate::contender::Writer;
use crate::report::grouped;
use crate::workload::value;

/// Fills a store, deletes every key, and looks for the first one of none.
pub fn emptied<S: Side>(size: Size) -> Vec<Line> {
    let before = (size.allocated)();
    let store = S::empty();
    let mut writer = store.writer();
    for number in 0..size.keys {
        let key = scattered(number);
        writer.put(&key, &value::make(&key, number));
    }
    drop(writer);
    let full = (size.allocated)().saturating_sub(before) as f64;
    (0..size.keys).for_each(|number| store.remove(&scattered(number)));
    let look = || median_of(21, || nanos(|| assert_eq!(store.first(), None, "it is empty")));
    let at_once = look();
    store.settle();
    let later = look();
    assert_eq!(store.count(), 0, "it is empty");
    let left = (size.allocated)().saturating_sub(before) as f64;
    vec![
        Line::of(
            format!("first key of none, {} were deleted: at once", grouped(size.keys as f64)),
            at_once / 1e3,
            "us",
        ),
        Line::of("... after upkeep", later / 1e3, "us"),
        Line::of("... bytes while it was full", full, "B"),
        Line::of("... bytes left", left, "B"),
    ]
}
