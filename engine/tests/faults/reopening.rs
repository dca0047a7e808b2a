//! A parent that has to be opened anew after an error, which it cannot be while a snapshot of it is held: as those on a disk are.

use crate::ground::{Ground, not_durable, of_parent, until, watchdog};
use engine::{
    Parent, ParentBatch, ParentError, ParentErrorKind, ParentRange, ParentSnapshot, Snapshot,
    Store, Version,
};
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// What goes wrong next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// A commit is not made.
    Refused,
    /// A commit is made, and said not to be.
    Unanswered,
    Read,
}

#[derive(Default)]
struct Switches {
    next: Mutex<Option<Trouble>>,
    has_failed: AtomicBool,
}

impl Switches {
    /// Whether this happens now; then nothing works any more.
    fn meet(&self, trouble: Trouble) -> Result<(), ParentError> {
        let mut next = self.next.lock().unwrap();
        if *next == Some(trouble) {
            *next = None;
            self.has_failed.store(true, Relaxed);
        }
        match self.has_failed.load(Relaxed) {
            true => Err(ParentError::new(ParentErrorKind::Io, "work")),
            false => Ok(()),
        }
    }

    fn set(&self, trouble: Trouble) {
        *self.next.lock().unwrap() = Some(trouble);
    }
}

struct Brittle<P> {
    parent: P,
    switches: Arc<Switches>,
    /// Shared by the snapshots that are held.
    held: Arc<()>,
}

impl<P> Brittle<P> {
    /// Opens it anew, if that is needed.
    fn revive(&self) -> Result<(), ParentError> {
        if self.switches.has_failed.load(Relaxed) {
            if Arc::strong_count(&self.held) > 1 {
                return Err(ParentError::new(ParentErrorKind::Held, "work"));
            }
            self.switches.has_failed.store(false, Relaxed);
        }
        Ok(())
    }
}

impl<P: Parent> Parent for Brittle<P> {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.revive()?;
        let (snapshot, switches) = (self.parent.snapshot()?, self.switches.clone());
        Ok(Box::new(BrittleSnapshot { snapshot, switches, _held: self.held.clone() }))
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        self.revive()?;
        self.switches.meet(Trouble::Refused)?;
        self.parent.commit(batch)?;
        self.switches.meet(Trouble::Unanswered)
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

    fn close(&self) -> Result<(), ParentError> {
        self.parent.close()
    }
}

struct BrittleSnapshot {
    snapshot: Box<dyn ParentSnapshot>,
    switches: Arc<Switches>,
    _held: Arc<()>,
}

