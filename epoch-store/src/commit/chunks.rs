//! The chunks of a large commit: who installs which, and which are in (I-31).

use crate::sync::{AtomicBool, AtomicUsize, Ordering, mutant, ord};
use std::ops::Range;

/// Claims and done flags of one descriptor.
#[derive(Debug)]
pub struct Chunks {
    /// Writes per chunk; the last one may have fewer.
    len: usize,
    writes: usize,
    /// The next chunk that nobody has claimed, or something beyond the last.
    next: AtomicUsize,
    done: Box<[AtomicBool]>,
}

impl Chunks {
    /// Chunks of `len` for so many writes; `None` if one chunk would hold them all.
    pub(super) fn new(writes: usize, len: usize) -> Option<Box<Self>> {
        if writes <= len {
            return None;
        }
        let done = (0..writes.div_ceil(len)).map(|_| AtomicBool::new(false)).collect();
        Some(Box::new(Self { len, writes, next: AtomicUsize::new(0), done }))
    }

    /// Claims a chunk that nobody else has or will have; `None` when all are claimed. Wait-free.
    ///
    /// Relaxed is enough: the counter tells chunks apart, what is in them was published with the descriptor.
    pub(super) fn claim(&self) -> Option<usize> {
        if self.next.load(Ordering::Relaxed) >= self.count() {
            return None; // or else the counter would grow with every look
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        (at < self.count()).then_some(at)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.done.len()
    }

    /// Bytes that it takes besides itself.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.done.len()
    }

    /// The writes of a chunk.
    pub(super) fn range(&self, at: usize) -> Range<usize> {
        at * self.len..self.writes.min((at + 1) * self.len)
    }

    /// Whether every write of a chunk is installed.
    pub(super) fn is_done(&self, at: usize) -> bool {
        self.done[at].load(ord!("chunk-seen", Acquire)) || mutant!("flags-not-looked-at")
    }

    /// To be called after the last write of a chunk is installed.
    pub(super) fn set_done(&self, at: usize) {
        self.done[at].store(true, ord!("chunk-done", Release));
    }
}
