//! Snapshots that may be taken back: they read like others until then, and say so afterwards.

use epoch_store::{Error, Lease, Map, Version, WriteBatch};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

fn key(i: u32) -> [u8; 4] {
    i.to_be_bytes()
}

fn filled(keys: u32) -> Map {
    let map = Map::new();
    for i in 0..keys {
        map.put(key(i), b"first").unwrap();
    }
    map
}

fn revoked(lease: &Lease) -> Error {
    Error::SnapshotRevoked { version: lease.version() }
}

#[test]
fn a_lease_reads_like_a_snapshot() {
    let map = filled(300);
    map.delete(key(7)).unwrap();
    map.put(b"empty", b"").unwrap();
    let (snapshot, lease) = (map.snapshot(), map.lease());
    for i in 0..300 {
        map.put(key(i), b"second").unwrap();
    }
    map.maintain();
    assert_eq!(lease.version(), snapshot.version());
    assert_eq!(lease.get(key(1)).unwrap().unwrap(), b"first");
    assert_eq!(lease.get(key(7)), Ok(None));
    assert_eq!(lease.get(b""), Ok(None));
    assert_eq!((lease.contains(b"empty"), lease.contains(key(7))), (Ok(true), Ok(false)));
    let rows = |lease: &Lease| lease.iter().collect::<Result<Vec<_>, _>>().unwrap();
    let expected: Vec<_> = snapshot.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert_eq!(rows(&lease), expected);
    let back: Vec<_> = lease.iter().rev().map(Result::unwrap).collect();
    assert!(back.iter().eq(expected.iter().rev()));
    assert_eq!(lease.prefix([0, 0, 0]).count(), 255);
    assert_eq!(lease.range(key(9)..key(5)).count(), 0);
    // The copies and the lease outlive the map's handle.
    let copy = lease.get(key(2)).unwrap();
    drop((map, snapshot));
    assert_eq!(rows(&lease), expected);
    drop(lease);
    assert_eq!(copy.unwrap(), b"first");
}

#[test]
fn leases_are_taken_back_by_version_and_snapshots_stay() {
    let map = filled(3);
    let (snapshot, first) = (map.snapshot(), map.lease());
    let clone = first.clone();
    let limit = map.put(key(0), b"second").unwrap();
    let second = map.lease();
    assert_eq!(map.stats().open_snapshots, 3);
    assert_eq!(map.revoke_older_than(first.version()), 0, "not older than itself");
    assert_eq!(map.revoke_older_than(limit), 1, "clones count as one");
    assert_eq!(map.revoke_older_than(limit), 0, "and are taken back once");
    assert!(first.is_revoked() && clone.is_revoked() && !second.is_revoked());
    assert_eq!(first.get(key(0)), Err(revoked(&first)));
    assert_eq!(clone.contains(key(0)), Err(revoked(&first)));
    assert_eq!(clone.range(..).next(), Some(Err(revoked(&first))));
    assert_eq!(clone.range(..).next_back(), Some(Err(revoked(&first))));
    assert_eq!(first.clone().get(b"absent"), Err(revoked(&first)), "absence counts no more");
    assert_eq!(second.get(key(0)).unwrap().unwrap(), b"second");
    assert_eq!(snapshot.get(key(0)).unwrap(), b"first");
    assert_eq!(map.stats().open_snapshots, 2);
    assert_eq!(map.stats().oldest_snapshot, Some(snapshot.version()));
    assert_eq!(map.revoke_older_than(Version::from(u64::MAX)), 1, "all of them");
    assert_eq!(revoked(&first).to_string(), "the lease of version 3 was taken back");
}

