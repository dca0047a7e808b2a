//! Handles, batches, versions, figures, and who is told of slow readers.

mod common;

use common::{of_map, row, rows};
use engine::{SlowReader, Snapshot, Store, Version, WriteBatch};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

#[test]
fn all_handles_are_one_store() {
    let store = Store::in_memory();
    let handle = store.clone();
    store.put("a", "1").unwrap();
    let version = std::thread::spawn(move || handle.put("b", "2").unwrap()).join().unwrap();
    assert_eq!(store.version(), version);
    assert_eq!(rows(store.snapshot().iter()), [row("a", "1"), row("b", "2")]);
}

#[test]
fn a_snapshot_outlives_every_handle() {
    let store = Store::in_memory();
    store.commit_tagged(WriteBatch::new().put("k", "v"), "tag").unwrap();
    let snapshot = store.snapshot();
    let clone = snapshot.clone();
    drop(store);
    assert_eq!(clone.get("k").unwrap().unwrap(), "v");
    drop(snapshot);
    assert_eq!(clone.metadata().unwrap().unwrap(), "tag");
    assert_eq!(clone.cursor().snapshot().len().unwrap(), 1);
}

#[test]
fn snapshots_of_many_threads_are_all_right() {
    // More threads than the store has links to be shared by.
    let store = Store::in_memory();
    let threads: Vec<_> = (0..40_u8)
        .map(|id| {
            let store = store.clone();
            std::thread::spawn(move || -> Snapshot {
                let version = store.put([id], [id]).unwrap();
                let snapshot = store.snapshot();
                assert!(snapshot.version() >= version);
                snapshot
            })
        })
        .collect();
    let snapshots: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let all = store.snapshot();
    drop(store);
    for (id, snapshot) in snapshots.iter().enumerate() {
        assert_eq!(snapshot.get([id as u8]).unwrap().unwrap(), [id as u8]);
        assert_eq!(snapshot.len().unwrap() as u64, snapshot.version().get());
    }
    assert_eq!(all.len().unwrap(), 40);
}

#[test]
fn a_batch_is_seen_whole_and_not_before_it_is_committed() {
    let store = Store::in_memory();
    store.put("c", "0").unwrap();
    let mut batch = WriteBatch::new();
    batch.delete("a").put("a", "1").put("b", "1").put("b", "2").put("c", "1").delete("c");
    assert_eq!(rows(store.snapshot().iter()), [row("c", "0")]);
    assert_eq!(store.commit(&batch).unwrap(), Version::from(2));
    assert_eq!(rows(store.snapshot().iter()), [row("a", "1"), row("b", "2")]);
}

#[test]
fn a_batch_can_be_committed_again_and_filled_again() {
    let store = Store::in_memory();
    let mut batch = WriteBatch::with_capacity(4, usize::MAX);
    batch.put("a", "1");
    store.commit(&batch).unwrap();
    store.put("a", "2").unwrap();
    store.commit(&batch).unwrap();
    assert_eq!(rows(store.snapshot().iter()), [row("a", "1")]);
    batch.clear();
    assert!(batch.is_empty());
    assert_eq!(store.commit(&batch).unwrap(), Version::from(3), "nothing to commit");
    batch.put("b", "1").delete_range("a"..="a");
    assert_eq!(batch.len(), 2);
    store.commit(&batch).unwrap();
    assert_eq!(rows(store.snapshot().iter()), [row("b", "1")]);
}

#[test]
fn a_range_is_deleted_but_for_what_the_batch_puts_later() {
    let store = Store::in_memory();
    for key in ["a", "b", "c", "d"] {
        store.put(key, "0").unwrap();
    }
    let before = store.snapshot();
    let mut batch = WriteBatch::new();
    batch.put("b", "gone").delete_range("b"..).put("c", "1");
    store.commit(&batch).unwrap();
    assert_eq!(rows(store.snapshot().iter()), [row("a", "0"), row("c", "1")]);
    assert_eq!(before.len().unwrap(), 4);
    store.delete_range(..).unwrap();
    assert!(store.snapshot().is_empty().unwrap());
}

#[test]
fn retained_versions_open_by_number_with_their_contents() {
    let store = Store::builder().retain_versions(50).open().unwrap();
    let versions: Vec<_> = (0..50_u8).map(|value| store.put("k", [value]).unwrap()).collect();
    for (value, version) in versions.iter().enumerate() {
        let snapshot = store.snapshot_at(*version).unwrap();
        assert_eq!(snapshot.version(), *version);
        assert_eq!(snapshot.get("k").unwrap().unwrap(), [value as u8]);
    }
    let newest = store.version();
    let refused = of_map(store.snapshot_at(Version::from(newest.get() + 1)).unwrap_err());
    assert!(matches!(refused, epoch_store::Error::VersionInFuture { .. }));
}