impl ParentSnapshot for BrittleSnapshot {
    fn version(&self) -> Version {
        self.snapshot.version()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ParentError> {
        self.switches.meet(Trouble::Read)?;
        self.snapshot.get(key)
    }

    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Box<ParentRange<'_>> {
        match self.switches.meet(Trouble::Read) {
            Ok(()) => self.snapshot.range(from, to),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

/// A hundred keys, none of which is in memory.
fn evicted<G: Ground>(ground: &G) -> (Store, Arc<Switches>) {
    let switches = Arc::new(Switches::default());
    let held = Arc::new(());
    let parent = Brittle { parent: ground.open(), switches: switches.clone(), held };
    let store = Store::builder().parent(parent).memory_budget(0).open().unwrap();
    for number in 0..100 {
        store.put(format!("k{number:02}"), "old").unwrap();
    }
    evict(&store);
    (store, switches)
}

fn evict(store: &Store) {
    store.flush().unwrap();
    until("nothing is in memory", || store.stats().live_keys == 0);
}

fn has_all(snapshot: &Snapshot, value: &str) {
    let entries: Vec<_> = snapshot.iter().map(Result::unwrap).collect();
    assert!(entries.len() == 100 && entries.iter().all(|(_, found)| found == value));
    assert_eq!(snapshot.get("k07").unwrap().unwrap(), value);
}

/// After a write that failed: nobody has to do anything for it.
pub fn it_is_let_go_to_be_opened_anew<G: Ground>() {
    let watchdog = watchdog("it_is_let_go_to_be_opened_anew");
    for trouble in [Trouble::Refused, Trouble::Unanswered] {
        let ground = G::new();
        let (store, switches) = evicted(&ground);
        switches.set(trouble);
        let mut batch = engine::WriteBatch::new();
        for number in 0..100 {
            batch.put(format!("k{number:02}"), "new");
        }
        let version = store.commit(&batch).unwrap();
        // It may have been tried again before anybody asks.
        if let Err(error) = store.wait_durable(version) {
            assert_eq!(not_durable(error).1, ParentErrorKind::Io);
        }
        until("it is durable", || store.durable_version() >= Some(version));
        evict(&store);
        has_all(&store.snapshot(), "new");
        drop(store);
        has_all(&ground.store().snapshot(), "new");
        watchdog.alive();
    }
}

/// An old snapshot of the store shows what it has shown, or an error.
pub fn an_old_snapshot_never_shows_what_came_later<G: Ground>() {
    let watchdog = watchdog("an_old_snapshot_never_shows_what_came_later");
    for trouble in [Trouble::Refused, Trouble::Unanswered] {
        let ground = G::new();
        let (store, switches) = evicted(&ground);
        let old = store.snapshot();
        switches.set(trouble);
        for number in 0..50 {
            store.put(format!("k{number:02}"), "new").unwrap();
            store.delete(format!("k{:02}", 50 + number)).unwrap();
        }
        until("it is durable", || store.flush().is_ok());
        let mut shown = 0;
        for number in 0..100 {
            match old.get(format!("k{number:02}")) {
                Ok(value) => shown += usize::from(value.unwrap() == "old"),
                Err(error) => assert_eq!(of_parent(error), ParentErrorKind::Io),
            }
        }
        let found = old.iter().filter_map(Result::ok).filter(|(_, value)| value == "old").count();
        assert!(trouble == Trouble::Unanswered || (shown, found) == (100, 100));
        assert!([0, 100].contains(&shown) && [0, 100].contains(&found), "{shown}, {found}");
        let newest = store.snapshot();
        assert_eq!(newest.len().unwrap(), 50);
        assert!(newest.iter().all(|entry| entry.unwrap().1 == "new"));
        drop(old);
        evict(&store);
        assert_eq!(store.snapshot().len().unwrap(), 50);
        watchdog.alive();
    }
}

/// It is waited for whoever needs an older version of it; then it goes on.
pub fn it_waits_for_who_reads_an_older_version<G: Ground>() {
    let _watchdog = watchdog("it_waits_for_who_reads_an_older_version");
    let ground = G::new();
    let (store, switches) = evicted(&ground);
    let old = store.snapshot();
    store.put("k00", "new").unwrap();
    store.flush().unwrap();
    // Two checkpoints now: one for it, and the newest.
    until("another is there", || store.version() > old.version());
    store.put("k01", "new").unwrap();
    store.flush().unwrap();
    switches.set(Trouble::Refused);
    let version = store.put("k02", "new").unwrap();
    until("it says why", || {
        let told = store.flush().map_err(not_durable);
        told.is_err_and(|(_, kind)| kind == ParentErrorKind::Held)
    });
    assert!(store.durable_version() < Some(version));
    drop(old);
    until("it is durable", || store.flush().is_ok());
    assert_eq!(store.snapshot().len().unwrap(), 100);
}

/// After a read that failed, though nobody writes.
pub fn a_read_that_failed_is_enough<G: Ground>() {
    let _watchdog = watchdog("a_read_that_failed_is_enough");
    let ground = G::new();
    let (store, switches) = evicted(&ground);
    switches.set(Trouble::Read);
    assert_eq!(of_parent(store.snapshot().get("k07").unwrap_err()), ParentErrorKind::Io);
    until("it can be read", || store.snapshot().get("k07").is_ok());
    has_all(&store.snapshot(), "old");
    switches.set(Trouble::Read);
    assert!(store.snapshot().iter().any(|entry| entry.is_err()));
    until("it can be read", || store.snapshot().iter().all(|entry| entry.is_ok()));
    has_all(&store.snapshot(), "old");
}
