//! One contender's turn at a row.

use std::cell::LazyCell;

use bench::contender::Contender;
use bench::measure::{Plan, Streams, load_random};
use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup};

/// Where a contender's figure goes, and what it is asked. Everyone's requests begin at the first of their stream: the map was
/// just loaded, so no earlier measurement has pulled anything into the caches.
pub struct Turn<'t, 'c> {
    /// How much of everything.
    pub plan: Plan,
    /// The requests.
    pub streams: &'t Streams,
    /// The contender's name.
    pub name: &'static str,
    /// The row.
    pub group: &'t mut BenchmarkGroup<'c, WallTime>,
}

impl Turn<'_, '_> {
    /// Has `routine` measured on a map of its own, which is not loaded where a filter leaves it out.
    pub fn on_map<C: Contender>(self, mut routine: impl FnMut(&C, &mut Bencher<'_>)) {
        let (plan, streams) = (self.plan, self.streams);
        let map = LazyCell::new(|| load_random::<C>(&plan, streams).0);
        self.group.bench_function(self.name, |bencher| routine(&map, bencher));
    }
}
