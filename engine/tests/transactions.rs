//! A transaction reads one version and its own writes, and becomes one commit or nothing.

mod rng;

use engine::{Error, Isolation, Key, MAX_KEY_LEN, Store, Transaction, TransactionRange, Value};
use rng::{bound, contains, random, short_key};
use std::collections::{BTreeMap, VecDeque};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;
type Row = (Vec<u8>, Vec<u8>);

fn row(entry: Result<(Key<'_>, Value<'_>), Error>) -> Row {
    let (key, value) = entry.unwrap();
    (key.to_vec(), value.to_vec())
}

#[test]
fn nobody_sees_a_write_before_the_commit_and_all_see_all_of_it_after() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    transaction.put("a", "1").unwrap();
    transaction.put("b", "2").unwrap();
    assert_eq!(store.snapshot().iter().count(), 0);
    assert_eq!(store.transaction().iter().count(), 0);
    let version = transaction.commit().unwrap();
    assert_eq!((store.version(), version.get()), (version, 1), "two writes are one commit");
    assert_eq!(store.snapshot().iter().count(), 2);
}

#[test]
fn a_dropped_transaction_has_written_nothing() {
    let store = Store::in_memory();
    let version = store.put("a", "1").unwrap();
    let transaction = store.transaction();
    transaction.put("a", "2").unwrap();
    transaction.delete_range(..).unwrap();
    drop(transaction);
    assert_eq!(store.version(), version);
    assert_eq!(store.snapshot().get("a").unwrap().unwrap(), "1");
}

#[test]
fn after_its_commit_a_transaction_is_empty_and_sees_the_commit() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    transaction.get("a").unwrap();
    transaction.put("a", "1").unwrap();
    let first = transaction.commit().unwrap();
    assert!(transaction.version() >= first);
    assert_eq!(transaction.commit().unwrap(), transaction.version(), "nothing is left to commit");
    assert_eq!(store.version(), first);
    store.put("b", "").unwrap();
    transaction.put("c", "").unwrap();
    transaction.commit().expect("what it read before its first commit is forgotten");
}

#[test]
fn a_value_read_before_an_own_write_stays_as_it_was() {
    let store = Store::in_memory();
    store.put("k", "stored").unwrap();
    let transaction = store.transaction();
    let stored = transaction.get("k").unwrap().unwrap();
    transaction.put("k", "first").unwrap();
    let first = transaction.get("k").unwrap().unwrap();
    transaction.put("k", "second").unwrap();
    assert!(stored == "stored" && first == "first");
    assert_eq!(transaction.get("k").unwrap().unwrap(), "second");
}

#[test]
fn a_transaction_that_writes_what_it_iterates_ends() {
    let store = Store::in_memory();
    for number in 0..100_u8 {
        store.put([number], "").unwrap();
    }
    let mut transaction = store.transaction();
    for entry in transaction.iter() {
        let (key, _) = entry.unwrap();
        transaction.put([key[0], 0], "copy").unwrap();
        transaction.delete(key).unwrap();
    }
    transaction.commit().unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.iter().count(), 100);
    assert!(snapshot.iter().all(|entry| entry.unwrap().1 == "copy"));
}

#[test]
fn key_spaces_are_kept_apart_and_committed_together() {
    let store = Store::in_memory();
    let (one, two) = (store.key_space("one").unwrap(), store.key_space("two").unwrap());
    two.put("k", "stored").unwrap();
    let mut transaction = store.transaction();
    transaction.put("k", "default").unwrap();
    transaction.space(&one).unwrap().put("k", "one").unwrap();
    let view = transaction.space(&two).unwrap();
    assert_eq!(view.get("k").unwrap().unwrap(), "stored");
    assert!(view.compare_and_delete("k", "stored").unwrap());
    assert_eq!(view.iter().count(), 0);
    assert_eq!(transaction.space(&one).unwrap().range("a"..).map(row).count(), 1);
    let before = store.version().get();
    assert_eq!(transaction.commit().unwrap().get(), before + 1);
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("k").unwrap().unwrap(), "default");
    assert_eq!(snapshot.space(&one).unwrap().get("k").unwrap().unwrap(), "one");
    assert_eq!(snapshot.space(&two).unwrap().get("k").unwrap(), None);
}

