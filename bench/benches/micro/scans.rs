//! Scans in a held view, with nobody writing: of everything in both directions, of a hundred entries, of the first one.

use bench::contender::{Contender, View};
use bench::measure::RANGE_LEN;
use bench::workload::value;

use crate::turn::Turn;

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

/// Every entry, ascending.
pub fn scan<C: Contender>(turn: Turn<'_, '_>) {
    whole::<C>(turn, Direction::Forward);
}

/// Every entry, descending.
pub fn scan_back<C: Contender>(turn: Turn<'_, '_>) {
    whole::<C>(turn, Direction::Backward);
}

fn whole<C: Contender>(turn: Turn<'_, '_>, direction: Direction) {
    let keys = turn.plan.keys;
    turn.on_map::<C>(|map, bencher| {
        let view = map.view();
        bencher.iter(|| {
            let mut good = 0;
            let see = |key: &[u8], held: &[u8]| good += usize::from(value::belongs(key, held));
            match direction {
                Direction::Forward => view.scan(see),
                Direction::Backward => view.scan_back(see),
            }
            assert_eq!(good, keys, "a scan finds every key");
        });
    });
}

/// 100 entries from a loaded key on.
pub fn range<C: Contender>(turn: Turn<'_, '_>) {
    let order = turn.streams.loaded().sorted();
    let last_full = order.key(order.len() - RANGE_LEN);
    let mut walk = turn.streams.uniform().walk(0);
    turn.on_map::<C>(|map, bencher| {
        let view = map.view();
        bencher.iter(|| {
            let from = walk.step();
            let (mut entries, mut starts_right) = (0, false);
            view.range(from, RANGE_LEN, |key, held| {
                starts_right |= entries == 0 && key == from;
                entries += usize::from(value::belongs(key, held));
            });
            assert!(starts_right, "a range begins where it was asked to");
            assert!(entries == RANGE_LEN || from > last_full, "{entries} entries of a range");
        });
    });
}

/// An iterator opened at a loaded key, and its first entry.
pub fn open<C: Contender>(turn: Turn<'_, '_>) {
    let mut walk = turn.streams.uniform().walk(0);
    turn.on_map::<C>(|map, bencher| {
        let view = map.view();
        bencher.iter(|| {
            let from = walk.step();
            let mut is_right = false;
            view.range(from, 1, |key, held| {
                is_right = key == from && value::belongs(key, held);
            });
            assert!(is_right, "a range begins where it was asked to");
        });
    });
}
