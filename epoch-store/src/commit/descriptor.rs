//! A commit descriptor: everything another thread needs to finish the commit.

use super::check::Check;
use super::chunks::Chunks;
use super::span::Span;
use super::write::Write;
use crate::reclaim::Node;
use crate::sync::{AtomicPtr, Ordering, Tracked};
use smallvec::SmallVec;
use std::ptr::{self, NonNull};

/// Writes in a chunk. A commit with more is installed by whoever comes, chunk by chunk.
const CHUNK: usize = 512;

/// See the module header.
#[derive(Debug)]
pub struct Commit {
    stamp: Tracked<u64>,
    pub(super) next: AtomicPtr<Commit>,
    writes: SmallVec<[Write; 1]>,
    chunks: Option<Box<Chunks>>,
    spans: Box<[Span]>,
    check: Option<Box<Check>>,
}

impl Commit {
    /// A descriptor that nobody has seen. Its nodes are private to the caller; I-25 is his to keep.
    pub fn alloc(writes: SmallVec<[Write; 1]>) -> NonNull<Self> {
        Self::alloc_with_spans(writes, Box::default())
    }

    /// The same, which also deletes what lies in `spans` and is not written.
    pub fn alloc_with_spans(writes: SmallVec<[Write; 1]>, spans: Box<[Span]>) -> NonNull<Self> {
        Self::new(writes, CHUNK, spans, None).leak()
    }

    /// The same, which is refused where something was written to what it has read.
    pub fn alloc_checked(
        writes: SmallVec<[Write; 1]>,
        spans: Box<[Span]>,
        check: Box<Check>,
    ) -> NonNull<Self> {
        Self::new(writes, CHUNK, spans, Some(check)).leak()
    }

    /// Without a check, and with chunks of another length: for models.
    #[cfg(epoch_loom)]
    pub fn alloc_in_chunks(
        writes: SmallVec<[Write; 1]>,
        chunk: usize,
        spans: Box<[Span]>,
    ) -> NonNull<Self> {
        Self::new(writes, chunk, spans, None).leak()
    }

    fn new(
        writes: SmallVec<[Write; 1]>,
        chunk: usize,
        spans: Box<[Span]>,
        check: Option<Box<Check>>,
    ) -> Self {
        let (stamp, next) = (Tracked::new(0), AtomicPtr::new(ptr::null_mut()));
        let chunks = Chunks::new(writes.len(), chunk);
        Self { stamp, next, writes, chunks, spans, check }
    }

    fn leak(self) -> NonNull<Self> {
        NonNull::from(Box::leak(Box::new(self)))
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

    /// The keys that it deletes besides.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// What it depends on.
    pub fn check(&self) -> Option<&Check> {
        self.check.as_deref()
    }

    /// Whether the verdict was that nothing of it is to be installed (I-46). Not to be asked before its turn has come.
    pub fn is_refused(&self) -> bool {
        self.check().is_some_and(|check| check.is_admitted() == Some(false))
    }

    /// Its chunks, if it has more than one.
    pub(super) fn chunks(&self) -> Option<&Chunks> {
        self.chunks.as_deref()
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
        let commit = unsafe { commit.as_ref() };
        let spilled = commit.writes.capacity().saturating_sub(1);
        let chunks = commit.chunks().map_or(0, Chunks::bytes);
        let spans: usize = commit.spans.iter().map(|span| size_of::<Span>() + span.bytes()).sum();
        let check = commit.check().map_or(0, Check::bytes);
        size_of::<Self>() + spilled * size_of::<Write>() + chunks + spans + check
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(commit: NonNull<Self>) {
        // SAFETY: nobody refers to the descriptor any more; loom reports it if somebody does.
        unsafe { commit.as_ref().stamp.set(u64::MAX) };
    }
}

/// Frees a chain of descriptors. Their nodes are linked or retired: an owner does not return before, and whoever claimed a
/// chunk neither (I-31).
///
/// # Safety
/// No other thread is left.
pub(super) unsafe fn free_all(head: *mut Commit) {
    let mut link = NonNull::new(head);
    while let Some(commit) = link {
        // SAFETY: exclusive by contract; every linked descriptor has one predecessor.
        unsafe {
            link = NonNull::new(commit.as_ref().next.load(Ordering::Acquire));
            Commit::free(commit);
        }
    }
}
