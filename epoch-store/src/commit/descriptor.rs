//! A commit descriptor: everything another thread needs to finish the commit.

use crate::chain::{Record, VersionBox, VersionNode};
use crate::reclaim::Node;
use crate::sync::{AtomicPtr, Ordering, Tracked};
use smallvec::SmallVec;
use std::ptr::{self, NonNull};

/// One write: the record, and the version that the owner built for it.
#[derive(Debug, Clone, Copy)]
pub struct Write {
    /// Where it goes.
    pub record: NonNull<Record>,
    /// What goes there. Only the owner links this node; helpers copy its value.
    pub node: NonNull<VersionNode>,
}

/// See the module header.
#[derive(Debug)]
pub struct Commit {
    stamp: Tracked<u64>,
    pub(super) next: AtomicPtr<Commit>,
    writes: SmallVec<[Write; 1]>,
}

impl Commit {
    /// A descriptor that nobody has seen. Its nodes are private to the caller; I-25 is his to keep.
    pub fn alloc(writes: SmallVec<[Write; 1]>) -> NonNull<Self> {
        let commit = Self { stamp: Tracked::new(0), next: AtomicPtr::new(ptr::null_mut()), writes };
        NonNull::from(Box::leak(Box::new(commit)))
    }

    /// Its place in the order.
    pub fn stamp(&self) -> u64 {
        // SAFETY: written by the owner before the descriptor was linked, never again (I-21).
        unsafe { self.stamp.get() }
    }

    /// Gives a descriptor its stamp.
    ///
    /// # Safety
    /// The descriptor is not linked: nobody else can see it.
    pub(super) unsafe fn set_stamp(&self, stamp: u64) {
        // SAFETY: private by contract.
        unsafe { self.stamp.set(stamp) };
    }

    /// Its writes, one per record.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }
}

impl Node for Commit {
    /// Frees the descriptor alone: its nodes were linked or retired one by one.
    unsafe fn free(commit: NonNull<Self>) {
        // SAFETY: leaked from a Box by `alloc`; sole owner.
        drop(unsafe { Box::from_raw(commit.as_ptr()) });
    }

    unsafe fn bytes(commit: NonNull<Self>) -> usize {
        // SAFETY: alive.
        let spilled = unsafe { commit.as_ref() }.writes.capacity().saturating_sub(1);
        size_of::<Self>() + spilled * size_of::<Write>()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(commit: NonNull<Self>) {
        // SAFETY: nobody refers to the descriptor any more; loom reports it if somebody does.
        unsafe { commit.as_ref().stamp.set(u64::MAX) };
    }
}

/// Frees the nodes of a chain of descriptors that were never installed, and the descriptors.
///
/// # Safety
/// No other thread is left. `installed` is the newest published stamp.
pub(super) unsafe fn free_all(head: *mut Commit, installed: u64) {
    let mut link = NonNull::new(head);
    while let Some(commit) = link {
        // SAFETY: exclusive by contract; every linked descriptor has one predecessor.
        unsafe {
            link = NonNull::new(commit.as_ref().next.load(Ordering::Acquire));
            if commit.as_ref().stamp() > installed {
                for write in commit.as_ref().writes() {
                    drop(VersionBox::from_raw(write.node));
                }
            }
            Commit::free(commit);
        }
    }
}
