//! An iterator over uncommitted writes, opened right after one more of them: who keeps a sorted copy has to renew it.

use std::cell::LazyCell;

use bench::layers::{Cache, Ours, Stack};
use bench::measure::Plan;
use bench::workload::{Stream, value};
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion};

/// Keys that are not committed.
const KEYS: u64 = 1_000;

/// Measures ours, and a cache of the kind that chains use.
pub fn measure(criterion: &mut Criterion, plan: Plan) {
    let stream = Stream::of(plan.case, 0..KEYS);
    let mut group = criterion.benchmark_group("overlay-iterator-open");
    open::<Ours>(&mut group, "ours", &stream);
    open::<Cache>(&mut group, "locked-cache", &stream);
    group.finish();
}

fn open<S: Stack>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, stream: &Stream) {
    let mut walk = stream.walk(0);
    let mut sequence = 0;
    let mut write = |layer: &S| {
        let key = walk.step();
        sequence += 1;
        layer.put(key, &value::make(key, sequence));
    };
    let layer = LazyCell::new(|| S::over(&[]));
    group.bench_function(name, |bencher| {
        if layer.first(1) == 0 {
            (0..KEYS).for_each(|_| write(&layer));
        }
        let first = |()| assert_eq!(layer.first(1), 1, "there are keys");
        // The write is not measured.
        bencher.iter_batched(|| write(&layer), first, BatchSize::PerIteration);
    });
}
