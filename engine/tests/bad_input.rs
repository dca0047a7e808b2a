//! Keys, values, batches, ranges and versions at the border of what is allowed, and beyond it.

mod common;

use common::{of_map, rows};
use engine::{ChangeSet, Error, KeySpace, MAX_KEY_LEN, Store, Version, WriteBatch};
use std::ops::Bound::{Excluded, Included, Unbounded};

/// A store with three keys in its default space and in another, to notice damage.
fn small() -> (Store, KeySpace) {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    for key in ["a", "b", "c"] {
        let mut batch = WriteBatch::new();
        store.commit(batch.put(key, key).put_in(&space, key, key)).unwrap();
    }
    (store, space)
}

fn assert_undamaged(store: &Store, space: &KeySpace) {
    let snapshot = store.snapshot();
    assert_eq!(snapshot.version(), Version::from(3));
    for entries in [snapshot.iter(), snapshot.space(space).unwrap().iter()] {
        let keys: Vec<_> = rows(entries).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"a", b"b", b"c"]);
    }
    assert_eq!(store.stats().live_keys, 6);
}

#[test]
fn keys_that_cannot_be_stored_are_refused_by_every_write() {
    let (store, space) = small();
    let too_long = vec![b'k'; MAX_KEY_LEN + 1];
    let (len, max) = (MAX_KEY_LEN + 1, MAX_KEY_LEN);
    for (key, expected) in [
        (&b""[..], epoch_store::Error::EmptyKey),
        (&too_long[..], epoch_store::Error::KeyTooLong { len, max }),
    ] {
        let mut put = WriteBatch::new();
        put.put("d", "").put(key, "");
        let mut in_space = WriteBatch::new();
        in_space.delete_range(..).delete_in(&space, key);
        for refused in [
            store.put(key, "v"),
            store.delete(key),
            store.commit(&put),
            store.commit(&in_space),
            store.commit_tagged(&put, "tag"),
            space.put(key, "v"),
            space.delete(key),
        ] {
            assert_eq!(of_map(refused.unwrap_err()), expected);
        }
    }
    assert_undamaged(&store, &space);
    assert!(store.snapshot().metadata().unwrap().is_none());
}

#[test]
fn keys_that_cannot_be_stored_have_no_value() {
    let (store, _) = small();
    let too_long = vec![b'a'; 3 * MAX_KEY_LEN];
    let snapshot = store.snapshot();
    for key in [&b""[..], &too_long] {
        assert!(snapshot.get(key).unwrap().is_none());
        assert!(!snapshot.contains(key).unwrap());
    }
    let values = snapshot.get_many(&[&b""[..], b"b", &too_long]).unwrap();
    let found: Vec<_> = values.iter().map(Option::is_some).collect();
    assert_eq!(found, [false, true, false]);
    assert!(snapshot.get_many::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn bounds_need_not_be_keys_that_can_be_stored() {
    let (store, space) = small();
    let too_long = vec![b'a'; 3 * MAX_KEY_LEN];
    let snapshot = store.snapshot();
    assert_eq!(snapshot.count(vec![]..).unwrap(), 3);
    assert_eq!(snapshot.count((Excluded(""), Unbounded)).unwrap(), 3);
    assert_eq!(snapshot.count(..="").unwrap(), 0);
    assert_eq!(snapshot.count(&too_long..).unwrap(), 2);
    assert_eq!(snapshot.count((Unbounded, Included(&too_long))).unwrap(), 1);
    assert_eq!(snapshot.prefix(&too_long).count(), 0);
    assert_eq!(snapshot.prefix([0xFF; 70_000]).count(), 0);
    let mut cursor = snapshot.cursor();
    assert!(cursor.seek("").unwrap() && cursor.key().unwrap() == "a");
    assert!(!cursor.seek_for_prev("").unwrap());
    assert!(cursor.seek(&too_long).unwrap() && cursor.key().unwrap() == "b");
    assert!(cursor.seek_for_prev(&too_long).unwrap() && cursor.key().unwrap() == "a");
    assert_undamaged(&store, &space);
}

#[test]
fn an_inverted_range_is_empty() {
    let (store, space) = small();
    let snapshot = store.snapshot();
    for range in [
        (Included("c"), Included("a")),
        (Included("b"), Excluded("b")),
        (Excluded("b"), Included("b")),
        (Excluded("b"), Excluded("b")),
        (Included("zz"), Unbounded),
    ] {
        assert_eq!(snapshot.range(range).count(), 0, "{range:?}");
        assert_eq!(snapshot.range(range).rev().count(), 0, "{range:?}");
        assert_eq!(snapshot.keys(range).count(), 0, "{range:?}");
        assert_eq!(snapshot.count(range).unwrap(), 0, "{range:?}");
        assert_eq!(store.lease().range(range).count(), 0, "{range:?}");
    }
    assert_undamaged(&store, &space);
    // It deletes nothing, and is a commit all the same.
    assert_eq!(store.delete_range("c".."a").unwrap(), Version::from(4));
    assert_eq!(space.delete_range("c".."a").unwrap(), Version::from(5));
    assert_eq!(store.snapshot().len().unwrap(), 3);
}

#[test]
fn the_longest_key_is_a_key_like_any_other() {
    let (store, _) = small();
    let longest = vec![b'b'; MAX_KEY_LEN];
    store.insert_if_absent(&longest, "1").unwrap().unwrap();
    store.compare_and_set(&longest, "1", "2").unwrap().unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get(&longest).unwrap().unwrap(), "2");
    let mut cursor = snapshot.cursor();
    assert!(cursor.seek(&longest[1..]).unwrap(), "one byte shorter is below");
    assert_eq!(cursor.key().unwrap(), longest);
    assert!(cursor.next().unwrap() && cursor.key().unwrap() == "c");
    store.compare_and_delete(&longest, "2").unwrap().unwrap();
    assert_eq!(store.snapshot().len().unwrap(), 3);
}

#[test]
fn a_batch_is_as_large_as_is_allowed_and_no_larger() {
    let store = Store::builder().max_batch_len(2).open().unwrap();
    let mut batch = WriteBatch::new();
    store.commit(batch.put("a", "").delete_range("b"..)).unwrap();
    let refused = of_map(store.commit(batch.put("a", "")).unwrap_err());
    assert_eq!(refused, epoch_store::Error::BatchTooLarge { len: 3, max: 2 });
    assert_eq!(store.version(), Version::from(1));

    let frozen = Store::builder().max_batch_len(0).open().unwrap();
    let expected = epoch_store::Error::BatchTooLarge { len: 1, max: 0 };
    let space = frozen.key_space("space").unwrap();
    for refused in [
        frozen.put("a", ""),
        frozen.delete("a"),
        frozen.delete_range(..),
        space.put("a", ""),
        space.delete("a"),
        space.delete_range(..),
        frozen.insert_if_absent("a", "").map(Option::unwrap),
    ] {
        assert_eq!(of_map(refused.unwrap_err()), expected);
    }
    assert_eq!(frozen.commit(&WriteBatch::new()).unwrap(), Version::ZERO);
    assert!(Store::builder().max_batch_len(usize::MAX).open().unwrap().put("a", "").is_ok());
}

#[test]
fn a_million_bytes_are_a_value() {
    let store = Store::in_memory();
    let value: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    store.put("large", &value).unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("large").unwrap().unwrap(), value);
    let mut cursor = snapshot.cursor();
    assert!(cursor.next().unwrap());
    assert_eq!(cursor.value().unwrap().unwrap(), value);
}

