//! What is not in memory any more, and is read from the parent: a store with a
//! [`memory_budget`](crate::Builder::memory_budget).
//!
//! *Picture.* A snapshot sees memory at its version, and below that one checkpoint of the parent: the one that was the newest
//! at that version.
//! ```text
//!   version      ... 40      41       42       43       44      45      46 ...
//!   commits          k := a  (parent has 40)   k := b           evict k
//!   "checkpoint"             40 ─────────────────────── 44 ──────────────────►    a key of the hidden space
//!   a snapshot at    42: memory, k = a                  46: k is not in memory: ask the parent as it was at 44
//! ```
//! *Eviction is a commit like any other.* It deletes keys from memory under the condition that nobody has written to them since
//! a snapshot that shows a checkpoint with their values. So a snapshot from before sees the value in memory, one from
//! after asks the parent, and both say the same; what memory held is given back by the collector, as with any
//! delete, when no snapshot sees it. Nothing of the map below had to be changed for it.
//!
//! *Graves.* So a key that is not in memory is one to ask the parent for. A key that a user has deleted must not be: the same commit
//! puts a grave for it into a key space of the engine's own, where a read finds it before it asks. When the parent's
//! checkpoint knows of the delete, the grave is evicted like a value.
//!
//! *Invariants.*
//! - E-1 The checkpoint of a version is one that holds every commit up to some version at or before it: the key "checkpoint" is
//!   written by a commit of its own, after the parent has said that it is durable.
//! - E-2 If a key is not in memory at a version, and has no grave there, the checkpoint of that version says what it is.
//!   By induction over commits: a put brings it into memory; a delete leaves a grave; an eviction is made under the
//!   condition that what it takes away is what the checkpoint of the version before has; a later checkpoint knows more, and of
//!   keys without a later write the same.
//! - E-3 What is evicted with a value is its grave too, if there is one from before: or it would hide what the parent has.
//! - E-4 A checkpoint's snapshot of the parent is kept as long as any version can be read that it is the checkpoint of.
//! - E-5 What is evicted was last written at or before the version of every snapshot that is open: so whoever has read the key
//!   at one of them has seen that value, and its record stays until the snapshot is dropped. A transaction that depends on a key finds
//!   every write after its snapshot there, though it be evicted since.
//! - E-6 A parent that has failed is let go of when nobody needs another checkpoint than the newest, so that it can be opened anew,
//!   by the persister, after a write or a read that failed; what is asked then is the same version, or nothing.
//! - E-7 Who depends on a key, or on a range, depends on its graves too: a delete of what is not in memory leaves nothing else
//!   there that a conflict could be read from.
//!
//! *Cost.* A read that finds its key in memory costs what it costs without a parent. One that does not looks for a grave and
//! for the checkpoint, some hundred nanoseconds, and then asks the parent. A range is merged from both.
//!
//! *Checked by* `tests/eviction.rs`, against a store without a budget; `tests/faults.rs`, `tests/crash.rs`.

mod ahead;
mod checkpoints;
mod evictor;
mod graves;
mod memory;
mod merged;
mod pages;

pub use ahead::Ahead;
pub use evictor::Evictor;
pub use graves::Buried;
pub use memory::Memory;
pub use merged::{OfLease, OfSnapshot};

use crate::Error;
use crate::parent::{ParentSnapshot, layout};
use arc_swap::ArcSwapOption;
use checkpoints::Checkpoints;
use epoch_store::atomics::{AtomicBool, Ordering};
use epoch_store::{KeySpace, Lease, Snapshot};
use layout::as_slice;
use merged::{Copies, Merged, OfMap};
use pages::Pages;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::thread::Thread;

/// See the module header.
pub struct Below {
    checkpoints: Checkpoints,
    graves: KeySpace,
    /// The thread of the evictor, when it has begun.
    evictor: ArcSwapOption<Thread>,
    /// A read has failed since the evictor has looked. Relaxed: it is woken after this is set.
    has_failed: AtomicBool,
}

impl Below {
    /// Of a store whose parent has this to begin with. `hidden` is the engine's own space, of which nothing is evicted,
    /// `graves` the one for graves.
    pub fn new(first: Arc<dyn ParentSnapshot>, hidden: KeySpace, graves: KeySpace) -> Self {
        Self {
            checkpoints: Checkpoints::new(hidden, first),
            graves,
            evictor: ArcSwapOption::empty(),
            has_failed: AtomicBool::new(false),
        }
    }

    /// What was read from the parent. If it could not be, the evictor is to see whether that can be changed (E-6).
    fn told<T>(&self, read: Result<T, Error>) -> Result<T, Error> {
        if matches!(read, Err(Error::Parent(_))) {
            self.has_failed.store(true, Ordering::Relaxed);
            if let Some(thread) = &*self.evictor.load() {
                thread.unpark();
            }
        }
        read
    }

    /// What the parent has of a key that was not found in memory.
    ///
    /// # Errors
    /// Whatever keeps the parent from reading; a lease that was taken back.
    pub fn get(
        &self,
        memory: &impl Memory,
        space: u32,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        let key = layout::key(space, key);
        if memory.has(&self.graves, &key)? {
            return Ok(None);
        }
        let read = self.checkpoints.of(memory)?.get(&key);
        self.told(read.map_err(Error::from))
    }

    /// What the parent has between the bounds, to be merged with what is in memory there.
    ///
    /// # Errors
    /// As for [`Below::get`].
    fn pages(
        &self,
        memory: &impl Memory,
        space: u32,
        (from, to): (Bound<&[u8]>, Bound<&[u8]>),
    ) -> Result<Pages, Error> {
        let (from, to) = layout::bounds(space, from, to);
        let has_graves = memory.has_any(&self.graves, as_slice(&from), as_slice(&to))?;
        let parent = self.checkpoints.of(memory)?;
        Ok(Pages::new(parent, from, to, has_graves))
    }
}

/// One key space below one version of memory: what to look into when that has not got a key.
pub struct Beneath<'s, M> {
    below: &'s Below,
    memory: &'s M,
    space: u32,
}

impl<M> Clone for Beneath<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Beneath<'_, M> {}

impl<'s, M: Memory> Beneath<'s, M> {
    /// The space with this number.
    pub fn new(below: &'s Below, memory: &'s M, space: u32) -> Self {
        Self { below, memory, space }
    }

    /// As [`Below::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get(self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.below.get(self.memory, self.space, key)
    }
}

impl<'s> Beneath<'s, Snapshot> {
    /// The number of the space.
    pub fn space(self) -> u32 {
        self.space
    }

    /// The entries between the bounds, of which memory has these.
    pub fn merge(
        self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        of_memory: epoch_store::Range<'s>,
    ) -> OfSnapshot<'s> {
        Merged::new(self.below, self.memory, self.space, bounds, OfMap(of_memory))
    }
}

impl<'s> Beneath<'s, Lease> {
    /// The entries between the bounds, of which memory has these.
    pub fn merge(
        self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        of_memory: epoch_store::LeaseRange<'s>,
    ) -> OfLease<'s> {
        Merged::new(self.below, self.memory, self.space, bounds, Copies(of_memory))
    }
}

impl<M> fmt::Debug for Beneath<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beneath").field("space", &self.space).finish_non_exhaustive()
    }
}
