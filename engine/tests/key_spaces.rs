//! Named key spaces: apart from each other, together in commits and snapshots, limited, and hidden where they are the
//! engine's own.

mod common;

use common::{number, of_map, row, rows};
use engine::{Error, KeySpace, MAX_KEY_SPACES, MAX_SPACE_NAME_LEN, Store, WriteBatch};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn the_same_key_in_two_spaces_is_two_keys() {
    let store = Store::in_memory();
    let (a, b) = (store.key_space("a").unwrap(), store.key_space("b").unwrap());
    store.put("k", "default").unwrap();
    a.put("k", "of a").unwrap();
    b.put("k", "of b").unwrap();
    a.put("only a", "1").unwrap();
    b.delete("k").unwrap();
    let snapshot = store.snapshot();
    assert_eq!(rows(snapshot.iter()), [row("k", "default")]);
    let view = snapshot.space(&a).unwrap();
    assert_eq!(rows(view.iter()), [row("k", "of a"), row("only a", "1")]);
    assert!(snapshot.space(&b).unwrap().is_empty().unwrap());
    a.delete_range(..).unwrap();
    assert_eq!(rows(store.snapshot().iter()), [row("k", "default")]);
    assert_eq!(view.len().unwrap(), 2, "the old version stays");
}

#[test]
fn a_view_reads_as_a_snapshot_does() {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    for (key, value) in [("a", "1"), ("ab", "2"), ("b", "3")] {
        space.put(key, value).unwrap();
        store.put(key, value).unwrap();
    }
    let snapshot = store.snapshot();
    let view = snapshot.space(&space).unwrap();
    assert_eq!(view.version(), snapshot.version());
    assert_eq!(rows(view.range("ab"..)), rows(snapshot.range("ab"..)));
    assert_eq!(rows(view.prefix("a").rev()), rows(snapshot.prefix("a").rev()));
    assert_eq!(view.get_many(&["b", "c"]).unwrap(), snapshot.get_many(&["b", "c"]).unwrap());
    assert_eq!(view.count(.."b").unwrap(), 2);
    assert_eq!(view.keys(..).count(), 3);
    assert_eq!(view.first().unwrap(), snapshot.first().unwrap());
    assert_eq!(view.last().unwrap(), snapshot.last().unwrap());
    assert_eq!(view.contains("ab").unwrap(), snapshot.contains("ab").unwrap());
    assert_eq!(rows(view.into_iter()), rows(snapshot.into_iter()));
}

