//! Keys that come and go leave nothing behind.

use super::{Line, Size, median, nanos, scattered};
use epoch_store::Map;

/// Bytes that a map keeps for itself however little is in it: sessions with their bags, slots, first tables.
const OF_THE_MAP: f64 = 256.0 * 1024.0;

/// Inserts and deletes unique keys, under no snapshot and under an old one.
pub fn keys_that_come_and_go(size: Size) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, held) in [("no snapshot", false), ("an old snapshot", true)] {
        let before = (size.allocated)();
        let map = Map::new();
        map.put("kept", "").expect("a small key");
        let snapshot = held.then(|| map.snapshot());
        let took = nanos(|| {
            for i in 0..size.keys {
                map.put(scattered(i), [0; 32]).expect("a small key");
                // A window of a thousand live keys.
                if let Some(oldest) = i.checked_sub(1_000) {
                    map.delete(scattered(oldest)).expect("a small key");
                }
            }
            for i in size.keys.saturating_sub(1_000)..size.keys {
                map.delete(scattered(i)).expect("a small key");
            }
        });
        let what = format!("{} keys inserted and deleted under {name}", size.keys);
        lines.push(Line::of(format!("{what}: each"), took / size.keys as f64, "ns"));
        let quiet = map.stats();
        lines.push(Line::of("... records left, without maintain", quiet.records as f64, ""));
        let left = (size.allocated)().saturating_sub(before);
        lines.push(Line::of("... bytes left, without maintain", left as f64, "B"));
        map.maintain();
        let left = (size.allocated)().saturating_sub(before);
        lines.push(Line::of("... after maintain", left as f64, "B").at_most(OF_THE_MAP));
        let stats = map.stats();
        lines.push(Line::of("... records", stats.records as f64, "").at_most(1.0));
        drop(snapshot);
    }
    lines
}

/// Fills a map, empties it, scans it.
pub fn an_emptied_map(size: Size) -> Vec<Line> {
    let before = (size.allocated)();
    let map = Map::new();
    for i in 0..size.keys {
        map.put(scattered(i), [0; 32]).expect("a small key");
    }
    let full = (size.allocated)() - before;
    let delete = nanos(|| {
        for i in 0..size.keys {
            map.delete(scattered(i)).expect("a small key");
        }
    });
    let scan = |map: &Map| {
        let snapshot = map.snapshot();
        median(1_001, || nanos(|| assert_eq!(snapshot.iter().count(), 0, "empty")))
    };
    let at_once = scan(&map);
    let left_at_once = map.stats();
    map.maintain();
    let left = (size.allocated)().saturating_sub(before);
    let what = format!("a map of {} keys emptied key by key", size.keys);
    vec![
        Line::of(format!("{what}: each delete"), delete / size.keys as f64, "ns"),
        Line::of("... full scan at once", at_once / 1e3, "us"),
        Line::of("... records left at once", left_at_once.records as f64, ""),
        Line::of("... full scan after maintain", scan(&map) / 1e3, "us").at_most(1.0),
        Line::of("... bytes while full", full as f64, "B"),
        Line::of("... bytes after maintain", left as f64, "B").at_most(OF_THE_MAP),
    ]
}
