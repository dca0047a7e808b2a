//! A queue: pushed at one end, popped at the other, for ever.

use super::{Line, Size, median, nanos};
use epoch_store::Map;

/// Live keys.
const LIVE: u64 = 1_000;

/// Costs of the first key, a scan and a push after many pops, over those at the start.
pub fn first_in_first_out(size: Size) -> Vec<Line> {
    let map = Map::new();
    let (mut head, mut tail) = (0_u64, 0_u64);
    let push = |tail: &mut u64| {
        map.put(tail.to_be_bytes(), [0; 32]).expect("a small key");
        *tail += 1;
    };
    while tail < LIVE {
        push(&mut tail);
    }
    let first = || median(2_001, || nanos(|| assert!(map.snapshot().first().is_some(), "a key")));
    let scan = || median(201, || nanos(|| assert_eq!(map.snapshot().iter().count() as u64, LIVE)));
    let pop = |head: &mut u64, tail: &mut u64| {
        push(tail);
        map.delete(head.to_be_bytes()).expect("a small key");
        *head += 1;
    };
    for _ in 0..LIVE {
        pop(&mut head, &mut tail); // caches, tables and slabs have their size now
    }
    let round = |head: &mut u64, tail: &mut u64| median(2_001, || nanos(|| pop(head, tail)));
    let start = [first(), scan(), round(&mut head, &mut tail)];
    while head < size.keys {
        pop(&mut head, &mut tail);
    }
    let end = [first(), scan(), round(&mut head, &mut tail)];
    let mut lines = Vec::new();
    for (name, (start, end)) in
        ["first key", "scan", "push and pop"].iter().zip(start.iter().zip(end))
    {
        let what = format!("queue of {LIVE} keys, {name}: after {} pops", size.keys);
        lines.push(Line::of(what, end / 1e3, "us"));
        lines.push(Line::of("... over the start", end / start, "x").at_most(1.5));
    }
    lines.push(Line::of("... records", map.stats().records as f64, ""));
    lines
}
