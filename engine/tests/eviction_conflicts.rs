//! What transactions and conditions depend on, where it is not in memory: others' deletes above all, which leave nothing there
//! but a grave.

use engine::{Error, Isolation, MemoryParent, Overflow, Retry, Store, WriteBatch};
use std::time::{Duration, Instant};

fn open() -> Store {
    Store::builder().parent(MemoryParent::new()).memory_budget(0).open().unwrap()
}

fn evict_all(store: &Store) {
    store.flush().unwrap();
    for _ in 0..1_000 {
        if store.stats().live_keys == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} keys are still in memory", store.stats().live_keys);
}

/// A store in whose parent alone there are `a`, `b` and `c`.
fn with_evicted() -> Store {
    let store = open();
    let mut batch = WriteBatch::new();
    batch.put("a", "1").put("b", "1").put("c", "1");
    store.commit(&batch).unwrap();
    evict_all(&store);
    store
}

/// Whether a transaction that has read by `read` is refused when others have written by `write`.
fn is_refused(
    isolation: Isolation,
    read: impl Fn(&engine::Transaction),
    write: impl Fn(&Store),
) -> Option<Vec<Vec<u8>>> {
    let store = with_evicted();
    let mut transaction = store.transaction_with(isolation);
    read(&transaction);
    transaction.put("b", "mine").unwrap();
    write(&store);
    match transaction.commit() {
        Ok(_) => None,
        Err(Error::Conflict(conflict)) => {
            assert!(conflict.keys.iter().all(|key| key.space.is_none()), "{conflict:?}");
            Some(conflict.keys.into_iter().map(|key| key.key).collect())
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_delete_of_what_was_read_below_is_a_conflict() {
    let get = |transaction: &engine::Transaction| {
        assert_eq!(transaction.get("a").unwrap().unwrap(), "1");
    };
    let range = |transaction: &engine::Transaction| {
        assert_eq!(transaction.range("a".."b").count(), 1);
    };
    let delete = |store: &Store| _ = store.delete("a").unwrap();
    let delete_range = |store: &Store| _ = store.delete_range(.."b").unwrap();
    let put_and_delete = |store: &Store| {
        store.put("a", "2").unwrap();
        store.delete("a").unwrap();
    };
    for write in [&delete as &dyn Fn(&Store), &delete_range, &put_and_delete] {
        for read in [&get as &dyn Fn(&engine::Transaction), &range] {
            let keys = is_refused(Isolation::Serializable, read, write).expect("a conflict");
            assert_eq!(keys, [b"a"]);
        }
    }
    // Blind, and under snapshot isolation: what it writes itself.
    let other = |store: &Store| _ = store.delete("b").unwrap();
    assert!(is_refused(Isolation::Snapshot, |_| (), other).is_some());
    // And what nobody has read or written is nobody's business.
    let other = |store: &Store| _ = store.delete("c").unwrap();
    assert!(is_refused(Isolation::Serializable, get, other).is_none());
}

#[test]
fn update_does_not_bring_back_what_was_deleted_meanwhile() {
    let store = with_evicted();
    let mut is_first = true;
    store
        .update("a", |old| {
            if std::mem::take(&mut is_first) {
                store.delete("a").unwrap();
            }
            old.map(|old| [old, b"+"].concat())
        })
        .unwrap();
    assert_eq!(store.snapshot().get("a").unwrap(), None);
}

/// Amounts move between accounts, some of which are closed and opened again: what there is stays the same.
#[test]
fn nothing_is_lost_between_transfers_and_deletes() {
    const ACCOUNTS: u8 = 6;
    let store = open();
    for account in 0..ACCOUNTS {
        store.put([account], 100_u64.to_be_bytes()).unwrap();
    }
    let amount = |bytes: Option<engine::Value<'_>>| {
        bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.as_ref().try_into().unwrap()))
    };
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let store = &store;
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(thread);
                for round in 0..300 {
                    let (from, to) = (random.u8(..ACCOUNTS), random.u8(..ACCOUNTS));
                    let moved: Result<(), Error> =
                        store.transact_with(&Retry::new().attempts(1_000), |transaction| {
                            if from == to {
                                return Ok(());
                            }
                            // All of it: the account is closed.
                            let had = amount(transaction.get([from])?);
                            let there = amount(transaction.get([to])?);
                            transaction.delete([from])?;
                            transaction.put([to], (there + had).to_be_bytes())
                        });
                    moved.unwrap();
                    if round % 8 == 0 {
                        store.flush().unwrap();
                    }
                }
            });
        }
    });
    let snapshot = store.snapshot();
    let sum: u64 = (0..ACCOUNTS).map(|account| amount(snapshot.get([account]).unwrap())).sum();
    assert_eq!(sum, u64::from(ACCOUNTS) * 100);
}

/// A range that cannot be deleted, since it is written to all the time, keeps nobody else's commits from the parent.
#[test]
fn a_deleted_range_holds_nobody_up() {
    let store = Store::builder()
        .parent(MemoryParent::new())
        .memory_budget(0)
        .undurable_limit(1 << 20, Overflow::Wait)
        .open()
        .unwrap();
    let mut batch = WriteBatch::new();
    for number in 0..5_000_u32 {
        batch.put(number.to_be_bytes(), "");
    }
    store.commit(&batch).unwrap();
    evict_all(&store);
    let until = Instant::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..5_000_u32).cycle() {
                if Instant::now() > until {
                    break;
                }
                store.put(number.to_be_bytes(), "again").unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        scope.spawn(|| _ = store.delete_range(..).unwrap());
        while Instant::now() < until {
            let version = store.put("other", "").unwrap();
            let began = Instant::now();
            store.wait_durable(version).unwrap();
            assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
        }
    });
}

/// What users may write at once does not bind what the engine adds to it.
#[test]
fn the_bound_of_batches_is_for_users() {
    let store = Store::builder()
        .parent(MemoryParent::new())
        .memory_budget(0)
        .max_batch_len(3)
        .open()
        .unwrap();
    for number in 0..100_u8 {
        store.put([number], "").unwrap();
    }
    evict_all(&store);
    let mut batch = WriteBatch::new();
    store.commit(batch.delete([0]).delete([1]).delete([2])).unwrap();
    store.delete_range([10]..[90]).unwrap();
    assert_eq!(store.snapshot().len().unwrap(), 17);
    let refused = store.commit(batch.delete([3])).unwrap_err();
    assert!(matches!(refused, Error::Map(epoch_store::Error::BatchTooLarge { len: 4, max: 3 })));
}
