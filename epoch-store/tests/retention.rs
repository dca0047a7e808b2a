//! Versions that can be opened by their number: which, for how long, and what they cost.
//!
//! *Bound*, when nobody is in the middle of a call and after `maintain`: the versions that some open snapshot sees, and those
//! that any version from the oldest retained one on sees. Nothing else, whoever kept it before.

use epoch_store::{Error, Map, Snapshot, Version, WriteBatch};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

fn retaining(versions: u64) -> Map {
    Map::builder().retain_versions(versions).build()
}

fn at(map: &Map, version: u64) -> Result<Snapshot, Error> {
    map.snapshot_at(Version::from(version))
}

/// Puts `number` under `key` as commit `number`.
fn put(map: &Map, key: &[u8], number: u64) {
    assert_eq!(map.put(key, number.to_le_bytes()).unwrap().get(), number);
}

#[test]
fn retained_versions_open_and_show_what_they_showed() {
    let map = retaining(20);
    let mut states = vec![BTreeMap::new()];
    for number in 1..=100_u64 {
        let key = [(number * 7 % 10) as u8];
        put(&map, &key, number);
        let mut state = states.last().unwrap().clone();
        state.insert(key.to_vec(), number.to_le_bytes().to_vec());
        states.push(state);
        let oldest = map.stats().oldest_version.get();
        assert!(oldest <= number.saturating_sub(20), "{oldest} of {number}: too few are retained");
        assert!(
            oldest + 20 + 20 / 8 + 1 >= number || oldest == 0,
            "{oldest} of {number}: too many"
        );
        for version in oldest..=number {
            let snapshot = at(&map, version).unwrap();
            assert_eq!(snapshot.version().get(), version);
            let rows = snapshot.iter().map(|(key, value)| (key.to_vec(), value.to_vec()));
            assert!(rows.eq(states[version as usize].clone()), "version {version} of {number}");
        }
    }
}

#[test]
fn other_versions_are_refused_by_type() {
    let map = retaining(4);
    for number in 1..=50 {
        put(&map, b"k", number);
    }
    map.maintain();
    let (oldest, newest) = (Version::from(46), Version::from(50));
    assert_eq!(map.stats().oldest_version, oldest);
    for old in [0, 1, 45] {
        let version = Version::from(old);
        assert_eq!(at(&map, old).unwrap_err(), Error::VersionCollected { version, oldest });
        assert_eq!(map.changes_since(version).unwrap_err(), at(&map, old).unwrap_err());
    }
    for future in [51, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
        let version = Version::from(future);
        assert_eq!(at(&map, future).unwrap_err(), Error::VersionInFuture { version, newest });
    }
    assert_eq!(map.stats().open_snapshots, 0, "a refusal leaves nothing open");
}

#[test]
fn without_retention_only_the_newest_opens() {
    let map = Map::new();
    map.put(b"a", b"").unwrap();
    map.put(b"b", b"").unwrap(); // supersedes nothing: no scan has let version 1 go
    let (version, oldest) = (Version::from(1), Version::from(2));
    assert_eq!(map.snapshot_at(version).unwrap_err(), Error::VersionCollected { version, oldest });
    assert_eq!(map.stats().oldest_version, oldest);
    assert!(map.snapshot_at(oldest).is_ok());
}

#[test]
fn exactly_the_window_stays() {
    let map = retaining(4);
    for number in 1..=100 {
        put(&map, b"hot", number);
    }
    map.maintain();
    assert_eq!(map.survey().longest_chain, 5, "the newest and four before it");
    for number in 101..=110_u64 {
        put(&map, &number.to_le_bytes(), number);
    }
    map.maintain();
    assert_eq!(map.survey().longest_chain, 1, "other keys' commits push a key's history out");
    assert_eq!(map.stats().versions, 11);
}