#[test]
fn a_key_space_of_another_store_is_refused() {
    let (store, other) = (Store::in_memory(), Store::in_memory());
    let space = other.key_space("space").unwrap();
    let error = store.transaction().space(&space).unwrap_err();
    assert!(matches!(error, Error::Map(epoch_store::Error::ForeignSpace)));
}

#[test]
fn what_cannot_be_stored_is_refused_at_once_and_harms_nothing() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    let long = vec![b'k'; MAX_KEY_LEN + 1];
    for key in [&b""[..], &long] {
        assert!(matches!(transaction.put(key, ""), Err(Error::Map(_))));
        assert!(matches!(transaction.delete(key), Err(Error::Map(_))));
        assert!(matches!(transaction.insert_if_absent(key, ""), Err(Error::Map(_))));
        assert!(matches!(transaction.compare_and_set(key, "", ""), Err(Error::Map(_))));
        assert!(matches!(transaction.compare_and_delete(key, ""), Err(Error::Map(_))));
        assert_eq!(transaction.get(key).unwrap(), None);
        assert_eq!(transaction.get_for_update(key).unwrap(), None);
    }
    transaction.put(&long[1..], "").unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.snapshot().iter().count(), 1);
}

#[test]
fn a_range_without_keys_is_empty_from_both_ends() {
    let store = Store::in_memory();
    store.put("b", "").unwrap();
    let transaction = store.transaction();
    transaction.put("c", "").unwrap();
    use std::ops::Bound::{Excluded, Included};
    let inverted = [
        (Included("c"), Excluded("b")),
        (Excluded("b"), Excluded("b")),
        (Included("b"), Excluded("b")),
        (Excluded("b"), Included("b")),
        (Excluded("c"), Excluded("c")),
    ];
    for bounds in inverted {
        assert!(transaction.range(bounds).next().is_none(), "{bounds:?}");
        assert!(transaction.range(bounds).next_back().is_none(), "{bounds:?}");
        assert_eq!(transaction.delete_range(bounds).unwrap(), 0);
    }
}

#[test]
fn an_empty_value_is_not_absence() {
    let store = Store::in_memory();
    let transaction = store.transaction();
    transaction.put("k", "").unwrap();
    assert_eq!(transaction.get("k").unwrap().unwrap(), "");
    assert!(!transaction.insert_if_absent("k", "v").unwrap());
    assert!(transaction.compare_and_set("k", "", "v").unwrap());
}

#[test]
fn a_prefix_of_the_highest_bytes_has_all_its_keys() {
    let store = Store::in_memory();
    let transaction = store.transaction();
    for key in [&[0xfe][..], &[0xff], &[0xff, 0xff], &[0xff, 0xff, 1], &[0xff, 0xff, 0xff]] {
        transaction.put(key, "").unwrap();
    }
    assert_eq!(transaction.prefix([0xff, 0xff]).count(), 3);
    assert_eq!(transaction.prefix([0xff]).count(), 4);
    assert_eq!(transaction.prefix("").count(), 5);
}

#[test]
fn a_refused_commit_leaves_the_transaction_usable() {
    let store = Store::builder().max_batch_len(10).open().unwrap();
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let mut transaction = store.transaction_with(isolation);
        transaction.get("a").unwrap();
        (0..10_u8).for_each(|number| transaction.put([number], "").unwrap());
        let savepoint = transaction.savepoint();
        transaction.put("one too many", "").unwrap();
        for _ in 0..2 {
            let error = transaction.commit().unwrap_err();
            assert!(matches!(error, Error::Map(epoch_store::Error::BatchTooLarge { .. })));
        }
        assert_eq!(transaction.iter().count(), 11);
        transaction.roll_back(savepoint).unwrap();
        transaction.commit().unwrap();
        assert_eq!(store.snapshot().iter().count(), 10);
    }
}

