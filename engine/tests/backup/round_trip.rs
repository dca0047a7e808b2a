//! What goes in comes out.

use super::material::{contents, exported, store};
use engine::{Error, Store, Version, WriteBatch, verify_backup};
use proptest::prelude::*;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

fn imported(backup: &[u8]) -> Store {
    Store::builder().import(backup, |_| ()).unwrap()
}

/// Both have the same at the same version, and go on.
fn assert_same(store: &Store, copy: &Store) {
    let (mine, its) = (store.snapshot(), copy.snapshot());
    assert_eq!(mine.version(), its.version());
    assert_eq!(contents(store, &mine), contents(copy, &its));
    assert_eq!(mine.metadata().unwrap().as_deref(), its.metadata().unwrap().as_deref());
    assert_eq!(exported(&mine), exported(&its), "of one version, the same bytes");
    assert_eq!(copy.put("next", "1").unwrap().get(), mine.version().get() + 1);
}

#[test]
fn everything_comes_back() {
    let store = store();
    assert_same(&store, &imported(&exported(&store.snapshot())));
}

#[test]
fn nothing_comes_back_too() {
    let store = Store::in_memory();
    let copy = imported(&exported(&store.snapshot()));
    assert_eq!(copy.version(), Version::ZERO);
    assert_same(&store, &copy);

    // A version without an entry.
    store.put("k", "v").unwrap();
    store.delete("k").unwrap();
    store.delete("next").unwrap();
    assert_same(&store, &imported(&exported(&store.snapshot())));
}

#[test]
fn empty_metadata_are_not_none() {
    let store = Store::in_memory();
    store.commit_tagged(&WriteBatch::new(), "").unwrap();
    let copy = imported(&exported(&store.snapshot()));
    assert_eq!(copy.snapshot().metadata().unwrap().unwrap(), "");
}

#[test]
fn it_is_what_the_snapshot_shows_while_others_write() {
    let store = store();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                let accounts = store.key_space("accounts").unwrap();
                for round in 0u32.. {
                    let mut batch = WriteBatch::new();
                    batch.put((round % 4_000).to_be_bytes(), format!("{writer} {round}"));
                    batch.delete_in(&accounts, format!("account {}", round % 3_000));
                    store.commit_tagged(&batch, format!("{writer} {round}")).unwrap();
                    store
                        .key_space(format!("{writer} {}", round % 50))
                        .unwrap()
                        .put("k", "")
                        .unwrap();
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for _ in 0..10 {
            let snapshot = store.snapshot();
            let copy = imported(&exported(&snapshot));
            assert_eq!(contents(&store, &snapshot), contents(&copy, &copy.snapshot()));
            let metadata = copy.snapshot().metadata().unwrap().map(|bytes| bytes.to_vec());
            assert_eq!(snapshot.metadata().unwrap().as_deref(), metadata.as_deref());
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_closed_store_can_be_exported() {
    let store = store();
    store.close().unwrap();
    assert!(verify_backup(&exported(&store.snapshot())[..], |_| ()).is_ok());
}

#[test]
fn progress_rises_to_the_totals() {
    let store = store();
    let mut told = Vec::new();
    let mut backup = Vec::new();
    let exported = store.snapshot().export(&mut backup, |so_far| {
        told.push((
            so_far.entries,
            so_far.bytes,
            so_far.stream_bytes,
            so_far.space.map(str::to_owned),
        ));
    });
    let exported = exported.unwrap();
    assert!(told.is_sorted_by_key(|told| told.2), "{told:?}");
    assert!(told.iter().any(|told| told.3.as_deref() == Some("accounts")));
    let last = told.last().unwrap();
    assert_eq!((last.0, last.1, last.2), (exported.entries, exported.bytes, backup.len() as u64));

    let mut last = None;
    let copy = Store::builder().import(&backup[..], |so_far| {
        last = Some((so_far.entries, so_far.bytes, so_far.stream_bytes));
    });
    copy.unwrap();
    assert_eq!(last, Some((exported.entries, exported.bytes, exported.stream_bytes)));
    assert_eq!(verify_backup(&backup[..], |_| ()).unwrap(), exported);
    assert_eq!((exported.entries, exported.key_spaces), (6_004, 2));
}

/// Reads a byte at a time, and is interrupted.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = into.len().min(1);
        self.0.read(&mut into[..most])
    }
}

#[test]
fn a_reader_may_give_little_at_a_time() {
    let store = store();
    assert_same(
        &store,
        &Store::builder().import(Slow(&exported(&store.snapshot()), false), |_| ()).unwrap(),
    );
}

/// Takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_the_writer_says_comes_through() {
    let snapshot = store().snapshot();
    for room in [0, 11, 100_000] {
        match snapshot.export(Full(room), |_| ()).unwrap_err() {
            Error::BackupIo { action: "write", offset, error } => {
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                assert!(offset <= room as u64);
            }
            error => panic!("{error:?}"),
        }
    }
}

type Entries = std::collections::BTreeMap<Vec<u8>, Vec<u8>>;

fn entries() -> impl Strategy<Value = Entries> {
    let key = prop::collection::vec(any::<u8>(), 1..40);
    let length = prop_oneof![9 => 0usize..50, 1 => 60_000usize..140_000];
    let value = (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]);
    prop::collection::btree_map(key, value, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_is_stored_comes_back(
        spaces in prop::collection::vec(entries(), 1..5),
        metadata in prop::option::of(prop::collection::vec(any::<u8>(), 0..100)),
    ) {
        let store = Store::in_memory();
        for (number, entries) in spaces.iter().enumerate() {
            let space = store.key_space(format!("space {number}")).unwrap();
            for (key, value) in entries {
                if number == 0 { store.put(key, value).unwrap() } else { space.put(key, value).unwrap() };
            }
        }
        if let Some(metadata) = metadata {
            store.commit_tagged(&WriteBatch::new(), metadata).unwrap();
        }
        assert_same(&store, &imported(&exported(&store.snapshot())));
    }
}
