//! Keys that one thread overwrites in a loop: no reader ever misses one, or sees it go back.

mod common;

use common::{key_of, rounds};
use epoch_store::{Map, Snapshot, WriteBatch};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Runs `write` for a number of rounds, and `read` on three threads until it is done: at least once each.
fn while_written(map: &Map, count: usize, write: impl Fn(u64), read: impl Fn(&Snapshot) + Sync) {
    let (start, done) = (Barrier::new(4), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                start.wait();
                let mut last = map.snapshot().version();
                loop {
                    let finished = done.load(Ordering::Acquire);
                    let snapshot = map.snapshot();
                    assert!(snapshot.version() >= last, "versions never go back");
                    last = snapshot.version();
                    read(&snapshot);
                    if finished {
                        return;
                    }
                }
            });
        }
        start.wait();
        (0..count as u64).for_each(&write);
        done.store(true, Ordering::Release);
    });
}

fn number_in(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("values are numbers"))
}

#[test]
fn an_overwritten_key_is_always_there() {
    let map = Map::new();
    map.put(b"hot", key_of(0)).unwrap();
    let write = |number| _ = map.put(b"hot", key_of(number)).unwrap();
    while_written(&map, rounds(200_000), write, |snapshot| {
        let value = snapshot.get(b"hot").expect("get finds it");
        assert!(snapshot.contains(b"hot"));
        assert_eq!(snapshot.get_many(&[b"hot"]), [Some(value)]);
        for range in [snapshot.iter(), snapshot.range("h"..="i"), snapshot.prefix("hot")] {
            assert!(range.map(|(_, found)| found).eq([value]), "one snapshot, one value");
        }
        assert_eq!(snapshot.last().expect("the last is there").1, value);
        assert_eq!(snapshot.range(..="hot").next_back().expect("from behind").1, value);
    });
}

#[test]
fn a_deleted_and_rewritten_pair_is_there_once() {
    // In one commit the entry moves from one key to the other: every reader sees exactly one of them.
    let map = Map::new();
    map.put(b"left", b"").unwrap();
    let write = |number: u64| {
        let (from, to) =
            if number.is_multiple_of(2) { ("left", "right") } else { ("right", "left") };
        map.commit(WriteBatch::new().delete(from).put(to, b"")).unwrap();
    };
    while_written(&map, rounds(100_000), write, |snapshot| {
        assert_eq!(snapshot.iter().count(), 1);
        assert_eq!(snapshot.iter().rev().count(), 1);
        assert!(snapshot.contains("left") != snapshot.contains("right"));
        assert_eq!(snapshot.get_many(&["left", "right"]).iter().flatten().count(), 1);
    });
}

#[test]
fn a_key_is_always_there_while_its_leaf_is_rebuilt() {
    let map = Map::new();
    let hot = [1_000, 500_000, 999_000];
    hot.iter().for_each(|&number| _ = map.put(key_of(number), b"here").unwrap());
    // New keys on all sides: tails are folded, leaves split, the hash grows.
    let write = |number: u64| {
        map.put(key_of(number * 611_953 % 1_000_000), b"new").unwrap();
    };
    while_written(&map, rounds(80_000), write, |snapshot| {
        for number in hot {
            let key = key_of(number);
            assert!(snapshot.contains(key));
            assert_eq!(snapshot.range(key..).next().expect("from it on").0, key);
            assert_eq!(snapshot.range(..=key).next_back().expect("up to it").0, key);
        }
        let few = snapshot.range(key_of(499_000)..key_of(501_000));
        let keys: Vec<u64> = few.map(|(key, _)| number_in(&key)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "each key once, in order");
        assert!(keys.contains(&500_000));
    });
    assert!(map.stats().splits > 0);
}

#[test]
fn a_batch_is_seen_whole() {
    const KEYS: u64 = 100;
    let map = Map::new();
    let write = |number: u64| {
        let mut batch = WriteBatch::new();
        (0..KEYS).for_each(|key| _ = batch.put(key_of(key), key_of(number)));
        map.commit(&batch).unwrap();
    };
    write(0);
    let keys: Vec<_> = (0..KEYS).map(key_of).collect();
    while_written(&map, rounds(6_000), write, |snapshot| {
        // Every read of one snapshot shows the same commit, whichever way it is made.
        let expected = number_in(&snapshot.get(key_of(0)).expect("it is there"));
        assert_eq!(snapshot.version().get(), snapshot.version().get().max(expected));
        let same = |value: &[u8]| number_in(value) == expected;
        assert_eq!(snapshot.iter().filter(|(_, value)| same(value)).count() as u64, KEYS);
        assert_eq!(snapshot.iter().rev().filter(|(_, value)| same(value)).count() as u64, KEYS);
        assert!(snapshot.get_many(&keys).iter().flatten().all(|value| same(value)));
        assert!(same(&snapshot.get(key_of(KEYS - 1)).expect("it is there")));
    });
}

#[test]
fn an_old_snapshot_sees_nothing_of_it_all() {
    let map = Map::new();
    for number in 0..300 {
        map.put(key_of(number), b"old").unwrap();
    }
    let old = map.snapshot();
    let write = |number: u64| match number % 3 {
        0 => _ = map.delete(key_of(number % 300)).unwrap(),
        1 => _ = map.put(key_of(number % 300), b"new").unwrap(),
        _ => _ = map.put(key_of(number), b"added").unwrap(),
    };
    while_written(&map, rounds(100_000), write, |_| {
        assert_eq!(old.iter().filter(|(_, value)| *value == b"old").count(), 300);
        assert_eq!(old.iter().rev().count(), 300);
        assert_eq!(old.get(key_of(299)).expect("it stays"), b"old");
        assert!(old.get(key_of(301)).is_none());
    });
}

#[test]
fn blind_deletes_under_a_snapshot_each_go_at_once() {
    let map = Map::new();
    map.put("k", "v").unwrap();
    let mut held = vec![map.snapshot()];
    for _ in 0..4_000 {
        map.delete("k").unwrap();
        held.push(map.snapshot());
    }
    held.remove(0);
    let begin = std::time::Instant::now();
    map.maintain();
    let took = begin.elapsed();
    assert_eq!(map.stats().records, 0, "nobody sees a value any more");
    assert!(held.iter().all(|snapshot| !snapshot.contains("k")));
    assert!(took.as_secs() < 2, "{took:?}: a walk for each of them, or a walk for all");
}
