//! A store whose memory has a budget reads like one that has everything in memory.

#[allow(dead_code, reason = "shared with another test")]
#[path = "durability/history.rs"]
mod history;

use engine::{Error, MemoryParent, Snapshot, Store, WriteBatch};
use history::{contents, random_step};
use std::ops::Bound;

fn open(parent: &MemoryParent, budget: u64) -> Store {
    Store::builder().parent(parent.reopened()).memory_budget(budget).open().unwrap()
}

/// Makes everything durable, and waits until what is too much has left memory.
fn evict(store: &Store, bytes: u64) {
    store.flush().unwrap();
    for _ in 0..1_000 {
        if store.stats().bytes <= bytes {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{} bytes are still in memory", store.stats().bytes);
}

/// Makes everything durable, and waits until nothing is in memory: of a store that may hold nothing.
fn evict_all(store: &Store) {
    store.flush().unwrap();
    for _ in 0..1_000 {
        if store.stats().live_keys == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{} keys are still in memory", store.stats().live_keys);
}

/// Everything that reads a snapshot says the same of two.
fn assert_same(ours: (&Snapshot, &Store), theirs: (&Snapshot, &Store), random: &mut fastrand::Rng) {
    assert_eq!(contents(ours.0, ours.1), contents(theirs.0, theirs.1));
    let (a, b) = (ours.0, theirs.0);
    let key = || format!("{:02}", fastrand::u8(..45));
    let keys: Vec<String> = (0..45).map(|n| format!("{n:02}")).collect();
    for key in &keys {
        assert_eq!(a.get(key).unwrap(), b.get(key).unwrap(), "{key}");
        assert_eq!(a.contains(key).unwrap(), b.contains(key).unwrap());
    }
    assert_eq!(a.get_many(&keys).unwrap(), b.get_many(&keys).unwrap());
    for _ in 0..5 {
        let bounds = (bound(key(), random), bound(key(), random));
        let collect = |snapshot: &Snapshot, random: &mut fastrand::Rng| {
            let (mut range, mut front, mut back) = (snapshot.range(bounds.clone()), vec![], vec![]);
            loop {
                let (next, to) = if random.bool() {
                    (range.next(), &mut front)
                } else {
                    (range.next_back(), &mut back)
                };
                let Some(entry) = next else { break };
                let (key, value) = entry.unwrap();
                to.push((key.to_vec(), value.to_vec()));
            }
            back.reverse();
            front.into_iter().chain(back).collect::<Vec<_>>()
        };
        let seed = random.u64(..);
        let [ours, theirs] =
            [a, b].map(|snapshot| collect(snapshot, &mut fastrand::Rng::with_seed(seed)));
        assert_eq!(ours, theirs);
    }
    let prefix = &key()[..1];
    assert_eq!(a.prefix(prefix).count(), b.prefix(prefix).count());
    assert_eq!(a.len().unwrap(), b.len().unwrap());
    assert_eq!(a.first().unwrap(), b.first().unwrap());
    assert_eq!(a.last().unwrap(), b.last().unwrap());
    assert_eq!(a.metadata().unwrap(), b.metadata().unwrap());
    let (mut ours, mut theirs) = (a.cursor(), b.cursor());
    for _ in 0..20 {
        let key = key();
        let moved = match random.u8(..3) {
            0 => (ours.seek(&key).unwrap(), theirs.seek(&key).unwrap()),
            1 => (ours.next().unwrap(), theirs.next().unwrap()),
            _ => (ours.prev().unwrap(), theirs.prev().unwrap()),
        };
        assert_eq!(moved.0, moved.1);
        assert_eq!(ours.key(), theirs.key());
        assert_eq!(ours.value().unwrap(), theirs.value().unwrap());
    }
}

fn bound(key: String, random: &mut fastrand::Rng) -> Bound<String> {
    match random.u8(..3) {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    }
}

/// The same writes to both, at every step; snapshots from all along, which are read after everything under them was evicted,
/// or not.
#[test]
fn reads_like_a_store_in_memory() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let budget = [0, 4_000, 20_000][random.usize(..3)];
        let (parent, theirs) = (MemoryParent::new(), Store::in_memory());
        let mut ours = open(&parent, budget);
        let mut held: Vec<(Snapshot, Snapshot)> = Vec::new();
        for step in 0..150 {
            let seed = random.u64(..);
            for store in [&ours, &theirs] {
                random_step(store, &mut fastrand::Rng::with_seed(seed));
            }
            if random.u8(..4) == 0 {
                ours.flush().unwrap();
            }
            if random.u8(..40) == 0 {
                held.clear();
                ours.close().unwrap();
                ours = open(&parent, budget);
            }
            if random.u8(..10) == 0 {
                held.push((ours.snapshot(), theirs.snapshot()));
            }
            if random.u8(..10) == 0 && !held.is_empty() {
                let (a, b) = &held[random.usize(..held.len())];
                assert_same((a, &ours), (b, &theirs), &mut random);
            }
            if random.u8(..10) == 0 && !held.is_empty() {
                held.swap_remove(random.usize(..held.len()));
            }
            let (a, b) = (ours.snapshot(), theirs.snapshot());
            assert_eq!(contents(&a, &ours), contents(&b, &theirs), "seed {seed}, step {step}");
        }
        for (a, b) in &held {
            assert_same((a, &ours), (b, &theirs), &mut random);
        }
        drop(held);
        let last = contents(&theirs.snapshot(), &theirs);
        ours.close().unwrap();
        drop(ours);
        let whole = Store::builder().parent(parent.reopened()).open().unwrap();
        assert_eq!(contents(&whole.snapshot(), &whole), last, "seed {seed}");
    }
}

#[test]
fn changes_are_found_across_evictions() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (parent, theirs) = (MemoryParent::new(), Store::in_memory());
        let ours = open(&parent, 0);
        let step = |random: &mut fastrand::Rng| {
            let seed = random.u64(..);
            for store in [&ours, &theirs] {
                random_step(store, &mut fastrand::Rng::with_seed(seed));
            }
            ours.flush().unwrap();
        };
        (0..30).for_each(|_| step(&mut random));
        let (ours_then, theirs_then) = (ours.snapshot(), theirs.snapshot());
        (0..10).for_each(|_| step(&mut random));
        let (ours_now, theirs_now) = (ours.snapshot(), theirs.snapshot());
        let all = |now: &Snapshot, then: &Snapshot| -> Vec<_> {
            let changes = now.changes_since(then).unwrap().map(Result::unwrap);
            let owned = changes.map(|change| {
                let owned = |value: Option<engine::Value<'_>>| value.map(|value| value.to_vec());
                (change.key.to_vec(), owned(change.before), owned(change.after))
            });
            // One that was written with the same bytes is a change where versions are compared.
            owned.filter(|(_, before, after)| before != after).collect()
        };
        let (ours, theirs) = (all(&ours_now, &ours_then), all(&theirs_now, &theirs_then));
        assert_eq!(ours, theirs, "seed {seed}");
        let mut back: Vec<_> = ours_now
            .changes_since(&ours_then)
            .unwrap()
            .rev()
            .map(|change| change.unwrap().key.to_vec())
            .collect();
        back.reverse();
        assert_eq!(back, ours.into_iter().map(|change| change.0).collect::<Vec<_>>());
    }
}

