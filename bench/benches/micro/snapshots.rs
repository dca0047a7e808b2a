//! Snapshots, opened and dropped with nobody writing.

use std::hint::black_box;

use bench::contender::{Contender, View};
use bench::workload::value;

use crate::turn::Turn;

/// Opens and drops one.
pub fn open<C: Contender>(turn: Turn<'_, '_>) {
    let mut walk = turn.streams.uniform().walk(0);
    turn.on_map::<C>(|map, bencher| {
        bencher.iter(|| drop(black_box(map.view())));
        // They must be such that can be read.
        let key = walk.step();
        let found = map.view().get(key, |held| value::belongs(key, held));
        assert_eq!(found, Some(true), "every key was loaded");
    });
}
