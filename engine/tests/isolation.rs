//! What counts as read and what conflicts: as much as must, and nothing else.

mod rng;

use engine::{Conflict, ConflictKind, Error, Isolation, Store, Transaction};
use rng::{bound, contains, random, short_key};
use std::sync::atomic::{AtomicBool, Ordering};

/// A store with the keys `b`, `d`, `f`, `h`, `j`.
fn letters() -> Store {
    let store = Store::in_memory();
    for key in ["b", "d", "f", "h", "j"] {
        store.put(key, "stored").unwrap();
    }
    store
}

/// Commits the transaction with a write of its own elsewhere, after somebody else has done `other`.
fn after(
    transaction: &mut Transaction,
    store: &Store,
    other: impl FnOnce(&Store),
) -> Option<Conflict> {
    transaction.put("zz", "").unwrap();
    other(store);
    match transaction.commit() {
        Ok(_) => None,
        Err(Error::Conflict(conflict)) => Some(*conflict),
        Err(error) => panic!("{error}"),
    }
}

fn put(key: &str) -> impl Fn(&Store) + use<'_> {
    move |store| {
        store.put(key, "somebody else's").unwrap();
    }
}

/// Which of the single-letter keys conflict with what `read` reads, when somebody else puts them.
fn conflicting(read: impl Fn(&Transaction)) -> String {
    ('a'..='l')
        .filter(|key| {
            let store = letters();
            let mut transaction = store.transaction();
            read(&transaction);
            let conflict = after(&mut transaction, &store, put(&key.to_string()));
            if let Some(conflict) = &conflict {
                assert_eq!(conflict.keys[0].key, key.to_string().as_bytes());
            }
            conflict.is_some()
        })
        .collect()
}

#[test]
fn a_forward_range_conflicts_up_to_the_last_row_that_was_returned() {
    assert_eq!(conflicting(|txn| txn.range("b"..).take(2).for_each(drop)), "bcd");
    assert_eq!(conflicting(|txn| txn.iter().take(2).for_each(drop)), "abcd");
}

#[test]
fn a_backward_range_conflicts_down_to_the_last_row_that_was_returned() {
    assert_eq!(conflicting(|txn| txn.range(.."j").rev().take(2).for_each(drop)), "fghi");
    assert_eq!(conflicting(|txn| txn.iter().rev().take(1).for_each(drop)), "jkl");
}

#[test]
fn a_range_read_from_both_ends_does_not_conflict_in_the_middle() {
    let both = |txn: &Transaction| {
        let mut range = txn.range("a".."k");
        range.next().unwrap().unwrap();
        range.next_back().unwrap().unwrap();
    };
    assert_eq!(conflicting(both), "abj");
}

#[test]
fn an_exhausted_range_conflicts_up_to_its_bounds_and_no_further() {
    assert_eq!(conflicting(|txn| txn.range("c".."i").for_each(drop)), "cdefgh");
    assert_eq!(conflicting(|txn| txn.range("c".."i").rev().for_each(drop)), "cdefgh");
    assert_eq!(conflicting(|txn| txn.prefix("f").for_each(drop)), "f");
    assert_eq!(conflicting(|txn| assert!(txn.range("k"..="l").next().is_none())), "kl");
}

#[test]
fn all_rows_without_the_end_do_not_conflict_behind_the_last() {
    assert_eq!(conflicting(|txn| txn.range("c"..="k").take(4).for_each(drop)), "cdefghij");
}

#[test]
fn a_range_that_was_opened_and_never_read_conflicts_with_nothing() {
    assert_eq!(conflicting(|txn| drop(txn.iter())), "");
    assert_eq!(conflicting(|txn| txn.iter().rev().take(0).for_each(drop)), "");
}

#[test]
fn a_range_that_is_forgotten_counts_as_read() {
    assert_eq!(conflicting(|txn| std::mem::forget(txn.range("c".."g"))), "cdef");
}

#[test]
fn several_ranges_that_are_open_at_once_each_count_what_they_read() {
    let several = |txn: &Transaction| {
        let (mut one, mut two, three) = (txn.range("a"..), txn.range("g"..), txn.iter());
        one.next();
        two.next();
        drop(one);
        drop(three);
        two.next();
    };
    assert_eq!(conflicting(several), "abghij");
}

#[test]
fn point_reads_conflict_with_their_keys() {
    assert_eq!(conflicting(|txn| drop(txn.get("b").unwrap())), "b");
    assert_eq!(conflicting(|txn| drop(txn.get("c").unwrap())), "c");
    assert_eq!(conflicting(|txn| assert!(!txn.contains("c").unwrap())), "c");
    assert_eq!(conflicting(|txn| drop(txn.get_many(&["a", "b", "l"]).unwrap())), "abl");
}