#[test]
fn what_a_snapshot_kept_goes_with_it_though_the_window_stands() {
    let (map, keys) = (retaining(50), 200_u64);
    let key = |i: u64| i.to_be_bytes();
    for i in 0..keys {
        map.put(key(i), b"first").unwrap();
    }
    let old = map.snapshot();
    for round in 0..3_u8 {
        for i in 0..keys {
            map.put(key(i), [round]).unwrap();
        }
    }
    map.maintain();
    let window = map.version().get() - map.stats().oldest_version.get();
    assert!((50..=50 + 50 / 8).contains(&window), "{window} versions behind the newest");
    assert_eq!(map.stats().versions, keys * 2 + window, "newest, the snapshot's, the window's");
    assert_eq!(old.iter().filter(|(_, value)| *value == b"first").count() as u64, keys);
    drop(old);
    map.maintain();
    assert_eq!(map.stats().versions, keys + window, "newest, and the window's");
}

#[test]
fn what_is_opened_by_number_stays_until_it_is_dropped() {
    let map = retaining(8);
    for number in 1..=10 {
        put(&map, b"k", number);
    }
    let early = at(&map, 3).unwrap();
    let late = at(&map, 9).unwrap();
    for number in 11..=100 {
        put(&map, b"k", number);
    }
    map.maintain();
    assert!(at(&map, 3).is_err(), "its number cannot be used any more");
    assert_eq!(early.get(b"k").unwrap(), 3_u64.to_le_bytes());
    assert_eq!(late.get(b"k").unwrap(), 9_u64.to_le_bytes());
    assert_eq!(map.stats().versions, 9 + 2);
    drop(early);
    map.maintain();
    assert_eq!(map.stats().versions, 9 + 1, "one that is open does not keep the other's");
    drop(late);
    map.maintain();
    assert_eq!(map.stats().versions, 9);
}

#[test]
fn memory_stays_bounded_without_maintain() {
    let map = retaining(64);
    let mut most = 0;
    for number in 1..=20_000 {
        put(&map, b"hot", number);
        most = most.max(if number % 64 == 0 { map.stats().versions } else { 0 });
    }
    // The window and its eighth, two open bags, and what waits in the backlog for its turn.
    assert!(most <= 64 + 8 + 3 * 32 + 64, "{most} versions of one key");
    let (map, keys) = (retaining(64), 1_000_u64);
    for number in 1..=30_000 {
        put(&map, &(number * 7919 % keys).to_le_bytes(), number);
    }
    let versions = map.stats().versions;
    assert!(versions <= keys + 64 + 8 + 3 * 32 + 64, "{versions} versions of {keys} keys");
}

