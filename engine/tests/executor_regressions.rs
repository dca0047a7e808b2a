//! Blocks on the executor: what the seed's scheduler gets wrong, and what a user relies on beside equal results.

mod blocks;

use blocks::adapter::state_of as contents;
use blocks::executors::{assert_runs, execute, with_executors};
use engine::{Abort, Block, Executor, Store, TxnLogic, View};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

fn key(number: impl Into<u64>) -> Vec<u8> {
    format!("key {:06}", number.into()).into_bytes()
}

/// The livelock of the seed: a transaction that opened an iterator and read nothing was run for ever.
#[test]
fn a_range_that_is_opened_and_never_read_is_run_once() {
    let mut executor = Executor::builder().workers(2).max_runs(2).build();
    let store = Store::in_memory();
    (0..10_u64).for_each(|n| _ = store.put(key(n), "v").unwrap());
    let runs = AtomicU32::new(0);
    let results = execute(&mut executor, &store, 64, |index, view| {
        runs.fetch_add(1, Ordering::Relaxed);
        drop(view.range(..));
        std::mem::forget(view.prefix("key").rev());
        view.put(key(index), "w")?;
        Ok(())
    });
    assert_eq!(results.len(), 64);
    assert_eq!(runs.into_inner(), 64, "they are not in each other's way");
}

/// The fallback cliff of the seed: one deep chain made it run the rest of the block one by one, twice.
#[test]
fn a_deep_chain_costs_the_other_transactions_nothing() {
    const TRANSACTIONS: u32 = 2_000;
    with_executors(|executor, store| {
        let runs: Vec<_> = (0..TRANSACTIONS).map(|_| AtomicU32::new(0)).collect();
        // The first 100 are a chain; a few later ones continue it.
        let is_link = |index: u32| index < 100 || index % 100 == 50;
        execute(executor, store, TRANSACTIONS as usize, |index, view| {
            runs[index as usize].fetch_add(1, Ordering::Relaxed);
            let key = if is_link(index) { b"chain".to_vec() } else { key(index) };
            let count = number(view.get(&key)?);
            thread::yield_now();
            view.put(&key, (count + 1).to_be_bytes())?;
            Ok(())
        });
        let most = 4;
        for (index, runs) in (0..).zip(&runs) {
            let runs = runs.load(Ordering::Relaxed);
            assert!(runs <= if is_link(index) { most } else { 1 }, "{index} was run {runs} times");
        }
    });
}

/// The serializability hole of the seed, end to end.
#[test]
fn an_empty_value_that_is_written_late_is_no_absent_one() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 40, |index, view| {
            let name = key(index / 2);
            if index.is_multiple_of(2) {
                thread::sleep(Duration::from_micros(100));
                view.put(name, "")?;
                return Ok(true);
            }
            let by_get = view.get(&name)?.is_some();
            let by_range = view.range(name.clone()..=name).next().transpose()?.is_some();
            Ok(by_get && by_range)
        });
        assert_eq!(results, [true; 40]);
    });
}

#[test]
fn phantoms_are_found_in_both_directions_and_by_deletions_of_ranges() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 120, |index, view| {
            let (group, step) = (index / 4, index % 4);
            let name = |part: &str| format!("group {group:03}/{part}");
            match step {
                0 => {
                    thread::sleep(Duration::from_micros(30));
                    view.put(name("b"), "1")?;
                    view.put(name("d"), "1")?;
                }
                1 => return Ok(view.prefix(name("")).rev().take(1).count()),
                2 => {
                    let count = view.prefix(name("")).count();
                    view.delete_range(name("c")..name("z"))?;
                    return Ok(count);
                }
                _ => {
                    let count = view.range(name("")..name("z")).count();
                    view.put(name("e"), "1")?;
                    return Ok(count);
                }
            }
            Ok(0)
        });
        assert_eq!(results, [0, 1, 2, 1].repeat(30));
        let keys = contents(store);
        assert_eq!(keys.len(), 60);
        assert!(keys.keys().all(|key| key.ends_with(b"/b") || key.ends_with(b"/e")));
    });
}

