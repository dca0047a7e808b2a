//! A store that was closed: nothing is written any more, everything can be read, and no write is half done.

mod common;

use common::{rounds, row, rows};
use engine::{Error, Store, Version, WriteBatch};
use std::sync::Barrier;

#[test]
fn every_kind_of_write_is_refused() {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    store.put("k", "v").unwrap();
    space.put("k", "v").unwrap();
    let batch = {
        let mut batch = WriteBatch::new();
        batch.put("k", "w").put_in(&space, "k", "w");
        batch
    };
    let version = store.version();
    let handle = store.clone();
    assert!(!handle.is_closed());
    store.close().unwrap();
    store.close().unwrap();
    assert!(handle.is_closed());

    let ignore = |_: Option<Version>| version;
    let refused = [
        handle.put("k", "w"),
        handle.delete("k"),
        handle.delete_range(..),
        handle.commit(&batch),
        handle.commit(&WriteBatch::new()),
        handle.commit_tagged(&batch, "tag"),
        handle.insert_if_absent("new", "w").map(ignore),
        handle.insert_if_absent("k", "w").map(ignore),
        handle.compare_and_set("k", "v", "w").map(ignore),
        handle.compare_and_delete("k", "v").map(ignore),
        space.put("k", "w"),
        space.delete("k"),
        space.delete_range(..),
        space.insert_if_absent("new", "w").map(ignore),
        space.compare_and_set("k", "v", "w").map(ignore),
        space.compare_and_delete("k", "v").map(ignore),
    ];
    for (write, refused) in refused.iter().enumerate() {
        assert!(matches!(refused, Err(Error::Closed)), "write {write}: {refused:?}");
    }
    assert_eq!(store.version(), version);
    let snapshot = store.snapshot();
    assert_eq!(rows(snapshot.iter()), [row("k", "v")]);
    assert_eq!(rows(snapshot.space(&space).unwrap().iter()), [row("k", "v")]);
}

#[test]
fn everything_can_be_read_and_collected() {
    let store = Store::builder().retain_versions(10).open().unwrap();
    let space = store.key_space("space").unwrap();
    space.put("s", "1").unwrap();
    let old = store.commit_tagged(WriteBatch::new().put("k", "1"), "tag").unwrap();
    store.put("k", "2").unwrap();
    let before = store.snapshot();
    store.close().unwrap();

    assert_eq!(before.get("k").unwrap().unwrap(), "2");
    assert_eq!(store.snapshot_at(old).unwrap().get("k").unwrap().unwrap(), "1");
    assert_eq!(store.snapshot().metadata().unwrap().unwrap(), "tag");
    assert_eq!(store.changes_since(old).unwrap().iter().count(), 1);
    assert_eq!(store.lease().get("k").unwrap().unwrap(), b"2");
    assert!(store.snapshot().cursor_in(&space).unwrap().seek_to_first().unwrap());
    assert_eq!(store.stats().live_keys, 2);
    store.maintain();
    assert_eq!(store.key_spaces().count(), 1);
    assert_eq!(store.key_space("space").unwrap().name(), "space");
    assert!(matches!(store.key_space("new"), Err(Error::Closed)), "would have to be created");
}

#[test]
fn a_write_that_races_with_closing_is_applied_or_refused() {
    const WRITERS: u32 = 3;
    for _ in 0..rounds(200) {
        let store = Store::in_memory();
        let barrier = Barrier::new(WRITERS as usize + 1);
        // Each writes until it is refused: one key a commit, and the key before is deleted with it.
        let write = |writer: u32| -> u32 {
            barrier.wait();
            for number in 1.. {
                let mut batch = WriteBatch::new();
                let key = |number: u32| format!("{writer} {number}");
                batch.put(key(number), "").delete(key(number - 1));
                match store.commit(&batch) {
                    Ok(version) => assert!(version <= store.version()),
                    Err(Error::Closed) => return number - 1,
                    Err(error) => panic!("a third outcome: {error}"),
                }
            }
            unreachable!("nobody writes four billion keys")
        };
        let applied: Vec<u32> = std::thread::scope(|scope| {
            let write = &write;
            let writers: Vec<_> = (0..WRITERS).map(|id| scope.spawn(move || write(id))).collect();
            barrier.wait();
            std::thread::yield_now();
            store.close().unwrap();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let snapshot = store.snapshot();
        let total: u32 = applied.iter().sum();
        assert_eq!(u64::from(total), store.version().get(), "what was reported is what there is");
        for (writer, last) in applied.iter().enumerate() {
            let keys = rows(snapshot.prefix(format!("{writer} ")));
            let expected = row(&format!("{writer} {last}"), "");
            assert_eq!(keys, if *last == 0 { vec![] } else { vec![expected] });
        }
    }
}