#[test]
fn leases_read_through_both() {
    let ours = open(&MemoryParent::new(), 0);
    let space = ours.key_space("space").unwrap();
    for key in ["a", "b", "c"] {
        ours.put(key, key).unwrap();
        space.put(key, key).unwrap();
    }
    ours.flush().unwrap();
    ours.delete("b").unwrap();
    let lease = ours.lease();
    ours.flush().unwrap();
    ours.put("d", "").unwrap();
    ours.put("a", "new").unwrap();
    ours.flush().unwrap();
    assert_eq!(lease.get("a").unwrap().unwrap(), b"a");
    assert_eq!(lease.get("b").unwrap(), None);
    assert_eq!(lease.iter().count(), 2);
    assert_eq!(lease.space(&space).unwrap().range("b"..).rev().count(), 2);
    ours.revoke_older_than(ours.version());
    let revoked =
        |error: Error| matches!(error, Error::Map(epoch_store::Error::SnapshotRevoked { .. }));
    assert!(revoked(lease.get("c").unwrap_err()) && revoked(lease.get("z").unwrap_err()));
    assert!(revoked(lease.iter().next().unwrap().unwrap_err()));
}

/// Conditions are judged by what is there, wherever that is.
#[test]
fn conditions_hold_for_what_was_evicted() {
    let store = open(&MemoryParent::new(), 0);
    store.put("k", "1").unwrap();
    evict_all(&store);
    assert_eq!(store.insert_if_absent("k", "2").unwrap(), None);
    assert_eq!(store.compare_and_set("k", "0", "2").unwrap(), None);
    assert!(store.compare_and_set("k", "1", "2").unwrap().is_some());
    evict_all(&store);
    assert!(store.compare_and_delete("k", "2").unwrap().is_some());
    assert_eq!(store.snapshot().get("k").unwrap(), None);
    evict_all(&store);
    assert_eq!(store.snapshot().get("k").unwrap(), None);
    assert!(store.insert_if_absent("k", "3").unwrap().is_some());
    evict_all(&store);
    store.update("k", |old| Some([old.unwrap(), b"4"].concat())).unwrap();
    assert_eq!(store.snapshot().get("k").unwrap().unwrap(), "34");

    // A transaction that read what was evicted meets whoever writes it.
    evict_all(&store);
    let mut transaction = store.transaction();
    assert_eq!(transaction.get("k").unwrap().unwrap(), "34");
    transaction.put("other", "").unwrap();
    store.put("k", "5").unwrap();
    store.flush().unwrap();
    assert!(transaction.commit().unwrap_err().is_conflict());
    // A phantom comes to light, for it cannot be evicted under the snapshot that has not seen it.
    let mut transaction = store.transaction();
    assert_eq!(transaction.range("a".."c").count(), 0);
    transaction.put("other", "").unwrap();
    store.put("b", "").unwrap();
    store.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300)); // or it would be by now
    assert!(transaction.commit().unwrap_err().is_conflict());
}