/// Blocks of two executors in two key spaces of one store do not meet.
#[test]
fn two_executors_in_two_key_spaces_of_one_store() {
    let store = Store::in_memory();
    thread::scope(|scope| {
        for name in ["left", "right"] {
            let store = &store;
            scope.spawn(move || {
                let space = store.key_space(name).unwrap();
                let mut executor = Executor::new(2);
                for block in 0..30_u64 {
                    let builder = Block::builder(store).key_space(&space);
                    let logic = |index: u32, view: &mut View<'_>| -> Result<u64, Abort> {
                        let count = number(view.get("count")?);
                        view.put("count", (count + 1).to_be_bytes())?;
                        view.put(key(index), count.to_be_bytes())?;
                        Ok(count)
                    };
                    let executed = executor.execute_with(&builder, 40, &logic).unwrap();
                    for (index, count) in (0..).zip(executed.results) {
                        assert_eq!(count.unwrap(), block * 40 + index);
                    }
                }
            });
        }
    });
    let snapshot = store.snapshot();
    assert!(snapshot.is_empty().unwrap());
    for name in ["left", "right"] {
        let space = snapshot.space(&store.key_space(name).unwrap()).unwrap();
        assert_eq!(space.len().unwrap(), 41);
        assert_eq!(number(space.get("count").unwrap().as_deref()), 1_200);
    }
}

/// A snapshot that was opened before a block, or between two, is not changed by them.
#[test]
fn readers_beside_blocks_see_whole_blocks_only() {
    let store = Store::in_memory();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !is_done.load(Ordering::Acquire) {
                let snapshot = store.snapshot();
                let values: Vec<u64> =
                    snapshot.iter().map(|row| number(Some(&row.unwrap().1))).collect();
                assert!(values.is_empty() || values.len() == 20, "{values:?}");
                assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:?}");
                let now = values.first().copied().unwrap_or(0);
                assert!(now >= last);
                last = now;
            }
        });
        let mut executor = Executor::builder().workers(2).fixed_pace().build();
        for block in 1..200_u64 {
            execute(&mut executor, &store, 20, |index, view| {
                view.put(key(index), block.to_be_bytes())
            });
        }
        is_done.store(true, Ordering::Release);
        reader.join().unwrap();
    });
}

#[test]
fn hints_of_any_quality_change_nothing() {
    struct Hinted(fn(u32) -> Vec<u64>);
    impl TxnLogic for Hinted {
        type Out = u64;
        type Error = Abort;
        fn run(&self, index: u32, view: &mut View<'_>) -> Result<u64, Abort> {
            let key = key(index % 7);
            let count = number(view.get(&key)?);
            thread::yield_now();
            view.put(&key, (count + 1).to_be_bytes())?;
            Ok(count)
        }
        fn hints(&self, index: u32, hints: &mut Vec<u64>) {
            hints.extend((self.0)(index));
        }
    }
    let right: fn(u32) -> Vec<u64> = |index| vec![u64::from(index % 7)];
    let none: fn(u32) -> Vec<u64> = |_| vec![];
    let all_one: fn(u32) -> Vec<u64> = |_| vec![1, 1, 1];
    let wrong: fn(u32) -> Vec<u64> = |index| (0..20).map(|n| u64::from(index / 3 + n)).collect();
    for hints in [right, none, all_one, wrong] {
        with_executors(|executor, store| {
            let executed = executor.execute(store, 300, &Hinted(hints)).unwrap();
            assert_runs(&executed);
            for (index, count) in (0..).zip(executed.results) {
                assert_eq!(count.unwrap(), index / 7);
            }
        });
    }
}

/// Ranges over thousands of keys of the block itself, read from both ends while others insert between them.
#[test]
fn ranges_over_thousands_of_keys_that_the_block_writes() {
    const TRANSACTIONS: u32 = 600;
    let scattered = |n: u64| key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_000_000);
    let writes = |index: u32| (0..10).map(move |n| scattered(u64::from(index) * 10 + n));
    let start = |index: u32| scattered(u64::from(index) + 1_000_000);
    let mut model = BTreeMap::new();
    let mut expected = vec![];
    for index in 0..TRANSACTIONS {
        let up = model.range(start(index)..).take(10).map(|(k, _): (&Vec<u8>, &u32)| k.clone());
        let down = model.range(..start(index)).rev().take(10).map(|(k, _)| k.clone());
        expected.push(up.chain(down).collect::<Vec<_>>());
        model.extend(writes(index).map(|key| (key, index)));
        expected.last().unwrap().first().map(|key| model.remove(key));
    }
    with_executors(|executor, store| {
        let results = execute(executor, store, TRANSACTIONS as usize, |index, view| {
            let mut seen = vec![];
            for entry in view.range(start(index)..).take(10) {
                seen.push(entry?.0.to_vec());
            }
            for entry in view.range(..start(index)).rev().take(10) {
                seen.push(entry?.0.to_vec());
            }
            for key in writes(index) {
                view.put(key, index.to_be_bytes())?;
            }
            if let Some(first) = seen.first() {
                view.delete(first)?;
            }
            Ok(seen)
        });
        assert_eq!(results, expected);
        let keys: Vec<_> = contents(store).into_keys().collect();
        assert_eq!(keys, model.keys().cloned().collect::<Vec<_>>());
    });
}