#[test]
fn changes_are_those_of_users_in_the_space_asked_for() {
    let store = Store::builder().retain_versions(100).open().unwrap();
    let space = store.key_space("space").unwrap();
    store.put("a", "1").unwrap();
    let since = store.put("b", "1").unwrap();
    let mut batch = WriteBatch::new();
    batch.put("a", "2").delete("b").put_in(&space, "s", "1");
    store.commit_tagged(&batch, "a tag is no change").unwrap();
    let changes = store.changes_since(since).unwrap();
    store.put("c", "too late").unwrap();

    let keys = |changes: engine::Changes<'_>| -> Vec<_> {
        changes.map(|change| change.unwrap().key.to_vec()).collect()
    };
    assert_eq!(keys(changes.iter()), [b"a", b"b"]);
    assert_eq!(keys(changes.range_in(&space, ..).unwrap()), [b"s"]);
    assert_eq!((changes.older().version(), changes.newer().version().get()), (since, 3));
    let back: Vec<_> = changes.iter().rev().map(|change| change.unwrap()).collect();
    assert!(back[0].after.is_none() && back[0].before.as_ref().unwrap() == "1");
    assert!(back[1].after.as_ref().unwrap() == "2");
}

#[test]
fn figures_do_not_count_what_is_hidden() {
    let store = Store::in_memory();
    assert_eq!((store.stats().live_keys, store.stats().key_spaces), (0, 0));
    store.commit_tagged(WriteBatch::new().put("k", "v"), "tag").unwrap();
    store.key_space("space").unwrap().put("k", "v").unwrap();
    assert_eq!((store.stats().live_keys, store.stats().key_spaces), (2, 1));
    assert_eq!(store.stats().commits, 2);
}

#[test]
fn a_lease_is_taken_back_and_a_snapshot_is_not() {
    let store = Store::in_memory();
    store.put("k", "1").unwrap();
    let (lease, snapshot) = (store.lease(), store.snapshot());
    assert_eq!(lease.get("k").unwrap().unwrap(), b"1");
    let version = store.put("k", "2").unwrap();
    assert_eq!(store.revoke_older_than(version), 1);
    for refused in [
        lease.get("k").map(|_| ()),
        lease.contains("k").map(|_| ()),
        lease.iter().next_back().unwrap().map(|_| ()),
    ] {
        let refused = of_map(refused.unwrap_err());
        assert_eq!(refused, epoch_store::Error::SnapshotRevoked { version: lease.version() });
    }
    assert_eq!(snapshot.get("k").unwrap().unwrap(), "1");
}

/// A store that tells of readers more than ten versions behind, and what it told.
fn watched() -> (Store, Arc<Mutex<Vec<SlowReader>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = told.clone();
    let notify = move |reader| note.lock().unwrap().push(reader);
    (Store::builder().on_slow_reader(10, notify).open().unwrap(), told)
}

fn write(store: &Store, times: usize) {
    for _ in 0..times {
        store.put("k", "v").unwrap();
    }
}

#[test]
fn each_slow_reader_is_told_of_once_when_somebody_looks() {
    let (store, told) = watched();
    let versions = || -> Vec<u64> {
        told.lock().unwrap().iter().map(|reader: &SlowReader| reader.version.get()).collect()
    };
    let first = store.snapshot();
    write(&store, 10);
    store.maintain();
    assert!(versions().is_empty(), "ten versions behind is not more than ten");
    let second = store.snapshot();
    write(&store, 11);
    assert!(versions().is_empty(), "nobody looked");
    store.maintain();
    let _ = (store.maintain(), store.stats());
    assert_eq!(versions(), [0]);
    assert_eq!(told.lock().unwrap()[0].behind, 21);
    drop(first);
    let _ = store.stats();
    assert_eq!(versions(), [0, 10]);
    drop(second);
    write(&store, 20);
    store.maintain();
    assert_eq!(versions(), [0, 10], "nobody reads");
}

#[test]
fn who_is_told_of_a_slow_reader_may_use_the_store_and_panic() {
    let place: Arc<Mutex<Option<Store>>> = Arc::default();
    let of_notify = place.clone();
    let store = Store::builder()
        .on_slow_reader(0, move |reader| {
            let store = of_notify.lock().unwrap().clone().unwrap();
            store.put("slow", reader.version.to_string()).unwrap();
            store.maintain(); // looks again, and does not come back here
            panic!("told");
        })
        .open()
        .unwrap();
    *place.lock().unwrap() = Some(store.clone());
    let reader = store.snapshot();
    write(&store, 1);
    let panicked = catch_unwind(AssertUnwindSafe(|| store.maintain())).unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"told"));
    assert_eq!(store.snapshot().get("slow").unwrap().unwrap(), "0");
    drop(reader);
    store.maintain();
    assert_eq!(store.stats().versions, 2, "nothing is held up");
    *place.lock().unwrap() = None; // the store holds who is told, who held the store
}