/// Sums over accounts, which threads move amounts between while everything is evicted under them, are right in every snapshot.
#[test]
fn snapshots_beside_writers_and_evictions() {
    const ACCOUNTS: u64 = 64;
    let store = open(&MemoryParent::new(), 0);
    let mut batch = WriteBatch::new();
    for account in 0..ACCOUNTS {
        batch.put(account.to_be_bytes(), 100_u64.to_be_bytes());
    }
    store.commit(&batch).unwrap();
    let amount = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(thread);
                    for round in 0..300 {
                        let (from, to) = (random.u64(..ACCOUNTS), random.u64(..ACCOUNTS));
                        let moved: Result<(), Error> = store.transact(|transaction| {
                            let had = amount(&transaction.get(from.to_be_bytes())?.unwrap());
                            transaction.put(from.to_be_bytes(), (had - 1).to_be_bytes())?;
                            let had = amount(&transaction.get(to.to_be_bytes())?.unwrap());
                            transaction.put(to.to_be_bytes(), (had + 1).to_be_bytes())
                        });
                        assert!(matches!(moved, Ok(()) | Err(Error::RetriesExhausted { .. })));
                        if round % 16 == 0 {
                            store.flush().unwrap();
                        }
                    }
                })
            })
            .collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            let snapshot = store.snapshot();
            let sum =
                || -> u64 { snapshot.iter().map(|entry| amount(&entry.unwrap().1)).sum::<u64>() };
            assert_eq!(sum(), ACCOUNTS * 100);
            let each = (0..ACCOUNTS).map(|key| snapshot.get(key.to_be_bytes()).unwrap().unwrap());
            assert_eq!(each.map(|value| amount(&value)).sum::<u64>(), ACCOUNTS * 100);
            assert_eq!(sum(), ACCOUNTS * 100);
        }
    });
}

#[test]
fn memory_stays_near_its_budget() {
    let budget = 1 << 20;
    let store = open(&MemoryParent::new(), budget);
    for number in 0..40_000_u32 {
        store.put(number.to_be_bytes(), [7; 100]).unwrap();
        if number % 500 == 0 {
            store.flush().unwrap();
        }
    }
    evict(&store, budget);
    assert_eq!(store.snapshot().len().unwrap(), 40_000);
}