#[test]
fn conditional_operations_conflict_with_their_keys_also_when_they_fail() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let fails: [fn(&Transaction) -> bool; 3] = [
            |txn| txn.insert_if_absent("b", "").unwrap(),
            |txn| txn.compare_and_set("b", "other", "").unwrap(),
            |txn| txn.compare_and_delete("b", "other").unwrap(),
        ];
        for fail in fails {
            let store = letters();
            let mut transaction = store.transaction_with(isolation);
            assert!(!fail(&transaction));
            let conflict = after(&mut transaction, &store, put("b")).expect("a conflict");
            assert_eq!(conflict.kind, ConflictKind::ReadWrite);
        }
    }
}

#[test]
fn untracked_reads_conflict_with_nothing() {
    let untracked = |txn: &Transaction| {
        txn.get_untracked("b").unwrap();
        assert_eq!(txn.range_untracked(..).count(), 5);
    };
    assert_eq!(conflicting(untracked), "");
}

#[test]
fn own_writes_that_are_read_conflict_with_nothing() {
    let own = |txn: &Transaction| {
        txn.put("b", "own").unwrap();
        txn.delete("d").unwrap();
        txn.get("b").unwrap();
        txn.get_many(&["b", "d"]).unwrap();
        assert!(!txn.contains("d").unwrap());
    };
    assert_eq!(conflicting(own), "");
}

#[test]
fn a_deleted_range_conflicts_within_its_bounds() {
    assert_eq!(conflicting(|txn| assert_eq!(txn.delete_range("c".."g").unwrap(), 2)), "cdef");
}

#[test]
fn a_delete_conflicts_with_those_who_read_the_key() {
    for read in [
        |txn: &Transaction| drop(txn.get("d").unwrap()),
        |txn: &Transaction| txn.range("c".."e").for_each(drop),
    ] {
        let store = letters();
        let mut transaction = store.transaction();
        read(&transaction);
        let delete = |store: &Store| {
            store.delete("d").unwrap();
        };
        assert!(after(&mut transaction, &store, delete).is_some());
    }
}

#[test]
fn a_conflict_says_what_was_overtaken_and_how() {
    let store = letters();
    let space = store.key_space("space").unwrap();
    let mut transaction = store.transaction();
    let since = transaction.version();
    transaction.space(&space).unwrap().range("a".."c").for_each(drop);
    let other = |_: &Store| {
        space.put("b", "").unwrap();
    };
    let conflict = after(&mut transaction, &store, other).unwrap();
    assert_eq!((conflict.kind, conflict.since), (ConflictKind::Phantom, since));
    assert_eq!(conflict.keys.len(), 1);
    assert_eq!(conflict.keys[0].space.as_deref(), Some("space"));
    assert_eq!(conflict.keys[0].key, b"b");

    let mut transaction = store.transaction_with(Isolation::Snapshot);
    transaction.space(&space).unwrap().put("b", "").unwrap();
    transaction.get_for_update("b").unwrap();
    let other = |_: &Store| {
        space.put("b", "").unwrap();
    };
    let conflict = after(&mut transaction, &store, other).unwrap();
    assert_eq!(conflict.kind, ConflictKind::WriteWrite);

    let mut transaction = store.transaction_with(Isolation::Snapshot);
    transaction.put("b", "").unwrap();
    transaction.get_for_update("d").unwrap();
    let conflict = after(&mut transaction, &store, put("d")).unwrap();
    assert_eq!(conflict.kind, ConflictKind::ReadWrite);
}

