//! How commits reach the parent: journal, persister, and who waits for them.
//!
//! *Role.* A store with a [`Parent`](crate::Parent) works like one without. Beside each commit a copy of its writes goes into a queue; one
//! thread, the persister, takes what is there, makes one batch of it, and gives that to the parent while the next commits
//! gather: group commit. Nobody waits for the disk who does not ask to.
//!
//! ```text
//!   writer:     [ copy the writes ] ─► push to Journal ─► commit to the map ─► outcome := version, or refused
//!                                         │
//!   persister:  d := root ─► take all ────┘ ─► wait for their outcomes ─► those <= d, by version ─► Parent::commit(.., d)
//!                                                                                                       │
//!   waiters:    ◄──────────────────────────────── Progress: durable = d, or: it failed, and why ◄───────┘
//! ```
//! *Invariants.*
//! - D-1 A commit with a version at or below `d` was pushed before the persister took what there was, if it read `d` from
//!   the root before that: a writer pushes first and commits second.
//! - D-2 Batches reach the parent in the order of their versions, and each holds all commits since the one before: those of
//!   a batch are sorted, and what has a version above `d` waits for the next.
//! - D-3 `durable` only rises, and only after the parent has said that it has everything up to there.
//! - D-4 A writer that pushed, and finds that the persister has ended, has not committed and does not; the persister ends
//!   only after it has told so and then found nothing more: so no commit is left behind.
//! - D-5 The bytes of a commit count as undurable from before it is pushed until its batch is durable, or it is refused.
//!
//! *Linearization.* Commits are ordered by the map, as ever; durability has no part in it. A commit counts as durable from the
//! moment that the parent's own commit is; a reader who is told by [`Progress`] is told later.
//!
//! *Progress.* Committing: that of the map, and a push to a queue that is lock-free up to the allocator. If a bound on undurable
//! bytes was chosen, a writer waits or is refused beyond it. A writer that is stopped between its push and its outcome keeps
//! the persister waiting, and with it whoever waits for durability: nobody else.
//!
//! *Orderings.*
//! | site | | pairs with | for |
//! |---|---|---|---|
//! | push (of the queue, Release) | before the commit's publication | the persister's load of the root (Acquire), then its pop | D-1 |
//! | `journal-begin`, `journal-end` (fences) | SeqCst | each other | D-4: the entry is found, or the end |
//! | `journal-begin`, `persister-sleep` (fences) | SeqCst | each other | a push is not slept over |
//!
//! *Why the whole history of a key is not asked of the map.* The persister could hold a snapshot at `durable` and read there
//! what has changed; but no index says what was written when, so that it would walk every key for each batch. A copy of the
//! writes costs one allocation a commit.
//!
//! *Checked by* `persister.rs` in `loom-tests/tests` (D-1, D-4); `tests/durability.rs`, `tests/faults.rs`,
//! `tests/crash.rs`.

mod entry;
mod found;
mod group;
mod journal;
mod persister;
mod progress;
mod queue;
mod resume;

/// What the models look at.
#[cfg(epoch_loom)]
pub mod parts {
    pub use super::entry::{Entry, Outcome};
    pub use super::journal::{Bound, Hidden, Journal, Overflow, Ticket, Writes};
    pub use super::progress::Progress;
}

pub use found::{check_unused, found};
pub use journal::{Bound, Hidden, Overflow, Visit, Writes};
pub use resume::{Extent, Kept, Resumed, Resuming, Watcher, resume};

use crate::parent::ParentError;
use crate::{Error, Version};
use journal::Journal;
use persister::Persister;
pub use persister::{BATCH_BYTES, Chore};
use progress::{End, Progress};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// When a commit returns.
///
/// ```
/// use engine::{Durability, MemoryParent, Store};
/// let store = Store::builder().parent(MemoryParent::new()).durability(Durability::Durable).open()?;
/// let version = store.put("k", "v")?;
/// assert!(store.durable_version().unwrap() >= version);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Durability {
    /// When everybody can see it. It becomes durable a little later; whoever must know asks
    /// ([`Store::wait_durable`](crate::Store::wait_durable)).
    #[default]
    Memory,
    /// When it is durable too: it waits for the disk, together with all that is committed meanwhile.
    Durable,
}

/// What a store with a parent has on top of one without.
pub struct Durable {
    journal: Arc<Journal>,
    progress: Arc<Progress>,
    durability: Durability,
    /// `None` only while this is dropped.
    persister: Option<JoinHandle<()>>,
}