#[test]
fn a_lease_that_two_threads_take_back_is_counted_once() {
    let (rounds, leases_at_once) = if cfg!(miri) { (1, 20) } else { (20, 5_000) };
    for _ in 0..rounds {
        let map = Map::new();
        let leases: Vec<Lease> = (0..leases_at_once).map(|_| map.lease()).collect();
        let limit = map.put(b"k", b"v").unwrap();
        let ready = AtomicUsize::new(0);
        let take_back = || {
            ready.fetch_add(1, Relaxed);
            // Not a barrier: waking up takes longer than taking back.
            while ready.load(Relaxed) < 2 {
                std::hint::spin_loop();
            }
            map.revoke_older_than(limit)
        };
        let counted = std::thread::scope(|scope| {
            let other = scope.spawn(take_back);
            take_back() + other.join().unwrap()
        });
        assert_eq!(counted, leases_at_once);
        assert!(leases.iter().all(Lease::is_revoked));
    }
}

#[test]
fn a_range_is_never_short() {
    for from_the_back in [false, true] {
        let map = filled(2_000);
        let lease = map.lease();
        let mut range = lease.iter();
        let mut next = || if from_the_back { range.next_back() } else { range.next() };
        let mut read = 0;
        while read < 700 {
            next().unwrap().unwrap();
            read += 1;
        }
        for i in 0..2_000 {
            map.delete(key(i)).unwrap();
        }
        map.revoke_older_than(map.version());
        map.maintain();
        let stats = map.stats();
        assert_eq!((stats.records, stats.versions), (0, 0), "nothing is kept for it");
        let error = loop {
            match next().expect("an error comes before the end") {
                Ok((_, value)) => assert_eq!(value, b"first"),
                Err(error) => break error,
            }
            read += 1;
        };
        assert!((700..1_000).contains(&read), "rows that were read ahead, and no others: {read}");
        assert_eq!(error, revoked(&lease));
        assert!(next().is_none() && next().is_none());
    }
}

/// Makes every read of a lease from before fail.
fn take_back(map: &Map) {
    map.put(b"newer", b"").unwrap();
    assert!(map.revoke_older_than(map.version()) > 0);
    map.maintain();
}

fn number((key, value): (Vec<u8>, Vec<u8>)) -> u32 {
    assert_eq!(value, b"first");
    u32::from_be_bytes(key.try_into().unwrap())
}

#[test]
fn a_range_that_is_over_stays_over() {
    let map = filled(1);
    for from_the_back in [false, true] {
        let lease = map.lease();
        let mut range = lease.range(..=key(9));
        let mut next = || if from_the_back { range.next_back() } else { range.next() };
        assert!(next().unwrap().is_ok());
        assert_eq!(next(), None);
        take_back(&map);
        assert_eq!((next(), next()), (None, None));
    }
}

#[test]
fn a_range_that_was_wholly_read_ends_without_an_error() {
    for front in [0, 1, 2] {
        let map = filled(3);
        let lease = map.lease();
        let mut range = lease.iter();
        assert_eq!(range.next_back().unwrap().map(number), Ok(2));
        take_back(&map);
        // Read at the back, asked for at either end.
        for expected in 0..front {
            assert_eq!(range.next().unwrap().map(number), Ok(expected));
        }
        for expected in (front..2).rev() {
            assert_eq!(range.next_back().unwrap().map(number), Ok(expected));
        }
        assert_eq!((range.next(), range.next_back(), range.next()), (None, None, None));
    }
}