#[test]
fn on_a_closed_store_a_transaction_reads_and_commits_nothing() {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    let version = store.put("k", "stored").unwrap();
    let (mut writes, mut reads) = (store.transaction(), store.transaction());
    let savepoint = writes.savepoint();
    writes.put("k", "own").unwrap();
    store.close().unwrap();
    assert!(matches!(writes.commit(), Err(Error::Closed)));
    assert_eq!(writes.get("k").unwrap().unwrap(), "own", "it is open, and as it was");
    writes.space(&space).unwrap().put("k", "own").unwrap();
    assert!(matches!(writes.commit(), Err(Error::Closed)));
    writes.roll_back(savepoint).unwrap();
    assert_eq!(writes.commit().unwrap(), version, "nothing is left to commit");
    reads.get("k").unwrap();
    assert_eq!(reads.commit().unwrap(), version);
    reads.get_for_update("k").unwrap();
    assert!(matches!(reads.commit(), Err(Error::Closed)), "there is nobody to be checked against");
    reads.restart();
    assert_eq!(reads.get("k").unwrap().unwrap(), "stored");

    let mut runs = 0;
    let result: Result<(), Error> = store.transact(|txn| {
        runs += 1;
        txn.put("k", "own")
    });
    assert!(matches!(result, Err(Error::Closed)) && runs == 1, "closed once, closed for ever");
    assert!(matches!(store.update("k", |_| Some(Vec::new())), Err(Error::Closed)));
    assert!(matches!(space.update("k", |_| Some(Vec::new())), Err(Error::Closed)));
    assert_eq!(store.version(), version);
}

#[test]
fn a_commit_that_is_refused_takes_the_ranges_that_are_open_with_it() {
    let store = Store::builder().max_batch_len(1).open().unwrap();
    let mut transaction = store.transaction();
    std::mem::forget(transaction.range("a".."c"));
    transaction.range("x".."z").for_each(drop);
    let savepoint = transaction.savepoint();
    transaction.put("k", "").unwrap();
    transaction.put("l", "").unwrap();
    assert!(!transaction.commit().unwrap_err().is_conflict(), "it is too large");
    transaction.roll_back(savepoint).unwrap();
    transaction.put("k", "").unwrap();
    for (key, is_read) in [("d", false), ("b", true), ("y", true)] {
        store.put(key, "").unwrap();
        let named: Vec<_> = match transaction.commit() {
            Err(Error::Conflict(conflict)) => conflict.keys.into_iter().map(|at| at.key).collect(),
            other => {
                assert!(!is_read && other.is_ok(), "{key}: {other:?}");
                std::mem::forget(transaction.range("a".."c"));
                transaction.range("x".."z").for_each(drop);
                transaction.put("k", "").unwrap();
                continue;
            }
        };
        assert!(is_read && named.contains(&key.into()), "{key}: {named:?}");
    }
}

#[test]
fn a_transaction_is_sent_to_another_thread() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    transaction.put("k", "v").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || transaction.commit().unwrap());
    });
    assert!(store.snapshot().contains("k").unwrap());
}

#[test]
fn a_transaction_of_many_writes_reads_and_iterates_them() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    let keys = 20_000_u32;
    for number in 0..keys {
        transaction.put(number.wrapping_mul(2_654_435_761).to_be_bytes(), "").unwrap();
    }
    let sorted: Vec<_> = transaction.iter().map(|entry| row(entry).0).collect();
    assert!(sorted.is_sorted() && sorted.len() == keys as usize);
    transaction.commit().unwrap();
    assert_eq!(store.snapshot().iter().count(), keys as usize);
}

/// An iterator, and the rows that are left of what it must yield.
struct Open<'t> {
    range: TransactionRange<'t>,
    expected: VecDeque<Row>,
}

