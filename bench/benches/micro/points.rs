//! Gets in a held view: found one by one, found in groups, not found.

use bench::contender::{Contender, View};
use bench::measure::MANY;
use bench::workload::value;

use crate::turn::Turn;

/// Gets of loaded keys, uniform.
pub fn get<C: Contender>(turn: Turn<'_, '_>) {
    let mut walk = turn.streams.uniform().walk(0);
    turn.on_map::<C>(|map, bencher| {
        let view = map.view();
        bencher.iter(|| {
            let key = walk.step();
            let found = view.get(key, |held| value::belongs(key, held));
            assert_eq!(found, Some(true), "every key was loaded");
        });
    });
}

/// The same keys, 16 at a time.
pub fn get_many<C: Contender>(turn: Turn<'_, '_>) {
    let mut walk = turn.streams.uniform().walk(0);
    turn.on_map::<C>(|map, bencher| {
        let view = map.view();
        bencher.iter(|| {
            let keys = walk.steps::<MANY>();
            let mut good = 0;
            view.get_many(&keys, |index, held| {
                good += usize::from(value::belongs(keys[index], held));
            });
            assert_eq!(good, MANY, "every key was loaded");
        });
    });
}

/// Gets of keys that were never loaded.
pub fn miss<C: Contender>(turn: Turn<'_, '_>) {
    let mut walk = turn.streams.absent().walk(0);
    turn.on_map::<C>(|map, bencher| {
        let view = map.view();
        bencher.iter(|| {
            let found = view.get(walk.step(), |_| ());
            assert_eq!(found, None, "no such key was loaded");
        });
    });
}
