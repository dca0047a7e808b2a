//! A queue: what popped keys leave in the way of the first one.

use super::demonstration::{Line, Size, median_of, nanos, ordered};
use super::side::Side;
use crate::contender::Writer;
use crate::report::grouped;
use crate::workload::value;

/// Keys in the queue.
const LIVE: u64 = 1_000;

/// Looks for the first key of a queue when it is new, and after many pops.
pub fn queue<S: Side>(size: Size) -> Vec<Line> {
    let pops = size.part(2, 2_000);
    let store = S::empty();
    let mut writer = store.writer();
    let mut put = |number| {
        let key = ordered(number);
        writer.put(&key, &value::make(&key, number));
    };
    (0..LIVE).for_each(&mut put);
    let look = |head: u64| {
        median_of(201, || {
            nanos(|| assert_eq!(store.first().as_deref(), Some(&ordered(head)[..]), "the head"))
        })
    };
    let new = look(0);
    let before = (size.allocated)();
    for head in 0..pops {
        put(head + LIVE);
        store.remove(&ordered(head));
    }
    let at_once = look(pops);
    store.settle();
    let bytes = (size.allocated)().saturating_sub(before) as f64;
    vec![
        Line::of("first key of the new queue", new / 1e3, "us"),
        Line::of(format!("... after {} pops", grouped(pops as f64)), at_once / 1e3, "us"),
        Line::of("... over the new one", at_once / new, "x"),
        Line::of("... the same after upkeep", look(pops) / 1e3, "us"),
        Line::of("... bytes more than when it was new", bytes, "B"),
    ]
}
