//! A store whose memory is limited: what is refused is refused whole, and can be done when there is room.

mod common;

use common::{of_map, row, rows};
use engine::{Error, Isolation, Store, Transaction, Version, WriteBatch};

const LIMIT: u64 = 1 << 20;

fn limited() -> Store {
    Store::builder().memory_limit(LIMIT).open().unwrap()
}

/// Fills the store with keys that begin with `prefix`, until there is no room for another kilobyte.
fn fill(store: &Store, prefix: &str) -> usize {
    let refused =
        (0..2_000).find(|number| match store.put(format!("{prefix}{number:04}"), [7; 1_000]) {
            Ok(_) => false,
            Err(error) => {
                assert!(matches!(
                    of_map(error),
                    epoch_store::Error::MemoryLimit { limit: LIMIT, .. }
                ));
                true
            }
        });
    refused.expect("the limit is met")
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.expect_err("there is no room");
    assert!(!error.is_conflict(), "doing it again at once does not help");
    assert!(matches!(of_map(error), epoch_store::Error::MemoryLimit { limit: LIMIT, .. }));
}

#[test]
fn every_kind_of_write_that_puts_is_refused_and_changes_nothing() {
    let store = limited();
    let space = store.key_space("space").unwrap();
    store.put("k", "v").unwrap();
    fill(&store, "fill");
    let (version, large) = (store.version(), [0; 100_000]);
    let ignore = |_: Option<Version>| version;
    let mut batch = WriteBatch::new();
    batch.delete("k").put_in(&space, "k", large);
    let refused = [
        store.put("k", large),
        store.commit(&batch),
        store.commit_tagged(&batch, "tag"),
        store.insert_if_absent("new", large).map(ignore),
        store.compare_and_set("k", "v", large).map(ignore),
        store.update("k", |_| Some(large.to_vec())),
        space.put("k", large),
        space.insert_if_absent("new", large).map(ignore),
        space.update("k", |_| Some(large.to_vec())),
        store.transact(|transaction| transaction.put("k", large).map(|_| version)),
    ];
    refused.into_iter().for_each(|result| assert_refused(result));
    assert_eq!(store.version(), version);
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("k").unwrap().unwrap(), "v");
    assert!(snapshot.space(&space).unwrap().is_empty().unwrap());
    assert!(snapshot.metadata().unwrap().is_none());
}

#[test]
fn deletes_are_admitted_in_every_form_and_make_room() {
    let store = limited();
    let space = store.key_space("space").unwrap();
    space.put("k", "v").unwrap();
    let filled = fill(&store, "fill");
    assert_refused(store.put("new", [0; 100_000]));
    store.delete("fill0000").unwrap();
    store.delete("absent").unwrap();
    space.delete("k").unwrap();
    assert!(store.compare_and_delete("fill0001", [7; 1_000]).unwrap().is_some());
    store.update("fill0002", |_| None).unwrap();
    store.commit(WriteBatch::new().delete("fill0003")).unwrap();
    let mut transaction = store.transaction();
    assert!(transaction.contains("fill0004").unwrap());
    transaction.delete("fill0004").unwrap();
    transaction.commit().unwrap();
    drop(transaction);
    store.delete_range("fill0005".."fill0200").unwrap();
    assert_eq!(store.snapshot().iter().count(), filled - 200);
    store.put("new", [0; 100_000]).unwrap();
}

