//! What an old snapshot costs those who overwrite, and what it keeps.

use super::demonstration::{Line, Size, median_of, nanos, scattered};
use super::side::Side;
use crate::contender::{View, Writer};
use crate::report::grouped;
use crate::workload::value;

/// Overwrites that are timed together.
const BLOCK: u64 = 100;

/// Overwrites one key again and again, and then a thousand keys in rounds, each under an old snapshot.
pub fn history<S: Side>(size: Size) -> Vec<Line> {
    let mut lines = one_key::<S>(size.part(62, 1_000));
    lines.extend(many_keys::<S>(size.part(5_000, 10)));
    lines
}

fn one_key<S: Side>(versions: u64) -> Vec<Line> {
    let store = S::empty();
    let (key, mut sequence) = (scattered(1), 0);
    let mut put = || {
        sequence += 1;
        store.writer().put(&key, &value::make(&key, sequence));
    };
    put();
    let old = store.view();
    let cost = |put: &mut dyn FnMut()| {
        median_of(5, || nanos(|| (0..BLOCK).for_each(|_| put())) / BLOCK as f64)
    };
    let first = cost(&mut put);
    (0..versions).for_each(|_| put());
    let last = cost(&mut put);
    let held = old.get(&key, |held| value::sequence(&key, held)).flatten();
    assert_eq!(held, Some(1), "what the snapshot saw");
    vec![
        Line::of("overwrite of one key under an old snapshot: the first 500", first, "ns"),
        Line::of(format!("... after {} versions", grouped(versions as f64)), last, "ns"),
        Line::of("... over the first", last / first, "x"),
    ]
}

fn many_keys<S: Side>(rounds: u64) -> Vec<Line> {
    const KEYS: u64 = 1_000;
    let store = S::empty();
    let overwrite_all = |round| {
        let mut writer = store.writer();
        for number in 0..KEYS {
            let key = scattered(number);
            writer.put(&key, &value::make(&key, round));
        }
    };
    overwrite_all(0);
    let old = store.view();
    (1..=rounds).for_each(overwrite_all);
    store.settle();
    let held = store.versions().unwrap_or(0) as f64;
    let key = scattered(7);
    assert_eq!(old.get(&key, |held| value::sequence(&key, held)).flatten(), Some(0));
    let keys = grouped(KEYS as f64);
    let what = format!("versions held: {keys} keys overwritten {rounds} times under a snapshot");
    vec![Line::of(what, held, "")]
}