/// Blocks on a store whose accounts were all evicted give the results, and leave the state, of blocks in memory.
#[test]
fn blocks_read_what_was_evicted() {
    const ACCOUNTS: u64 = 50;
    for (seed, threads) in [(1, 1), (2, 2), (3, 4)] {
        let mut random = fastrand::Rng::with_seed(seed);
        let (ours, theirs) = (open(&MemoryParent::new(), 0), Store::in_memory());
        let mut batch = WriteBatch::new();
        for account in 0..ACCOUNTS {
            batch.put(account.to_be_bytes(), 100_u64.to_be_bytes());
        }
        for store in [&ours, &theirs] {
            store.commit(&batch).unwrap();
        }
        for _block in 0..10 {
            evict_all(&ours);
            let transactions: Vec<(u64, u64, u8)> = (0..60)
                .map(|_| (random.u64(..ACCOUNTS), random.u64(..ACCOUNTS), random.u8(..4)))
                .collect();
            let run = |store: &Store| {
                let amount = |bytes: Option<&[u8]>| {
                    bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
                };
                let done = engine::execute_block(
                    store,
                    &transactions,
                    threads,
                    |_, &(from, to, what), view| -> Result<u64, engine::Abort> {
                        let (from, to) = (from.to_be_bytes(), to.to_be_bytes());
                        match what {
                            0 => view.delete(from)?,
                            1 => {
                                let mut sum = 0;
                                for entry in view.range(&from[..]..) {
                                    sum += amount(Some(entry?.1));
                                }
                                return Ok(sum);
                            }
                            _ => {
                                let had = amount(view.get(from)?);
                                view.put(from, had.saturating_sub(1).to_be_bytes())?;
                                let had = amount(view.get(to)?);
                                view.put(to, (had + 1).to_be_bytes())?;
                            }
                        }
                        Ok(u64::from(view.contains(to)?))
                    },
                )
                .unwrap();
                let results: Vec<_> = done.results.into_iter().map(Result::unwrap).collect();
                results
            };
            let (ours_out, theirs_out) = (run(&ours), run(&theirs));
            assert_eq!(ours_out, theirs_out, "seed {seed}");
            let (a, b) = (ours.snapshot(), theirs.snapshot());
            assert_eq!(contents(&a, &ours), contents(&b, &theirs), "seed {seed}");
        }
    }
}

/// A commit that deletes a key and puts it again leaves a grave and a value: when they leave memory, nobody sees the one
/// without the other.
#[test]
fn a_grave_never_hides_a_later_value() {
    let store = open(&MemoryParent::new(), 0);
    let keys: Vec<[u8; 2]> = (0..2_000_u16).map(u16::to_be_bytes).collect();
    let mut batch = WriteBatch::new();
    for key in &keys {
        batch.delete(key).put(key, "there");
    }
    store.commit(&batch).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..20 {
                store.commit(&batch).unwrap();
                evict_all(&store);
            }
        });
        while !writer.is_finished() {
            let snapshot = store.snapshot();
            assert_eq!(snapshot.len().unwrap(), keys.len());
            assert!(keys.iter().all(|key| snapshot.contains(key).unwrap()));
        }
    });
}

/// What is written while it is being evicted stays.
#[test]
fn an_eviction_takes_no_write_with_it() {
    let store = open(&MemoryParent::new(), 0);
    std::thread::scope(|scope| {
        for thread in 0..2_u8 {
            let store = &store;
            scope.spawn(move || {
                let key = |number: u32| [&[thread][..], &(number % 3_000).to_be_bytes()].concat();
                for number in 0..60_000_u32 {
                    store.put(key(number), number.to_be_bytes()).unwrap();
                    // Some time after it was written.
                    let Some(before) = number.checked_sub(50) else { continue };
                    let found = store.snapshot().get(key(before)).unwrap().unwrap().to_vec();
                    assert_eq!(found, before.to_be_bytes());
                }
            });
        }
    });
}

/// A range that is deleted is empty at the version of that commit, whoever writes into it.
#[test]
fn a_deleted_range_is_empty_at_its_version() {
    let store = Store::builder()
        .parent(MemoryParent::new())
        .memory_budget(0)
        .retain_versions(1_000)
        .open()
        .unwrap();
    let mut batch = WriteBatch::new();
    for number in 0..2_000_u32 {
        batch.put(number.to_be_bytes(), "");
    }
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            // Now and then: a range that is written to all the time is never deleted.
            for number in 0..400_u32 {
                store.put((number * 5).to_be_bytes(), "").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
        });
        while !writer.is_finished() {
            store.commit(&batch).unwrap();
            let version = store.delete_range(..).unwrap();
            // Or it is not retained any more.
            let Ok(snapshot) = store.snapshot_at(version) else { continue };
            assert_eq!(snapshot.len().unwrap(), 0);
        }
    });
}

/// Values larger than what is read at a time from below come out as they went in, from both ends.
#[test]
fn large_values_are_read_from_below() {
    let store = open(&MemoryParent::new(), 0);
    for number in 0..40_u8 {
        store.put([number], vec![number; 30_000]).unwrap();
    }
    evict_all(&store);
    let snapshot = store.snapshot();
    let (mut range, mut low, mut high) = (snapshot.range([3]..[37]), 3, 36);
    while low <= high {
        assert_eq!(range.next().unwrap().unwrap().1, vec![low; 30_000]);
        assert_eq!(range.next_back().unwrap().unwrap().1, vec![high; 30_000]);
        (low, high) = (low + 1, high - 1);
    }
    assert!(range.next().is_none() && range.next_back().is_none());
}