/// A transaction that was refused commits what it was going to, when others have made room.
fn commits_later(isolation: Isolation, savepoint: bool) {
    let store = limited();
    store.put("read", "1").unwrap();
    let mut transaction = store.transaction_with(isolation);
    assert_eq!(transaction.get("read").unwrap().unwrap(), "1");
    let write = |transaction: &mut Transaction| {
        transaction.put("written", [1; 50_000]).unwrap();
        transaction.delete("read").unwrap();
    };
    write(&mut transaction);
    let mark = savepoint.then(|| transaction.savepoint());
    // After its snapshot: what it sees itself it would keep.
    fill(&store, "fill");
    let version = store.version();
    assert_refused(transaction.commit());
    assert_refused(transaction.commit());
    assert_eq!(store.version(), version, "nothing of it is ordered");
    assert!(!store.snapshot().contains("written").unwrap());
    // It is as it was: read, written to, rolled back.
    assert_eq!(transaction.get("written").unwrap().unwrap(), [1; 50_000]);
    assert!(!transaction.contains("read").unwrap());
    transaction.put("more", "m").unwrap();
    if let Some(mark) = mark {
        transaction.roll_back(mark).unwrap();
    }
    store.delete_range("fill0100".."fill9").unwrap();
    store.maintain();
    let committed = transaction.commit().unwrap();
    assert!(committed > version);
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("written").unwrap().unwrap(), [1; 50_000]);
    assert!(!snapshot.contains("read").unwrap());
    assert_eq!(snapshot.contains("more").unwrap(), !savepoint);
}

#[test]
fn a_transaction_that_was_refused_commits_when_others_have_made_room() {
    for savepoint in [false, true] {
        commits_later(Isolation::Serializable, savepoint);
        commits_later(Isolation::Snapshot, savepoint);
    }
}

#[test]
fn a_transaction_that_was_refused_is_still_checked() {
    let store = limited();
    store.put("read", "1").unwrap();
    let mut transaction = store.transaction();
    assert_eq!(transaction.get("read").unwrap().unwrap(), "1");
    transaction.put("written", [1; 50_000]).unwrap();
    fill(&store, "fill");
    assert_refused(transaction.commit());
    store.delete_range("fill".."fill9").unwrap();
    store.put("read", "2").unwrap();
    let refused = transaction.commit().unwrap_err();
    assert!(refused.is_conflict(), "{refused}");
    assert!(!store.snapshot().contains("written").unwrap());
}

#[test]
fn a_flush_that_was_refused_loses_nothing_and_goes_through_when_there_is_room() {
    let store = limited();
    store.put("old", "base").unwrap();
    let bottom = store.overlay();
    let top = bottom.overlay();
    bottom.put("a", [1; 60_000]).unwrap();
    top.put("b", [2; 60_000]).unwrap();
    top.delete("old").unwrap();
    let filled = fill(&store, "fill");
    top.flush().unwrap(); // stays in the family
    let before = rows(store.snapshot().iter());
    assert_refused(bottom.flush());
    assert_refused(bottom.flush());
    assert_eq!(rows(store.snapshot().iter()), before, "nothing of it is in the store");
    let check_layers = |when: &str| {
        for layer in [&bottom, &top] {
            assert_eq!(layer.get("a").unwrap().unwrap(), [1; 60_000], "{when}");
            assert_eq!(layer.get("b").unwrap().unwrap(), [2; 60_000], "{when}");
            assert_eq!(layer.get("old").unwrap(), None, "{when}");
        }
    };
    check_layers("refused");
    // Written to meanwhile.
    bottom.put("c", "3").unwrap();
    bottom.put("a", "4").unwrap();
    assert_eq!(store.snapshot().iter().count(), filled + 1);

    store.delete_range("fill".."fill9").unwrap();
    store.maintain();
    let flushed = bottom.flush().unwrap();
    assert_eq!(flushed, store.version());
    let expected = [row("a", "4"), (b"b".to_vec(), vec![2; 60_000]), row("c", "3")];
    assert_eq!(rows(store.snapshot().iter()), expected);
    assert_eq!(top.iter().count(), 3);
    // Once, and nothing is left to be flushed.
    assert_eq!(bottom.flush().unwrap(), flushed);
    assert_eq!(store.version(), flushed);
}

#[test]
fn without_a_limit_nothing_is_refused_and_what_is_held_is_told() {
    let store = Store::in_memory();
    let empty = store.stats().bytes;
    (0..2_000).for_each(|number| _ = store.put(format!("{number}"), [0; 1_000]).unwrap());
    let held = store.stats().bytes - empty;
    assert!((2_000_000..2_500_000).contains(&held), "{held}");
    store.delete_range(..).unwrap();
    store.maintain();
    assert!(store.stats().bytes < empty + (16 << 10));
}
