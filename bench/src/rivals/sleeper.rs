//! An iterator that sleeps: what cannot be freed because of it.

use super::demonstration::{Line, Size, scattered};
use super::side::Side;
use crate::contender::Writer;
use crate::report::grouped;
use crate::workload::value;

/// Keys in the store.
const KEYS: u64 = 1_000;

/// Overwrites keys with nobody reading, and beside an iterator of which one entry was taken.
pub fn sleeper<S: Side>(size: Size) -> Vec<Line> {
    let overwrites = size.part(10, 2_000);
    let store = S::empty();
    let overwrite = |times: u64| {
        let mut writer = store.writer();
        for number in 0..times {
            let key = scattered(number % KEYS);
            writer.put(&key, &value::make(&key, number));
        }
    };
    // What is retired and not yet freed has its size then.
    overwrite(overwrites);
    let grown = |work: &dyn Fn()| {
        store.settle();
        let before = (size.allocated)();
        work();
        store.settle();
        (size.allocated)() as f64 - before as f64
    };
    let alone = grown(&|| overwrite(overwrites));
    let mut beside = 0.0;
    store.beside_a_sleeping_iterator(|| beside = grown(&|| overwrite(overwrites)));
    let [times, keys] = [overwrites, KEYS].map(|count| grouped(count as f64));
    vec![
        Line::of(format!("{times} overwrites of {keys} keys: bytes more"), alone, "B"),
        Line::of("... beside an iterator that sleeps", beside, "B"),
    ]
}