/// What was read and written, in which isolation, and the kind of the conflict if somebody else writes `b` and `c`.
#[test]
fn the_kind_of_a_conflict_is_that_of_its_keys() {
    use ConflictKind::{Phantom, ReadWrite, WriteWrite};
    use Isolation::{Serializable, Snapshot};
    type Deed = fn(&Transaction);
    let get: Deed = |txn| drop(txn.get("b").unwrap());
    let scan: Deed = |txn| txn.range("a".."d").for_each(drop);
    let update: Deed = |txn| drop(txn.get_for_update("b").unwrap());
    let insert: Deed = |txn| _ = txn.insert_if_absent("b", "").unwrap();
    let write_b: Deed = |txn| txn.put("b", "").unwrap();
    let write_both: Deed = |txn| {
        txn.put("b", "").unwrap();
        txn.delete("c").unwrap();
    };
    let delete: Deed = |txn| _ = txn.delete_range("a".."d").unwrap();
    let cases: &[(Isolation, &[Deed], ConflictKind, &[&str])] = &[
        (Serializable, &[get], ReadWrite, &["b"]),
        (Serializable, &[scan], Phantom, &["b", "c"]),
        (Serializable, &[scan, get], ReadWrite, &["b", "c"]),
        (Serializable, &[get, write_both], ReadWrite, &["b"]),
        (Serializable, &[insert], ReadWrite, &["b"]),
        (Serializable, &[delete], Phantom, &["b", "c"]),
        (Snapshot, &[get, scan, write_b], WriteWrite, &["b"]),
        (Snapshot, &[write_both], WriteWrite, &["b", "c"]),
        (Snapshot, &[update], ReadWrite, &["b"]),
        (Snapshot, &[insert], ReadWrite, &["b"]),
        (Snapshot, &[update, write_both], WriteWrite, &["b", "c"]),
        (Snapshot, &[delete], WriteWrite, &["b"]),
    ];
    for (case, (isolation, deeds, kind, keys)) in cases.iter().enumerate() {
        let store = letters();
        let mut transaction = store.transaction_with(*isolation);
        deeds.iter().for_each(|deed| deed(&transaction));
        let other = |store: &Store| {
            store.put("b", "").unwrap();
            store.put("c", "").unwrap();
        };
        let conflict = after(&mut transaction, &store, other).expect("a conflict");
        assert_eq!(conflict.kind, *kind, "case {case}");
        let mut named: Vec<_> = conflict.keys.iter().map(|at| at.key.clone()).collect();
        named.sort();
        assert_eq!(named, keys.iter().map(|key| key.as_bytes()).collect::<Vec<_>>(), "case {case}");
        assert!(conflict.keys.iter().all(|at| at.space.is_none()));
    }
}

#[test]
fn one_key_in_two_spaces_is_two_keys() {
    let store = letters();
    let (one, two) = (store.key_space("one").unwrap(), store.key_space("two").unwrap());
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let mut transaction = store.transaction_with(isolation);
        let view = transaction.space(&one).unwrap();
        view.get_for_update("b").unwrap();
        view.iter().for_each(drop);
        view.put("b", "").unwrap();
        let other = |store: &Store| {
            two.put("b", "").unwrap();
            store.put("b", "").unwrap();
        };
        assert_eq!(after(&mut transaction, &store, other), None);
    }
}

#[test]
fn a_transaction_that_only_reads_never_conflicts() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let store = letters();
        let mut transaction = store.transaction_with(isolation);
        let version = transaction.version();
        transaction.iter().for_each(drop);
        assert!(!transaction.insert_if_absent("b", "").unwrap());
        store.put("b", "somebody else's").unwrap();
        assert_eq!(transaction.commit().unwrap(), version);
    }
}

#[test]
fn reads_for_update_must_hold_also_if_nothing_is_written() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let store = letters();
        let mut transaction = store.transaction_with(isolation);
        transaction.get_for_update("b").unwrap();
        let newest = store.put("d", "somebody else's").unwrap();
        assert_eq!(transaction.commit().unwrap(), newest, "it held up to here");
        assert_eq!(store.version(), newest, "nothing was written");

        transaction.get_for_update("b").unwrap();
        store.put("b", "somebody else's").unwrap();
        assert!(transaction.commit().unwrap_err().is_conflict());
    }
}

#[test]
fn under_snapshot_isolation_writes_conflict_with_writes_and_reads_with_nothing() {
    let read = |txn: &Transaction| {
        txn.get("b").unwrap();
        txn.iter().for_each(drop);
        txn.put("d", "own").unwrap();
        txn.delete("g").unwrap();
    };
    for (key, kind) in [("b", None), ("c", None), ("d", Some(())), ("g", Some(()))] {
        let store = letters();
        let mut transaction = store.transaction_with(Isolation::Snapshot);
        read(&transaction);
        let conflict = after(&mut transaction, &store, put(key));
        assert_eq!(conflict.as_ref().map(|_| ()), kind, "{key}");
        assert!(conflict.is_none_or(|conflict| conflict.kind == ConflictKind::WriteWrite));
    }
}

