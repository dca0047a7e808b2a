//! The end of a store whose parent fails.

use crate::ground::{Ground, batch, not_durable, of_parent, watchdog};
use crate::history::contents;
use engine::{
    Durability, Error, Fault, Parent, ParentBatch, ParentError, ParentErrorKind, ParentSnapshot,
    Store, Version,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub fn closing_reports_and_can_be_repeated<G: Ground>() {
    let _watchdog = watchdog("closing_reports_and_can_be_repeated");
    let ground = G::new();
    let (store, faults) = ground.faulty(Store::builder());
    store.put("before", "").unwrap();
    store.flush().unwrap();
    faults.every_commit(Fault::Refused(ParentErrorKind::Full));
    store.put("during", "").unwrap();
    for _ in 0..3 {
        assert_eq!(not_durable(store.close().unwrap_err()).1, ParentErrorKind::Full);
        assert!(matches!(store.put("k", ""), Err(Error::Closed)));
        assert!(store.snapshot().contains("during").unwrap());
    }
    faults.heal();
    store.close().unwrap();
    assert_eq!(store.durable_version(), Some(store.version()));
    for _ in 0..2 {
        store.close().unwrap();
        store.flush().unwrap();
    }
    let before = contents(&store.snapshot(), &store);
    drop(store);
    let again = ground.store();
    assert_eq!(contents(&again.snapshot(), &again), before);
}

/// A parent that cannot be closed as long as this says so.
struct Reluctant<P> {
    parent: P,
    refuses: Arc<AtomicBool>,
}

impl<P: Parent> Parent for Reluctant<P> {
    fn close(&self) -> Result<(), ParentError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(ParentError::new(ParentErrorKind::Io, "close a parent"));
        }
        self.parent.close()
    }

    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.parent.snapshot()
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        self.parent.commit(batch)
    }

    fn max_key_len(&self) -> usize {
        self.parent.max_key_len()
    }

    fn max_value_len(&self) -> usize {
        self.parent.max_value_len()
    }

    fn path(&self) -> Option<&Path> {
        self.parent.path()
    }
}

/// When all is durable, and the last steps fail: the version of commits that have changed nothing, or the end of the parent.
pub fn a_close_that_failed_at_its_end_can_be_repeated<G: Ground>() {
    let _watchdog = watchdog("a_close_that_failed_at_its_end_can_be_repeated");
    let ground = G::new();
    let refuses = Arc::new(AtomicBool::new(true));
    let parent = Reluctant { parent: ground.open(), refuses: refuses.clone() };
    let store = Store::builder().parent(parent).open().unwrap();
    store.put("k", "v").unwrap();
    for _ in 0..2 {
        assert_eq!(of_parent(store.close().unwrap_err()), ParentErrorKind::Io);
    }
    refuses.store(false, Ordering::Relaxed);
    store.close().unwrap();
    drop(store);

    let (store, faults) = ground.faulty(Store::builder());
    store.put("k", "w").unwrap();
    // A version that changes nothing durable: it is brought to the parent at the end.
    let overlay = store.overlay();
    overlay.put("x", "").unwrap();
    overlay.flush().unwrap();
    store.flush().unwrap();
    drop(overlay);
    store.flush().unwrap();
    let newest = store.version();
    faults.every_commit(Fault::Refused(ParentErrorKind::Full));
    let error = store.close().unwrap_err();
    assert_eq!(of_parent(error), ParentErrorKind::Full);
    faults.heal();
    store.close().unwrap();
    // It is closed: others may have it, though a handle is still there.
    let again = ground.store();
    assert_eq!(again.version(), newest);
    assert_eq!(again.snapshot().get("k").unwrap().unwrap(), "w");
}

/// A write that had begun is in the store when the close fails, and durable when one succeeds.
pub fn a_write_beside_a_close_that_fails_is_not_left_behind<G: Ground>() {
    let watchdog = watchdog("a_write_beside_a_close_that_fails_is_not_left_behind");
    for round in 0..30 {
        let ground = G::new();
        let (store, faults) = ground.faulty(Store::builder());
        store.put("before", "").unwrap();
        store.flush().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let store = &store;
                scope.spawn(move || {
                    let mut number = 0_u64;
                    loop {
                        match store.put(format!("{thread} {number}"), "") {
                            Ok(_) => number += 1,
                            Err(Error::Closed) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_micros(round * 37 % 500));
            faults.every_commit(Fault::Refused(ParentErrorKind::Io));
            // Refused, or it was quick enough.
            let _ = store.close();
            faults.heal();
        });
        store.close().unwrap();
        let before = contents(&store.snapshot(), &store);
        assert_eq!(store.durable_version(), Some(store.version()));
        drop(store);
        let again = ground.store();
        assert_eq!(contents(&again.snapshot(), &again), before);
        watchdog.alive();
    }
}

/// It tries once more, and then ends.
pub fn dropping_keeps_what_was_acknowledged<G: Ground>() {
    let _watchdog = watchdog("dropping_keeps_what_was_acknowledged");
    for unanswered in [false, true] {
        let ground = G::new();
        let (store, faults) = ground.faulty(Store::builder());
        let told = store.commit_with(&batch("told", ""), Durability::Durable).unwrap();
        faults.every_commit(match unanswered {
            true => Fault::Unanswered,
            false => Fault::Refused(ParentErrorKind::Io),
        });
        store.put("not told", "").unwrap();
        let snapshot = store.snapshot();
        drop(store);
        assert_eq!(snapshot.len().unwrap(), 2, "a snapshot outlives the handle");
        drop(snapshot);
        let again = ground.store();
        assert_eq!(again.snapshot().len().unwrap(), if unanswered { 2 } else { 1 });
        assert!(again.version() >= told && told == Version::from(1));
    }
}