#[test]
fn versions_that_are_not_there_are_told_apart() {
    let (store, space) = small();
    let at = |version: u64| of_map(store.snapshot_at(Version::from(version)).unwrap_err());
    assert!(matches!(at(u64::MAX), epoch_store::Error::VersionInFuture { .. }));
    assert!(matches!(at(1), epoch_store::Error::VersionCollected { .. }));
    let refused = of_map(store.changes_since(Version::from(1)).unwrap_err());
    assert!(matches!(refused, epoch_store::Error::VersionCollected { .. }));
    assert_eq!(store.changes_since(store.version()).unwrap().iter().count(), 0);
    assert_undamaged(&store, &space);
}

#[test]
fn snapshots_that_cannot_be_compared_are_refused() {
    let (store, space) = small();
    let (other, _) = small();
    let (snapshot, foreign) = (store.snapshot(), other.snapshot());
    let refused = of_map(snapshot.changes_since(&foreign).unwrap_err());
    assert_eq!(refused, epoch_store::Error::ForeignSnapshot);
    let view = snapshot.space(&space).unwrap();
    assert_eq!(of_map(view.changes_since(&foreign).unwrap_err()), refused);
    assert_undamaged(&store, &space);

    store.put("d", "").unwrap();
    let newer = store.snapshot();
    let refused = of_map(snapshot.changes_since(&newer).unwrap_err());
    let (since, version) = (newer.version(), snapshot.version());
    assert_eq!(refused, epoch_store::Error::NotOlder { since, version });
    assert_eq!(of_map(ChangeSet::between(newer, snapshot).unwrap_err()), refused);
}

#[test]
fn errors_say_what_is_wrong() {
    let store = Store::in_memory();
    let too_long = store.commit_tagged(&WriteBatch::new(), [0; 1_025]).unwrap_err();
    assert_eq!(too_long.to_string(), "the metadata has 1025 bytes; at most 1024 are allowed");
    let empty = store.put("", "").unwrap_err();
    assert_eq!(empty.to_string(), epoch_store::Error::EmptyKey.to_string());
    store.close().unwrap();
    let closed = store.put("k", "v").unwrap_err();
    assert_eq!(closed.to_string(), "the store is closed");
    assert!(![too_long, empty, closed, Error::ReservedSpaceName].iter().any(Error::is_conflict));
}