#[test]
fn values_larger_than_a_chunk_of_memory() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 6, |_, view| {
            let mut value = view.get("large")?.unwrap_or_default().to_vec();
            value.resize(value.len() + 700_000, 7);
            view.put("large", &value)?;
            view.put([9; engine::MAX_KEY_LEN], "a long key")?;
            Ok(value.len())
        });
        assert_eq!(results[5], 4_200_000);
        assert_eq!(store.snapshot().get("large").unwrap().unwrap().len(), 4_200_000);
    });
}

/// Every result that was made is dropped once: those of abandoned runs too.
#[test]
fn what_runs_return_is_dropped_once() {
    struct Counted<'c>(&'c AtomicI64);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    with_executors(|executor, store| {
        let alive = AtomicI64::new(0);
        let results = execute(executor, store, 200, |index, view| {
            let count = number(view.get("count")?);
            alive.fetch_add(1, Ordering::Relaxed);
            let result = Counted(&alive);
            if index.is_multiple_of(10) {
                thread::yield_now();
            }
            view.put("count", (count + 1).to_be_bytes())?;
            Ok(result)
        });
        assert_eq!(alive.load(Ordering::Relaxed), 200);
        drop(results);
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_transaction_may_run_a_block_of_its_own_on_another_executor() {
    with_executors(|executor, store| {
        let results = execute(executor, store, 12, |index, view| {
            let inner = Store::in_memory();
            let logic = |step: u32, view: &mut View<'_>| -> Result<u64, Abort> {
                let sum = number(view.get("sum")?) + u64::from(step + index);
                view.put("sum", sum.to_be_bytes())?;
                Ok(sum)
            };
            let executed = Executor::new(2).execute(&inner, 10, &logic).unwrap();
            let sum = number(view.get("sum")?) + *executed.results[9].as_ref().unwrap();
            view.put("sum", sum.to_be_bytes())?;
            Ok(sum)
        });
        assert_eq!(results[11], (0..12).map(|index| 45 + 10 * index).sum::<u64>());
    });
}

/// An error that cannot be made of every abort: of what no final run ever says.
#[derive(Debug, PartialEq)]
struct Choosy;

impl From<Abort> for Choosy {
    fn from(abort: Abort) -> Self {
        panic!("no final run says {abort:?}");
    }
}

/// What a run that comes to nothing was doomed by is nobody's business: it is not turned into the user's error, which may throw.
#[test]
fn an_abort_of_a_run_that_does_not_count_is_not_handed_out() {
    let mut executor = Executor::builder().workers(4).window(8).fixed_pace().build();
    for _ in 0..30 {
        let store = Store::in_memory();
        let logic = |index: u32, view: &mut View<'_>| -> Result<u64, Choosy> {
            // Swallows what the view says; on a final state it says nothing.
            let count = number(view.get("count").ok().flatten());
            thread::sleep(Duration::from_micros(u64::from(index * 7 % 5) * 60));
            let _ = view.get("count");
            let _ = view.put("count", (count + 1).to_be_bytes());
            Ok(count)
        };
        let executed = executor.execute(&store, 30, &logic).unwrap();
        for (index, result) in executed.results.iter().enumerate() {
            assert_eq!(*result.as_ref().unwrap(), index as u64);
        }
    }
}

/// Safe code can put the view of another block in the place of the one it was lent. That is its error, and nobody else's.
#[test]
fn a_view_that_is_replaced_fails_its_transaction_and_no_other() {
    let other: &'static Block = Box::leak(Box::new(Store::in_memory().block(10).unwrap()));
    for workers in [1, 3] {
        let store = Store::in_memory();
        let logic = |index: u32, view: &mut View<'_>| -> Result<u32, Abort> {
            if index == 1 {
                *view = other.view(index, 1);
            }
            view.put([index as u8], "v")?;
            Ok(index)
        };
        let executed = Executor::new(workers).execute(&store, 5, &logic).unwrap();
        assert!(executed.results[1].is_err());
        assert_eq!(executed.results.iter().filter(|result| result.is_ok()).count(), 4);
        let written: Vec<_> = contents(&store).into_keys().collect();
        assert_eq!(written, [[0], [2], [3], [4]]);
    }
}
