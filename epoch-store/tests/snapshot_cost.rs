//! What open snapshots cost writers, and what they cost once they are gone.
//!
//! A long-lived snapshot costs a commit nothing that grows with its age; a great number of snapshots costs a scan of their
//! slots only as often as there is garbage to pay for it; and when they are dropped everything is as before. Counts do
//! the asserting, so that a busy machine changes nothing; times are compared with a fresh map, side by side.

use epoch_store::{Map, Snapshot};
use std::time::{Duration, Instant};

fn key(i: usize) -> Vec<u8> {
    format!("key{i:06}").into_bytes()
}

#[test]
fn a_chain_stays_short_from_the_first_overwrite_to_the_last() {
    // What a reader of an old version walks, and what a writer walks to cut: the same at the end as at the beginning.
    let map = Map::new();
    map.put(b"hot", b"first").unwrap();
    let _old = map.snapshot();
    let longest = |puts: usize| {
        let lengths = (0..puts).map(|i| {
            map.put(b"hot", i.to_le_bytes()).unwrap();
            if i % 64 == 0 { map.survey().longest_chain } else { 0 }
        });
        lengths.max().unwrap_or_default()
    };
    let first = longest(1_024);
    longest(16_384);
    assert!(longest(1_024) <= first.max(3), "chains grow with the number of overwrites");
}

/// Puts to one key of each map in turn: how long a hundred take, in the median.
fn medians(maps: [&Map; 2]) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..60 {
        for (map, times) in maps.iter().zip(&mut times) {
            let begin = Instant::now();
            for i in 0..100_u8 {
                map.put(b"hot", [i]).unwrap();
            }
            times.push(begin.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

#[test]
fn a_burst_of_snapshots_costs_nothing_once_it_is_over() {
    let (map, fresh) = (Map::new(), Map::new());
    for map in [&map, &fresh] {
        map.put(b"hot", b"first").unwrap();
    }
    let burst: Vec<Snapshot> = (0..100_000).map(|_| map.snapshot()).collect();
    for i in 0..100_u8 {
        map.put(b"hot", [i]).unwrap();
    }
    assert_eq!(map.stats().open_snapshots, 100_000);
    drop(burst);
    map.maintain();
    // Count-based: a chain as short as before, and as many scans as a fresh map makes, each of few slots.
    let scans = |map: &Map| {
        let before = map.stats().slot_scans;
        for i in 0..1_000_usize {
            map.put(b"hot", i.to_le_bytes()).unwrap();
        }
        map.stats().slot_scans - before
    };
    scans(&map);
    assert!(map.survey().longest_chain <= 3, "after the burst: {:?}", map.survey());
    let (after, without) = (scans(&map), scans(&fresh));
    assert!(after <= without * 2, "{after} scans after the burst, {without} without");
    // Time-based: the best of some tries, for the machine may be busy.
    let ratios = (0..5).map(|_| {
        let [after, without] = medians([&map, &fresh]);
        after.as_secs_f64() / without.as_secs_f64()
    });
    let best = ratios.fold(f64::INFINITY, f64::min);
    println!("puts after a burst of 100,000 snapshots: {best:.2} times the time of a fresh map");
    assert!(best <= 1.5, "puts take {best:.2} times as long as before the burst");
}

#[test]
fn open_snapshots_do_not_make_every_commit_scan_them() {
    let (map, keys) = (Map::new(), 64);
    for i in 0..keys {
        map.put(key(i), b"first").unwrap();
    }
    let mut open = Vec::new();
    for i in 0..2_000 {
        map.put(key(i % keys), b"next").unwrap();
        open.push(map.snapshot());
    }
    let before = map.stats().slot_scans;
    for i in 0..1_000 {
        map.put(key(i % keys), b"later").unwrap();
    }
    let scans = map.stats().slot_scans - before;
    // A scan reads a slot per snapshot: it must wait until it can find a part of that in garbage.
    assert!(scans <= 50, "{scans} scans of {} slots in 1,000 commits", open.len());
}

#[test]
fn dropping_many_snapshots_does_not_scan_all_of_them_for_each() {
    let (map, keys) = (Map::new(), 64);
    for i in 0..keys {
        map.put(key(i), b"first").unwrap();
    }
    let open: Vec<Snapshot> = (0..2_000).map(|_| map.snapshot()).collect();
    for i in 0..keys * 2 {
        map.put(key(i % keys), b"later").unwrap();
    }
    let before = map.stats().slot_scans;
    drop(open);
    let scans = map.stats().slot_scans - before;
    assert!(scans <= 50, "{scans} scans of up to 2,000 slots to drop 2,000 snapshots");
}

#[test]
fn snapshots_of_one_hot_key_go_at_a_price_that_their_number_does_not_set() {
    const SNAPSHOTS: u64 = 8_000;
    let map = Map::new();
    let open: Vec<Snapshot> = (0..SNAPSHOTS)
        .map(|i| {
            map.put(b"hot", i.to_le_bytes()).unwrap();
            map.snapshot()
        })
        .collect();
    let before = map.stats().gc_steps;
    drop(open); // oldest first: each walk to the end of the chain passes all that are still open
    let steps = map.stats().gc_steps - before;
    // On average 512 a look, and the longest walk, which a few looks may take before they are paid for.
    let allowed = SNAPSHOTS * 512 + 8 * SNAPSHOTS;
    assert!(steps > 0 && steps < allowed, "{steps} steps for {SNAPSHOTS} releases");
    map.maintain();
    assert_eq!(map.stats().versions, 1);
}