#[test]
fn a_commit_to_several_spaces_is_seen_in_all_or_in_none() {
    let store = Store::in_memory();
    let spaces: Vec<_> = ["a", "b", "c"].map(|name| store.key_space(name).unwrap()).into();
    let (start, is_over) = (Barrier::new(3), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                while !is_over.load(Ordering::Relaxed) {
                    let snapshot = store.snapshot();
                    let values = spaces.iter().map(|space| {
                        let view = snapshot.space(space).unwrap();
                        view.get("k").unwrap().map(|value| number(&value))
                    });
                    let values: Vec<_> = values.collect();
                    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
                }
            });
        }
        start.wait();
        for round in 0..common::rounds(4_000) {
            let mut batch = WriteBatch::new();
            for space in &spaces {
                batch.put_in(space, "k", round.to_string());
            }
            store.commit(&batch).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_batch_deletes_in_the_space_that_it_names() {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    for key in ["a", "b", "c"] {
        store.put(key, "").unwrap();
        space.put(key, "").unwrap();
    }
    let mut batch = WriteBatch::new();
    batch.delete_in(&space, "a").delete("b").delete_range_in(&space, "c"..);
    store.commit(&batch).unwrap();
    let snapshot = store.snapshot();
    assert_eq!(rows(snapshot.space(&space).unwrap().iter()), [row("b", "")]);
    assert_eq!(rows(snapshot.iter()), [row("a", ""), row("c", "")]);
}

#[test]
fn reserved_names_are_refused_and_never_listed() {
    let store = Store::in_memory();
    store.commit_tagged(&WriteBatch::new(), "the hidden space has a key").unwrap();
    for name in ["\0", "\0engine", "\0\0", "\0accounts"] {
        assert!(matches!(store.key_space(name), Err(Error::ReservedSpaceName)), "{name:?}");
        assert!(store.find_key_space(name).is_none(), "{name:?}");
    }
    assert_eq!(store.key_spaces().count(), 0);
    let inside = store.key_space("engine\0").unwrap();
    let names: Vec<_> = store.key_spaces().map(|space| space.name().to_owned()).collect();
    assert_eq!(names, [inside.name()]);
    assert_eq!(store.find_key_space("engine\0").unwrap().name(), "engine\0");
}

#[test]
fn as_many_spaces_as_were_allowed_can_be_opened() {
    for max in [0, 1, 3] {
        let store = Store::builder().max_key_spaces(max).open().unwrap();
        store.commit_tagged(&WriteBatch::new(), "does not count").unwrap();
        for number in 0..max {
            store.key_space(number.to_string()).unwrap();
        }
        let refused = of_map(store.key_space("one more").unwrap_err());
        assert_eq!(refused, epoch_store::Error::TooManySpaces { max });
        assert_eq!(store.stats().key_spaces, max);
        assert!(max == 0 || store.key_space("0").is_ok(), "those that are there stay");
    }
    const { assert!(MAX_KEY_SPACES >= 60_000) }
    assert!(Store::builder().max_key_spaces(usize::MAX).open().unwrap().key_space("a").is_ok());
}

#[test]
fn names_at_the_border_of_what_is_allowed() {
    let store = Store::in_memory();
    let longest = "n".repeat(MAX_SPACE_NAME_LEN);
    assert_eq!(store.key_space(&longest).unwrap().name(), longest);
    let refused = of_map(store.key_space(longest + "n").unwrap_err());
    let (len, max) = (MAX_SPACE_NAME_LEN + 1, MAX_SPACE_NAME_LEN);
    assert_eq!(refused, epoch_store::Error::SpaceNameTooLong { len, max });
    assert_eq!(of_map(store.key_space("").unwrap_err()), epoch_store::Error::SpaceNameEmpty);
    assert!(store.find_key_space("").is_none());
    assert_eq!(store.stats().key_spaces, 1);
}

#[test]
fn a_space_of_another_store_is_refused_everywhere() {
    let (store, other) = (Store::in_memory(), Store::in_memory());
    let (own, foreign) = (store.key_space("s").unwrap(), other.key_space("s").unwrap());
    foreign.put("k", "v").unwrap();
    let is_foreign = |error: Error| of_map(error) == epoch_store::Error::ForeignSpace;

    let mut batch = WriteBatch::new();
    batch.put_in(&foreign, "k", "v");
    assert!(is_foreign(store.commit(&batch).unwrap_err()));
    assert!(is_foreign(store.commit_tagged(&batch, "tag").unwrap_err()));
    batch.put_in(&own, "k", "v");
    for store in [&store, &other] {
        assert!(is_foreign(store.commit(&batch).unwrap_err()));
    }
    let snapshot = store.snapshot();
    assert!(is_foreign(snapshot.space(&foreign).unwrap_err()));
    assert!(is_foreign(snapshot.cursor_in(&foreign).unwrap_err()));
    assert!(is_foreign(store.lease().space(&foreign).unwrap_err()));
    let changes = store.changes_since(store.version()).unwrap();
    assert!(is_foreign(changes.range_in(&foreign, ..).unwrap_err()));
    assert_eq!(store.version().get(), 0, "nothing was applied");
    assert!(snapshot.metadata().unwrap().is_none());
}

#[test]
fn many_threads_that_open_one_name_get_one_space() {
    let store = Store::in_memory();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    let space: KeySpace = store.key_space(format!("space {number}")).unwrap();
                    space.put([thread], "").unwrap();
                }
            });
        }
    });
    let snapshot = store.snapshot();
    assert_eq!(store.key_spaces().count(), 50);
    for space in store.key_spaces() {
        assert_eq!(snapshot.space(&space).unwrap().len().unwrap(), 4);
    }
}

#[test]
fn leases_and_cursors_read_a_space() {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    store.put("k", "default").unwrap();
    space.put("k", "v").unwrap();
    let lease = store.lease();
    let view = lease.space(&space).unwrap();
    assert_eq!(view.get("k").unwrap().unwrap(), b"v");
    assert_eq!(view.prefix("k").count() + view.iter().count() + view.range("l"..).count(), 2);
    let mut cursor = store.snapshot().cursor_in(&space).unwrap();
    drop(space);
    assert!(cursor.seek_to_last().unwrap());
    assert_eq!(cursor.value().unwrap().unwrap(), "v");
}
