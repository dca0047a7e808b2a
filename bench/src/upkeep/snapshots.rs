//! What open snapshots cost those who commit, and what it costs to drop one that kept much.

use super::{Line, Size, median, nanos, scattered, tail};
use epoch_store::{Map, Snapshot};

/// Drops a snapshot that held a version of every key; then commits go on, and collect it in steps.
pub fn release_of_a_large_snapshot(size: Size) -> Vec<Line> {
    let map = Map::new();
    for i in 0..size.keys {
        map.put(scattered(i), [0; 32]).expect("a small key");
    }
    let snapshot = map.snapshot();
    for i in 0..size.keys {
        map.put(scattered(i), [1; 32]).expect("a small key");
    }
    let held = map.stats().gc_queued;
    let drop_it = nanos(|| drop(snapshot));
    let mut commits = Vec::new();
    let mut next = 0;
    while map.stats().gc_queued > held / 100 && next < size.keys {
        for _ in 0..1_000 {
            let key = scattered(next);
            commits.push(nanos(|| _ = map.put(key, [2; 32]).expect("a small key")));
            next += 1;
        }
    }
    let count = commits.len();
    let (p999, longest) = tail(&mut commits);
    vec![
        Line::of(format!("dropping a snapshot that kept {held} versions"), drop_it / 1e3, "us"),
        Line::of("... commits until 99 % of them are collected", count as f64, ""),
        Line::of("... those commits: p99.9", p999 / 1e3, "us"),
        Line::of("... longest", longest / 1e3, "us"),
    ]
}

/// One-key commits beside no, 64 and 10,000 registered snapshots, all of different versions.
pub fn commits_beside_many_snapshots(size: Size) -> Vec<Line> {
    let keys = size.keys.min(100_000);
    let map = Map::new();
    for i in 0..keys {
        map.put(scattered(i), [0; 32]).expect("a small key");
    }
    let mut next = 0;
    let mut commit = || {
        median(5, || {
            nanos(|| {
                for _ in 0..20_000 {
                    map.put(scattered(next % keys), [1; 32]).expect("a small key");
                    next += 1;
                }
            }) / 20_000.0
        })
    };
    let none = commit();
    let mut lines = vec![Line::of("one-key overwrite, no snapshot open", none, "ns")];
    for open in [64, 10_000] {
        let snapshots: Vec<Snapshot> = (0..open)
            .map(|i| {
                map.put(scattered(i), [2; 32]).expect("a small key");
                map.snapshot()
            })
            .collect();
        let beside = commit();
        lines.push(Line::of(format!("... with {open} snapshots open"), beside, "ns"));
        lines.push(Line::of("... over none", beside / none, "x"));
        drop(snapshots);
        map.maintain();
    }
    lines
}
