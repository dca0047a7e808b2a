//! Many open snapshots: what they weigh, and what they cost those who commit.

use super::demonstration::{Line, Size, median_of, nanos, scattered};
use super::side::Side;
use crate::contender::Writer;
use crate::report::grouped;
use crate::workload::value;

/// Keys in the store.
const KEYS: u64 = 1_000;

/// Opens snapshots, all of different versions, and commits beside them; then drops them and commits again.
pub fn many_snapshots<S: Side>(size: Size) -> Vec<Line> {
    let store = S::empty();
    let mut number = 0;
    let mut put = || {
        let key = scattered(number % KEYS);
        store.writer().put(&key, &value::make(&key, number));
        number += 1;
    };
    (0..KEYS).for_each(|_| put());
    let mut lines = Vec::new();
    let commit =
        |put: &mut dyn FnMut()| median_of(5, || nanos(|| (0..200).for_each(|_| put())) / 200.0);
    lines.push(Line::of("one-key overwrite, no snapshot open", commit(&mut put), "ns"));
    let mut open = Vec::new();
    let before = (size.allocated)();
    let mut steps = [1_000, 10_000, 100_000].map(|most| most.min(size.keys / 10)).to_vec();
    steps.dedup();
    for most in steps {
        while (open.len() as u64) < most {
            put();
            open.push(store.view());
        }
        lines.push(Line::of(format!("... {} open", grouped(most as f64)), commit(&mut put), "ns"));
    }
    let bytes = (size.allocated)().saturating_sub(before) as f64 / open.len() as f64;
    drop(open);
    lines.push(Line::of("... all dropped", commit(&mut put), "ns"));
    lines.push(Line::of("bytes for each open snapshot, and what it keeps", bytes, "B"));
    lines
}
