//! Commits of many chunks: several threads install each of them, readers see them whole, nothing leaks.

mod common;
#[path = "common/meter.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod meter;

use common::rounds;
use epoch_store::{Map, WriteBatch};
use meter::Meter;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ten chunks of 512 and a piece.
const KEYS: u64 = 10 * 512 + 7;
const WRITERS: u64 = 3;

/// All keys with one number, in an order that depends on it.
fn batch(number: u64) -> WriteBatch {
    let mut batch = WriteBatch::with_capacity(KEYS as usize, KEYS as usize * 24);
    for i in 0..KEYS {
        let key = if number.is_multiple_of(2) { i } else { KEYS - 1 - i };
        batch.put(format!("{key:08}"), number.to_le_bytes());
    }
    batch
}

/// Large commits of several threads over the same keys, small ones between them, and readers.
fn crowd(map: &Map, rounds: u64, enter: &(dyn Fn() + Sync)) {
    let before = map.version().get();
    let (writing, start) = (AtomicBool::new(true), Barrier::new(WRITERS as usize + 2));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let start = &start;
                scope.spawn(move || {
                    enter();
                    start.wait();
                    for round in 0..rounds {
                        map.commit(&batch(round * WRITERS + writer)).unwrap();
                    }
                })
            })
            .collect();
        let small = scope.spawn(|| {
            enter();
            start.wait();
            let mut puts = 0_u64;
            while writing.load(Ordering::Relaxed) {
                map.put("small", puts.to_le_bytes()).unwrap();
                puts += 1;
            }
            puts
        });
        let reader = scope.spawn(|| {
            enter();
            start.wait();
            while writing.load(Ordering::Relaxed) {
                let snapshot = map.snapshot();
                let values: Vec<_> = snapshot.range(.."1").map(|(_, value)| value).collect();
                assert!([0, KEYS as usize].contains(&values.len()), "all of a commit or nothing");
                assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "of one commit");
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        writing.store(false, Ordering::Relaxed);
        reader.join().unwrap();
        let puts = small.join().unwrap();
        assert_eq!(map.version().get(), before + rounds * WRITERS + puts, "each commit once");
    });
}

#[test]
fn large_commits_of_several_threads_are_seen_whole() {
    let map = Map::new();
    crowd(&map, rounds(20) as u64, &|| ());
    // Where one thread runs at a time they may all have come to nobody's help.
    for _ in 0..100 {
        if map.stats().helped > 0 {
            break;
        }
        crowd(&map, 1, &|| ());
    }
    assert!(map.stats().helped > 0, "no commit was finished by another thread");
    map.maintain();
    let (survey, stats) = (map.survey(), map.stats());
    assert_eq!(survey.live_keys, KEYS + 1);
    assert_eq!(survey.versions, survey.keys, "one version per key");
    assert_eq!((stats.versions, stats.live_keys), (survey.versions, survey.live_keys));
}

#[test]
fn large_commits_of_several_threads_give_everything_back() {
    let meter = Meter::begin();
    let use_and_drop = || {
        let map = Map::new();
        crowd(&map, 3, &|| meter.join());
    };
    // The first time may set up what belongs to the process.
    use_and_drop();
    let before = meter.live();
    use_and_drop();
    assert_eq!(meter.live(), before, "after against before");
}