impl Durable {
    /// Starts the persister of a map that has what the parent has kept.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        map: &epoch_store::Map,
        kept: Kept,
        (hidden, bound, durability): (Hidden, Bound, Durability),
        chore: Option<Box<dyn Chore>>,
    ) -> Result<Self, Error> {
        let Kept { parent, version, named } = kept;
        let progress = Arc::new(Progress::new(version));
        let journal = Arc::new(Journal::new(&*parent, bound, hidden, progress.clone()));
        let persister = Persister {
            map: map.clone(),
            parent,
            journal: journal.clone(),
            progress: progress.clone(),
            named,
            written: version,
            held: Vec::new(),
            batch_bytes: bound.batch,
            chore,
        };
        let thread = thread::Builder::new().name("persister".into());
        let persister = thread
            .spawn(|| persister.run())
            .map_err(|error| ParentError::io(error, "start the persister"))?;
        Ok(Self { journal, progress, durability, persister: Some(persister) })
    }

    /// Commits by `apply`, and waits for the parent if that was chosen: for this commit, or else for all.
    #[inline]
    pub fn commit(
        &self,
        writes: Writes<'_>,
        durability: Option<Durability>,
        apply: impl FnOnce() -> Result<Version, Error>,
    ) -> Result<Version, Error> {
        let version = self.note(writes, apply)?;
        if durability.unwrap_or(self.durability) == Durability::Durable {
            self.wait(version)?;
        }
        Ok(version)
    }

    /// Commits by `apply`, and waits for nothing.
    pub fn note(
        &self,
        writes: Writes<'_>,
        apply: impl FnOnce() -> Result<Version, Error>,
    ) -> Result<Version, Error> {
        // Dropped behind the ticket, also by who unwinds: then somebody may wait for what the ticket counts for.
        let waker = Waker(self);
        let Some(ticket) = self.journal.begin(writes)? else { return apply() };
        let result = apply();
        match &result {
            Ok(version) => ticket.committed(version.get()),
            Err(_) => drop(ticket),
        }
        drop(waker);
        result
    }

    /// Waits for the parent, if that was chosen for all commits.
    pub fn settle(&self, version: Version) -> Result<(), Error> {
        match self.durability {
            Durability::Memory => Ok(()),
            Durability::Durable => self.wait(version),
        }
    }

    /// Waits until `version` is durable.
    pub fn wait(&self, version: Version) -> Result<(), Error> {
        if self.progress.durable() >= version {
            return Ok(());
        }
        // It may sleep: nobody has told it of versions that change nothing.
        self.wake();
        self.progress.wait(version)
    }

    /// Waits until `version` is durable; a parent that has failed is tried again at once.
    pub fn flush(&self, version: Version) -> Result<(), Error> {
        if self.progress.durable() >= version {
            return Ok(());
        }
        let since = self.progress.hurry();
        self.wake();
        self.progress.wait_since(since, version)
    }

    /// The last durable version.
    pub fn version(&self) -> Version {
        self.progress.durable()
    }

    /// Bytes of commits that are not durable yet.
    pub fn undurable(&self) -> u64 {
        self.journal.undurable()
    }

    /// Makes everything up to `version` durable, then ends the persister and closes the parent. If something of that fails, the
    /// persister goes on with it, and so does the next call.
    pub fn close(&self, version: Version) -> Result<(), Error> {
        self.flush(version)?;
        let since = self.progress.ask_for_end(End::WhenDone);
        self.wake();
        self.progress.wait_for_end(since).map_err(Error::Parent)
    }

    fn wake(&self) {
        if let Some(persister) = &self.persister {
            persister.thread().unpark();
        }
    }
}

/// Wakes the persister, if it has to be, when it is dropped.
struct Waker<'a>(&'a Durable);

impl Drop for Waker<'_> {
    fn drop(&mut self) {
        if self.0.journal.is_to_be_woken() {
            self.0.wake();
        }
    }
}

impl Drop for Durable {
    /// Waits until all is durable, or the parent has failed once more.
    fn drop(&mut self) {
        self.progress.ask_for_end(End::AtOnce);
        self.wake();
        if let Some(persister) = self.persister.take()
            // A parent may hold a handle to a store, and be dropped by the persister itself.
            && persister.thread().id() != thread::current().id()
        {
            // It has panicked: then the parent has, and whoever waited was not told that it is durable.
            let _ = persister.join();
        }
    }
}