#[test]
fn versions_stay_for_their_age_and_go_after_it() {
    let age = Duration::from_millis(40);
    let map = Map::builder().retain_age(age).build();
    let first = map.put(b"k", b"first").unwrap();
    // Superseded no earlier than this.
    let superseded = Instant::now();
    map.put(b"k", b"second").unwrap();
    let deadline = superseded + Duration::from_secs(20);
    loop {
        match map.snapshot_at(first) {
            Ok(snapshot) => assert_eq!(snapshot.get(b"k").unwrap(), b"first"),
            Err(Error::VersionCollected { oldest, .. }) => {
                assert!(superseded.elapsed() >= age, "too early");
                assert!(oldest > first && oldest <= map.version());
                break;
            }
            Err(other) => panic!("{other}"),
        }
        assert!(Instant::now() < deadline, "it is never let go");
        map.put(b"k", b"later").unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    map.maintain();
    std::thread::sleep(age * 2);
    map.maintain();
    map.maintain();
    assert_eq!(map.stats().versions, 1, "a quiet map lets go too, when it is maintained");
}

/// All of a burst comes within one interval of samples: what the first one found is not what the last left.
#[test]
fn a_burst_goes_when_it_is_maintained_twice_with_its_age_in_between() {
    let age = Duration::from_millis(50);
    let map = Map::builder().retain_age(age).build();
    for _ in 0..3 {
        for number in 0..1_000_u32 {
            map.put(b"k", number.to_le_bytes()).unwrap();
        }
        map.maintain();
        std::thread::sleep(age);
        map.maintain();
        assert_eq!(map.stats().versions, 1);
    }
}

#[test]
fn what_either_keeps_is_kept() {
    let long = Duration::from_secs(3_600);
    let by_age = Map::builder().retain_age(long).retain_versions(1).build();
    let by_number = Map::builder().retain_age(Duration::from_nanos(1)).retain_versions(30).build();
    for map in [&by_age, &by_number] {
        for number in 1..=30 {
            put(map, b"k", number);
        }
        map.maintain();
        assert_eq!(at(map, 1).unwrap().get(b"k").unwrap(), 1_u64.to_le_bytes());
    }
}

#[test]
fn versions_opened_by_number_amid_writes_are_whole() {
    let map = retaining(16);
    let commits = if cfg!(debug_assertions) { 5_000 } else { 100_000_u64 };
    let (opened, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let (seen, over) = (|count: &AtomicU64| count.load(Relaxed) > 0, AtomicBool::new(false));
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let reader = |number: u64| {
        let (map, opened, refused, over) = (map.clone(), &opened, &refused, &over);
        move || {
            let mut rng = fastrand::Rng::with_seed(seed.wrapping_add(number));
            while !over.load(Relaxed) {
                let version = map.version().get().saturating_sub(rng.u64(..40));
                match at(&map, version) {
                    Ok(snapshot) if version > 0 => {
                        opened.fetch_add(1, Relaxed);
                        for key in [b"a", b"b"] {
                            assert_eq!(snapshot.get(key).unwrap(), version.to_le_bytes());
                        }
                    }
                    Ok(snapshot) => assert_eq!(snapshot.iter().count(), 0),
                    Err(Error::VersionCollected { oldest, .. }) => {
                        refused.fetch_add(1, Relaxed);
                        assert!(oldest.get() > version);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    std::thread::scope(|scope| {
        let readers = [0, 1].map(|number| scope.spawn(reader(number)));
        for number in 1_u64.. {
            let mut batch = epoch_store::WriteBatch::new();
            batch.put(b"a", number.to_le_bytes()).put(b"b", number.to_le_bytes());
            map.commit(&batch).unwrap();
            // On a busy machine the readers may not have begun yet.
            if number >= commits {
                let done = seen(&opened) && seen(&refused) || Instant::now() > deadline;
                if done || readers.iter().any(|reader| reader.is_finished()) {
                    break;
                }
                std::thread::yield_now();
            }
        }
        over.store(true, Relaxed);
    });
    println!("{} opened, {} refused", opened.load(Relaxed), refused.load(Relaxed));
    assert!(seen(&opened) && seen(&refused), "versions of both kinds are asked for");
    map.maintain();
    let (oldest, newest) = (map.stats().oldest_version.get(), map.version().get());
    assert_eq!(map.stats().versions, 2 * (newest - oldest + 1));
}

/// A record has room for the notes of some 250 versions: a longer window of one key must not wait for them.
#[test]
fn a_key_that_fills_the_window_alone_keeps_no_more_than_the_window() {
    for window in [200, 1_000, 3_000] {
        let map = retaining(window);
        for number in 1..=6 * window {
            put(&map, b"hot", number);
            let versions = map.stats().versions;
            assert!(versions <= window + window / 8 + 200, "{versions} for {window}");
        }
        map.maintain();
        let oldest = map.stats().oldest_version.get();
        assert_eq!(map.stats().versions, 6 * window - oldest + 1);
    }
}

#[test]
fn the_window_stays_as_small_beside_an_old_snapshot_that_keeps_much() {
    const WINDOW: u64 = 200;
    let map = retaining(WINDOW);
    let mut batch = WriteBatch::new();
    for i in 0..5_000_u32 {
        batch.put(format!("old{i}"), "1");
    }
    map.commit(&batch).unwrap();
    let _old = map.snapshot();
    map.commit(&batch).unwrap();
    map.put("hot", "0").unwrap();
    let kept = map.stats().versions;
    for number in 0..WINDOW * 20 {
        map.put("hot", number.to_le_bytes()).unwrap();
    }
    let window = map.stats().versions - kept;
    assert!(window <= WINDOW * 2, "{window} versions beside those of the old snapshot");
}
