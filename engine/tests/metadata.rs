//! What commits are tagged with: seen when they are, hidden from everything else.

mod common;

use common::{number, of_map, rows};
use engine::{Error, MAX_METADATA_LEN, Store, WriteBatch};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

fn batch(key: &str, value: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(key, value);
    batch
}

fn metadata(store: &Store) -> Option<Vec<u8>> {
    store.snapshot().metadata().unwrap().map(Vec::from)
}

#[test]
fn the_newest_tag_counts_at_each_version() {
    let store = Store::builder().retain_versions(10).open().unwrap();
    assert_eq!(metadata(&store), None);
    let first = store.commit_tagged(&batch("a", "1"), "one").unwrap();
    let snapshot = store.snapshot();
    store.put("b", "not tagged").unwrap();
    assert_eq!(metadata(&store).unwrap(), b"one");
    store.commit_tagged(&WriteBatch::new(), "two").unwrap();
    assert_eq!(metadata(&store).unwrap(), b"two");
    assert_eq!(snapshot.metadata().unwrap().unwrap(), "one");
    assert_eq!(store.snapshot_at(first).unwrap().metadata().unwrap().unwrap(), "one");
    store.commit_tagged(&WriteBatch::new(), "").unwrap();
    assert_eq!(metadata(&store).unwrap(), b"", "an empty tag is a tag");
}

#[test]
fn a_tag_and_its_commit_are_seen_together() {
    let store = Store::in_memory();
    let (start, is_over) = (Barrier::new(3), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                while !is_over.load(Ordering::Relaxed) {
                    let snapshot = store.snapshot();
                    let value = snapshot.get("k").unwrap();
                    assert_eq!(snapshot.metadata().unwrap(), value, "at {}", snapshot.version());
                }
            });
        }
        start.wait();
        for round in 0..common::rounds(4_000) {
            let round = round.to_string();
            store.commit_tagged(&batch("k", &round), &round).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn tags_of_many_threads_stay_with_their_commits() {
    let store = Store::in_memory();
    let rounds = common::rounds(1_000) as u64;
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..rounds {
                    let id = (round * 3 + thread).to_string();
                    store.commit_tagged(&batch("k", &id), &id).unwrap();
                    let snapshot = store.snapshot();
                    assert_eq!(snapshot.get("k").unwrap(), snapshot.metadata().unwrap());
                }
            });
        }
    });
    let last = number(&metadata(&store).unwrap());
    assert!(last / 3 == rounds - 1, "the last commit was the last one of its thread: {last}");
}

#[test]
fn a_tag_is_as_long_as_is_allowed_and_no_longer() {
    let store = Store::in_memory();
    let longest = vec![7; MAX_METADATA_LEN];
    store.commit_tagged(&batch("a", "1"), &longest).unwrap();
    assert_eq!(metadata(&store).unwrap(), longest);
    let refused = store.commit_tagged(&batch("b", "1"), vec![7; MAX_METADATA_LEN + 1]);
    let (len, max) = (MAX_METADATA_LEN + 1, MAX_METADATA_LEN);
    assert!(
        matches!(refused, Err(Error::MetadataTooLong { len: l, max: m }) if (l, m) == (len, max))
    );
    assert!(!store.snapshot().contains("b").unwrap());
}

#[test]
fn a_commit_that_is_refused_leaves_the_tag() {
    let store = Store::builder().max_batch_len(2).open().unwrap();
    let mut batch = WriteBatch::new();
    store.commit_tagged(batch.put("a", "1").put("b", "1"), "as many as are allowed").unwrap();
    let version = store.version();
    let refused = of_map(store.commit_tagged(batch.put("c", "1"), "too many").unwrap_err());
    assert_eq!(refused, epoch_store::Error::BatchTooLarge { len: 3, max: 2 });
    batch.clear();
    let refused = of_map(store.commit_tagged(batch.put("", "1"), "no key").unwrap_err());
    assert_eq!(refused, epoch_store::Error::EmptyKey);
    assert_eq!(metadata(&store).unwrap(), b"as many as are allowed");
    assert_eq!(store.version(), version);
}

#[test]
fn a_tag_is_no_entry() {
    let store = Store::builder().retain_versions(10).open().unwrap();
    let space = store.key_space("space").unwrap();
    let since = store.version();
    store.commit_tagged(WriteBatch::new().delete_range(..), "tag").unwrap();
    let snapshot = store.snapshot();
    assert!(rows(snapshot.iter()).is_empty());
    assert!(snapshot.space(&space).unwrap().is_empty().unwrap());
    assert!(!snapshot.contains("metadata").unwrap());
    assert_eq!(store.changes_since(since).unwrap().iter().count(), 0);
    store.delete_range(..).unwrap();
    assert_eq!(metadata(&store).unwrap(), b"tag", "out of reach of a range");
}

#[test]
fn the_batch_is_left_as_it_was() {
    let store = Store::in_memory();
    let batch = batch("a", "1");
    store.commit_tagged(&batch, "tag").unwrap();
    assert_eq!(batch.len(), 1);
    let other = Store::in_memory();
    other.commit(&batch).unwrap(); // it has not come to belong to the first store
    assert_eq!(metadata(&other), None);
}