/// Every read of a transaction is what a map with the snapshot and the own writes would answer, and every iterator shows the
/// state at its creation, whatever is written before it ends.
#[test]
fn reads_and_iterators_agree_with_a_model() {
    let mut random = random();
    for _ in 0..150 {
        let store = Store::in_memory();
        let mut model = Model::new();
        for _ in 0..random.usize(..30) {
            let (key, value) = (short_key(&mut random), vec![random.u8(..)]);
            store.put(&key, &value).unwrap();
            model.insert(key, value);
        }
        let isolation = [Isolation::Serializable, Isolation::Snapshot][random.usize(..2)];
        let mut transaction = store.transaction_with(isolation);
        if random.bool() {
            store.delete_range(..).unwrap(); // somebody else: the transaction does not see it
            drop(std::mem::replace(&mut transaction, store.transaction_with(isolation)));
            model.clear();
        }
        walk(&transaction, &mut model, &mut random);
        transaction.commit().unwrap();
        assert!(store.snapshot().iter().map(row).eq(model));
    }
}

fn walk(transaction: &Transaction, model: &mut Model, random: &mut fastrand::Rng) {
    let mut open: Vec<Open<'_>> = Vec::new();
    for _ in 0..200 {
        match random.u8(..10) {
            0..3 => {
                let (key, value) = (short_key(random), vec![random.u8(..)]);
                transaction.put(&key, &value).unwrap();
                model.insert(key, value);
            }
            3 => {
                let key = short_key(random);
                transaction.delete(&key).unwrap();
                model.remove(&key);
            }
            4 if random.u8(..5) == 0 => {
                let bounds = (bound(random), bound(random));
                let before = model.len();
                model.retain(|key, _| !contains(&bounds, key));
                let deleted = transaction.delete_range(bounds).unwrap();
                assert_eq!(deleted, before - model.len());
            }
            4 => conditional(transaction, model, random),
            5 => points(transaction, model, random),
            6 => {
                let bounds = (bound(random), bound(random));
                let rows = model.iter().filter(|(key, _)| contains(&bounds, key));
                let expected = rows.map(|(key, value)| (key.clone(), value.clone())).collect();
                open.push(Open { range: transaction.range(bounds), expected });
            }
            7 if !open.is_empty() => drop(open.swap_remove(random.usize(..open.len()))),
            _ => {
                for Open { range, expected } in &mut open {
                    if random.bool() {
                        assert_eq!(range.next().map(row), expected.pop_front());
                    } else {
                        assert_eq!(range.next_back().map(row), expected.pop_back());
                    }
                }
            }
        }
    }
}

fn points(transaction: &Transaction, model: &Model, random: &mut fastrand::Rng) {
    let keys: Vec<_> = (0..5).map(|_| short_key(random)).collect();
    let expected: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
    let owned = |value: Option<Value<'_>>| value.map(Vec::from);
    let many = transaction.get_many(&keys).unwrap().into_iter().map(owned);
    assert_eq!(many.collect::<Vec<_>>(), expected);
    for (key, expected) in keys.iter().zip(expected) {
        assert_eq!(owned(transaction.get(key).unwrap()), expected);
        assert_eq!(owned(transaction.get_untracked(key).unwrap()), expected);
        assert_eq!(owned(transaction.get_for_update(key).unwrap()), expected);
        assert_eq!(transaction.contains(key).unwrap(), expected.is_some());
    }
}

fn conditional(transaction: &Transaction, model: &mut Model, random: &mut fastrand::Rng) {
    let (key, old, new) = (short_key(random), vec![random.u8(..4)], vec![random.u8(..4)]);
    let fits = model.get(&key) == Some(&old);
    match random.u8(..3) {
        0 => {
            let absent = !model.contains_key(&key);
            assert_eq!(transaction.insert_if_absent(&key, &new).unwrap(), absent);
            model.entry(key).or_insert(new);
        }
        1 => {
            assert_eq!(transaction.compare_and_set(&key, old, &new).unwrap(), fits);
            if fits {
                model.insert(key, new);
            }
        }
        _ => {
            assert_eq!(transaction.compare_and_delete(&key, old).unwrap(), fits);
            if fits {
                model.remove(&key);
            }
        }
    }
}