#[test]
fn an_error_at_one_end_leaves_the_rows_of_the_other() {
    for ask_the_back_first in [false, true] {
        let map = filled(2_000);
        let lease = map.lease();
        let mut range = lease.iter();
        let (mut low, mut high) = (0, 2_000);
        for _ in 0..20 {
            assert_eq!(range.next().unwrap().map(number), Ok(low));
            assert_eq!(range.next_back().unwrap().map(number), Ok(high - 1));
            (low, high) = (low + 1, high - 1);
        }
        take_back(&map);
        let error = loop {
            match if ask_the_back_first { range.next_back() } else { range.next() }.unwrap() {
                Ok(row) if ask_the_back_first => {
                    high -= 1;
                    assert_eq!(number(row), high);
                }
                Ok(row) => {
                    assert_eq!(number(row), low);
                    low += 1;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error, revoked(&lease));
        // What the other end has read, from both of them: no second error, no row twice.
        let mut left = Vec::new();
        while let Some(row) = if left.len() % 2 == 0 { range.next() } else { range.next_back() } {
            left.push(number(row.expect("the error comes once")));
        }
        assert!(left.len() > 10, "rows that were read are yielded: {}", left.len());
        left.sort_unstable();
        let first = left[0];
        assert!(left.iter().copied().eq(first..first + left.len() as u32), "{left:?}");
        let far_end =
            if ask_the_back_first { first == low } else { left.last() == Some(&(high - 1)) };
        assert!(far_end, "{left:?}");
        assert_eq!((range.next(), range.next_back()), (None, None));
    }
}

#[test]
fn a_lease_that_falls_behind_is_taken_back() {
    let map = Map::builder().revoke_leases_after(10).build();
    map.put(b"k", b"first").unwrap();
    let (lease, snapshot) = (map.lease(), map.snapshot());
    for _ in 0..10 {
        map.put(b"k", b"later").unwrap();
    }
    map.maintain();
    assert_eq!(lease.get(b"k").unwrap().unwrap(), b"first", "ten behind is not too far");
    map.put(b"k", b"later").unwrap();
    map.maintain();
    assert!(lease.is_revoked());
    assert_eq!(snapshot.get(b"k").unwrap(), b"first");
    drop(snapshot);
    map.maintain();
    assert_eq!(map.stats().versions, 1);
    assert!(!map.lease().is_revoked(), "a new one is not behind");
}

#[test]
fn a_map_that_only_grows_takes_leases_back_when_it_is_maintained() {
    let map = Map::builder().revoke_leases_after(10).build();
    let lease = map.lease();
    for i in 0..1_000 {
        map.put(key(i), b"new").unwrap();
    }
    map.maintain();
    assert!(lease.is_revoked());
}

#[test]
fn a_version_in_the_future_takes_all_back_that_are_there_and_none_that_come() {
    let map = filled(1);
    let before = map.lease();
    let future = Version::from(map.version().get() + 10);
    assert_eq!(map.revoke_older_than(future), 1);
    assert!(before.is_revoked() && !map.lease().is_revoked());
}

#[test]
fn a_sleeping_lease_costs_nothing_once_it_is_taken_back() {
    let map = filled(1_000);
    let sleeping: Vec<Lease> = (0..50)
        .map(|_| {
            map.put(key(0), b"next").unwrap();
            map.lease()
        })
        .collect();
    for i in 0..1_000 {
        map.put(key(i), b"second").unwrap();
    }
    map.maintain();
    assert!(map.stats().versions >= 2_000, "leases keep what they see");
    assert_eq!(map.revoke_older_than(map.version()), 50);
    let mut longest = 0;
    for i in 0..20_000_u32 {
        map.put(b"hot", i.to_le_bytes()).unwrap();
        longest = longest.max(if i % 500 == 0 { map.survey().longest_chain } else { 0 });
        if i == 2_000 {
            assert!(map.stats().versions < 1_200, "commits have collected what they kept");
        }
    }
    // Their slots are theirs still, 56 with the free ones, and a scan of so many is due every fourth commit.
    assert!(map.survey().longest_chain <= 5, "{:?}", map.survey());
    assert_eq!((map.stats().open_snapshots, map.stats().oldest_snapshot), (0, None));
    map.maintain();
    assert_eq!(map.stats().versions, 1_001);
    assert!(sleeping.iter().all(|lease| lease.get(key(1)) == Err(revoked(lease))));
}

#[test]
fn the_slot_of_a_lease_serves_again() {
    let map = filled(1);
    for round in 0..100_u8 {
        let lease = map.lease();
        map.put(key(0), [round]).unwrap();
        if round % 2 == 0 {
            assert_eq!(map.revoke_older_than(map.version()), 1);
        }
        drop(lease);
        let (snapshot, next) = (map.snapshot(), map.lease());
        map.put(key(0), b"later").unwrap();
        map.maintain();
        assert_eq!(snapshot.get(key(0)).unwrap(), [round], "no stale revocation hits it");
        assert_eq!(next.get(key(0)).unwrap().unwrap(), [round]);
    }
    map.maintain();
    assert_eq!((map.stats().open_snapshots, map.stats().versions), (0, 1));
}

/// Neither one that was opened before, nor one that was being opened when the revocation began.
#[test]
fn no_lease_outlives_a_revocation_that_is_over() {
    let map = Map::new();
    let puts = if cfg!(miri) { 50 } else { 100_000_u64 };
    let (limit, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let reader = || {
        while !over.load(Relaxed) {
            let lease = map.lease();
            // Every lease below this was taken back before.
            let limit = limit.load(Acquire);
            let version = lease.version().get();
            assert!(version >= limit || lease.is_revoked(), "{version} outlives {limit}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(reader);
        scope.spawn(reader);
        for _ in 0..puts {
            let version = map.put(b"k", b"v").unwrap();
            map.revoke_older_than(version);
            limit.store(version.get(), Release);
        }
        over.store(true, Relaxed);
    });
    assert_eq!(map.stats().open_snapshots, 0);
}

/// Two keys always have the same value, and the number of the commit that wrote them.
#[test]
fn reads_amid_revocations_are_right_or_refused() {
    let map = Map::builder().revoke_leases_after(3).build();
    let commits = if cfg!(debug_assertions) { 5_000 } else { 100_000_u64 };
    let (right, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let (seen, over) = (|count: &AtomicU64| count.load(Relaxed) > 0, AtomicBool::new(false));
    let reader = || {
        while !over.load(Relaxed) {
            let lease = map.lease();
            let version = lease.version().get().to_le_bytes();
            for _ in 0..20 {
                let (a, b) = (lease.get(b"a"), lease.get(b"b"));
                let rows: Result<Vec<_>, _> = lease.iter().collect();
                match (a, b) {
                    (Ok(Some(a)), Ok(Some(b))) => assert!(a == version && b == version),
                    (Ok(None), Ok(None)) => assert_eq!(lease.version(), Version::ZERO),
                    (_, Err(error)) => assert_eq!(error, revoked(&lease)),
                    other => panic!("half a commit: {other:?}"),
                }
                match rows {
                    Ok(rows) => {
                        right.fetch_add(1, Relaxed);
                        assert!(rows.iter().all(|(_, value)| *value == version), "{rows:?}");
                        assert!(rows.len() == 2 || lease.version() == Version::ZERO);
                    }
                    Err(error) => {
                        refused.fetch_add(1, Relaxed);
                        assert_eq!(error, revoked(&lease));
                        break;
                    }
                }
            }
        }
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    std::thread::scope(|scope| {
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for number in 1_u64.. {
            let mut batch = WriteBatch::new();
            batch.put(b"a", number.to_le_bytes()).put(b"b", number.to_le_bytes());
            map.commit(&batch).unwrap();
            if number % 16 == 0 {
                map.revoke_older_than(map.version());
            }
            // On a busy machine the readers may not have begun yet.
            if number >= commits {
                let done = seen(&right) && seen(&refused) || Instant::now() > deadline;
                if done || readers.iter().any(|reader| reader.is_finished()) {
                    break;
                }
                std::thread::yield_now();
            }
        }
        over.store(true, Relaxed);
    });
    println!("{} right, {} refused", right.load(Relaxed), refused.load(Relaxed));
    assert!(seen(&right) && seen(&refused), "reads before and after a revocation");
    map.maintain();
    assert_eq!(map.stats().versions, 2);
}