#[test]
fn after_a_conflict_the_same_conflict_comes_until_the_restart() {
    let store = letters();
    let mut transaction = store.transaction();
    transaction.get("b").unwrap();
    assert!(after(&mut transaction, &store, put("b")).is_some());
    assert!(transaction.commit().unwrap_err().is_conflict());
    assert_eq!(transaction.get("b").unwrap().unwrap(), "stored", "it still reads its version");
    transaction.restart();
    assert_eq!(transaction.get("b").unwrap().unwrap(), "somebody else's");
    transaction.put("b", "own").unwrap();
    transaction.commit().unwrap();
    assert!(!store.snapshot().contains("zz").unwrap(), "what it wrote before is forgotten");
}

/// A random part of a random range is read, something else is written: there is a conflict exactly if that lies within what
/// was read.
#[test]
fn ranges_conflict_with_what_lies_in_the_part_that_was_read() {
    let mut random = random();
    let mut conflicts = 0;
    for _ in 0..2_000 {
        let store = Store::in_memory();
        for _ in 0..random.usize(..12) {
            store.put(short_key(&mut random), "").unwrap();
        }
        let mut transaction = store.transaction();
        if random.bool() {
            transaction.put(short_key(&mut random), "").unwrap();
            transaction.delete(short_key(&mut random)).unwrap();
        }
        let bounds = (bound(&mut random), bound(&mut random));
        let (mut front, mut back, mut all) = (None, None, false);
        let mut range = transaction.range(bounds.clone());
        for _ in 0..random.usize(..6) {
            let (entry, end) = match random.bool() {
                true => (range.next(), &mut front),
                false => (range.next_back(), &mut back),
            };
            match entry {
                Some(entry) => *end = Some(entry.unwrap().0.to_vec()),
                None => all = true,
            }
        }
        drop(range);
        let key = short_key(&mut random);
        let read = contains(&bounds, &key)
            && (all
                || front.is_some_and(|last| key <= last)
                || back.is_some_and(|last| key >= last));
        let other = |store: &Store| {
            let written = match store.snapshot().contains(&key).unwrap() {
                true => store.delete(&key),
                false => store.put(&key, ""),
            };
            written.unwrap();
        };
        let conflict = after(&mut transaction, &store, other);
        assert_eq!(conflict.is_some(), read, "{bounds:?} {key:?}");
        conflicts += usize::from(read);
    }
    println!("{conflicts} conflicts");
    assert!((200..1_800).contains(&conflicts), "both outcomes must come often: {conflicts}");
}

/// Threads move money between accounts; readers sum it up, in their transactions and beside them.
#[test]
fn no_money_is_lost_between_accounts() {
    const ACCOUNTS: u8 = 8;
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let store = Store::in_memory();
        let accounts = store.key_space("accounts").unwrap();
        for account in 0..ACCOUNTS {
            accounts.put([account], 100_u64.to_be_bytes()).unwrap();
        }
        let retry = engine::Retry::new().isolation(isolation);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let movers: Vec<_> = (0..3_u64)
                .map(|seed| {
                    let (store, accounts, retry) = (&store, &accounts, &retry);
                    scope.spawn(move || {
                        let mut random = fastrand::Rng::with_seed(seed);
                        for _ in 0..200 {
                            let (from, to) = (random.u8(..ACCOUNTS), random.u8(..ACCOUNTS));
                            let most = random.u64(..50);
                            let moved: Result<(), Error> = store.transact_with(retry, |txn| {
                                let view = txn.space(accounts)?;
                                let amount = most.min(number(view.get([from])?));
                                view.put(
                                    [from],
                                    (number(view.get([from])?) - amount).to_be_bytes(),
                                )?;
                                std::thread::yield_now();
                                view.put([to], (number(view.get([to])?) + amount).to_be_bytes())?;
                                Ok(())
                            });
                            moved.unwrap();
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let transaction = store.transaction();
                    let view = transaction.space(&accounts).unwrap();
                    let sum: u64 = view.iter().map(|entry| number(Some(entry.unwrap().1))).sum();
                    assert_eq!(sum, 100 * u64::from(ACCOUNTS));
                }
            });
            movers.into_iter().for_each(|mover| mover.join().unwrap());
            done.store(true, Ordering::Relaxed);
        });
        let snapshot = store.snapshot();
        let view = snapshot.space(&accounts).unwrap();
        let sum: u64 = view.iter().map(|entry| number(Some(entry.unwrap().1))).sum();
        assert_eq!(sum, 100 * u64::from(ACCOUNTS), "{isolation:?}");
    }
}

fn number(value: Option<engine::Value<'_>>) -> u64 {
    u64::from_be_bytes(value.unwrap()[..].try_into().unwrap())
}
