//! With a parent: it gets all of a backup or none, and only one that has nothing.

use super::material::{contents, exported, store};
use engine::{
    Durability, Error, MemoryParent, Parent, ParentBatch, ParentError, ParentErrorKind,
    ParentSnapshot, Store, Stored, Version,
};
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Nothing was ever written to it.
pub fn assert_untouched(parent: &MemoryParent) {
    let snapshot = parent.reopened().snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::ZERO);
    assert!(snapshot.range(Bound::Unbounded, Bound::Unbounded).next().is_none());
}

/// A memory parent with a short temper: it fails after so many commits, and keeps keys of some length.
struct Limited {
    memory: MemoryParent,
    commits: AtomicUsize,
    longest: usize,
}

impl Limited {
    fn new(memory: MemoryParent, commits: usize, longest: usize) -> Self {
        Self { memory, commits: AtomicUsize::new(commits), longest }
    }
}

impl Parent for Limited {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.memory.snapshot()
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        let left = self
            .commits
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| ParentError::new(ParentErrorKind::Full, "write"))?;
        self.memory.commit(batch)
    }

    fn max_key_len(&self) -> usize {
        self.longest
    }

    fn max_value_len(&self) -> usize {
        self.memory.max_value_len()
    }

    fn path(&self) -> Option<&Path> {
        None
    }

    fn close(&self) -> Result<(), ParentError> {
        self.memory.close()
    }
}

/// Of several batches for a parent.
fn large() -> Store {
    let store = store();
    for number in 0..5 {
        store.put(format!("large {number}"), vec![number; 6 << 20]).unwrap();
    }
    store
}

#[test]
fn it_is_durable_when_import_returns() {
    let store = large();
    let backup = exported(&store.snapshot());
    let parent = MemoryParent::new();
    let builder = Store::builder().durability(Durability::Durable).parent(parent.reopened());
    let copy = builder.import(&backup[..], |_| ()).unwrap();
    assert_eq!(copy.durable_version(), Some(store.version()));
    // As it lies there now, without any orderly end.
    let stored = Stored::open(&parent).unwrap();
    let mut again = Vec::new();
    stored.export(&mut again, |_| ()).unwrap();
    assert_eq!(again, backup);
    stored.verify(|_| ()).unwrap();

    copy.key_space("later").unwrap().put("k", "v").unwrap();
    let expected = contents(&copy, &copy.snapshot());
    copy.close().unwrap();
    let opened = Store::builder().parent(parent).open().unwrap();
    assert_eq!(contents(&opened, &opened.snapshot()), expected);
    assert_eq!(opened.snapshot().metadata().unwrap().unwrap(), b"block 7\0");
}

#[test]
fn a_parent_that_fails_halfway_holds_no_store() {
    let backup = exported(&large().snapshot());
    let batches = 5;
    for commits in 0..batches {
        let memory = MemoryParent::new();
        let parent = Limited::new(memory.reopened(), commits, 1 << 20);
        let failed = Store::builder().parent(parent).import(&backup[..], |_| ()).unwrap_err();
        assert!(
            matches!(&failed, Error::Parent(error) if error.kind() == ParentErrorKind::Full),
            "{commits}: {failed:?}"
        );
        if commits == 0 {
            assert_untouched(&memory);
            continue;
        }
        let refusals = [
            Store::builder().parent(memory.reopened()).open().unwrap_err(),
            Store::builder().parent(memory.reopened()).import(&backup[..], |_| ()).unwrap_err(),
            Stored::open(&memory).unwrap_err(),
        ];
        for refused in refusals {
            assert!(refused.to_string().contains("did not come to its end"), "{refused}");
        }
    }
    let parent = Limited::new(MemoryParent::new(), batches, 1 << 20);
    Store::builder().parent(parent).import(&backup[..], |_| ()).unwrap();
}

#[test]
fn only_a_parent_that_has_nothing_will_do() {
    let backup = exported(&store().snapshot());
    let parent = MemoryParent::new();
    let store = Store::builder().parent(parent.reopened()).open().unwrap();
    store.close().unwrap();
    drop(store);
    // It was opened, and never written to.
    let copy = Store::builder().parent(parent.reopened()).import(&backup[..], |_| ()).unwrap();
    let version = copy.version();
    copy.close().unwrap();
    let refused = Store::builder().parent(parent.reopened()).import(&backup[..], |_| ());
    assert!(matches!(refused, Err(Error::NotEmpty { version: at }) if at == version));
    assert_eq!(Stored::open(&parent).unwrap().version(), version);

    let foreign = MemoryParent::new();
    let mut batch = ParentBatch::new(Version::ZERO);
    batch.put(b"some", b"thing");
    foreign.commit(&batch).unwrap();
    let refused = Store::builder().parent(foreign).import(&backup[..], |_| ()).unwrap_err();
    assert!(matches!(refused, Error::Parent(error) if error.kind() == ParentErrorKind::Foreign));
}

#[test]
fn what_was_chosen_bounds_what_is_taken() {
    let backup = exported(&store().snapshot());
    let of_map = |error: Error| match error {
        Error::Map(error) => error,
        error => panic!("{error:?}"),
    };
    let spaces = Store::builder().max_key_spaces(1).import(&backup[..], |_| ()).unwrap_err();
    assert!(matches!(of_map(spaces), epoch_store::Error::TooManySpaces { max: 1 }));
    let memory = Store::builder().memory_limit(100_000).import(&backup[..], |_| ()).unwrap_err();
    assert!(matches!(of_map(memory), epoch_store::Error::MemoryLimit { .. }));
    let batch = Store::builder().max_batch_len(1).import(&backup[..], |_| ());
    assert!(batch.is_ok(), "an import is no batch");

    let memory = MemoryParent::new();
    let parent = Limited::new(memory.reopened(), 10, 1_004);
    let key = Store::builder().parent(parent).import(&backup[..], |_| ()).unwrap_err();
    assert!(matches!(of_map(key), epoch_store::Error::KeyTooLong { len: 65_536, max: 1_000 }));
    assert_untouched(&memory);

    let lonely = Store::builder().durability(Durability::Durable).import(&backup[..], |_| ());
    assert!(matches!(lonely, Err(Error::NoParent)));
}
