//! One snapshot slot: a stamp, and how many clones share it.

use crate::sync::{AtomicU64, AtomicUsize, Ordering, ord, set_slot_hint};

/// Stamp word: nothing is registered.
pub(super) const FREE: u64 = u64::MAX;
/// Stamp word, bit: a snapshot is being taken and may need every stamp from the rest of the word on.
pub(super) const ACQUIRING: u64 = 1 << 63;

/// Count word: free, but its segment may be shut.
const CLOSED: usize = 1 << (usize::BITS - 2);
/// Count word, bit: the store's last handle is gone; the last clone says so to the store.
const CLOSING: usize = 1 << (usize::BITS - 1);
/// More clones than this are a leak loop: stop before the count runs into the flags.
const MAX_CLONES: usize = 1 << (usize::BITS - 4);

/// See the module header.
#[derive(Debug)]
pub struct Slot {
    pub(super) stamp: AtomicU64,
    count: AtomicUsize,
    /// Its index in the table, for the hint of the thread that releases it.
    index: AtomicUsize,
}

impl Default for Slot {
    fn default() -> Self {
        Self { stamp: AtomicU64::new(FREE), count: AtomicUsize::new(0), index: AtomicUsize::new(0) }
    }
}

impl Slot {
    #[inline]
    pub(super) fn try_claim_free(&self) -> bool {
        self.try_claim(0)
    }

    pub(super) fn try_claim_closed(&self) -> bool {
        self.try_claim(CLOSED)
    }

    #[inline]
    fn try_claim(&self, from: usize) -> bool {
        self.count.load(Ordering::Relaxed) == from
            && self
                .count
                .compare_exchange(from, 1, ord!("slot-claim", Acquire), Ordering::Relaxed)
                .is_ok()
    }

    /// Makes a free slot unclaimable without reopening its segment. True also if it was so already.
    pub(super) fn try_close(&self) -> bool {
        match self.count.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(found) => found == CLOSED,
        }
    }

    #[inline]
    pub(super) fn found_at(&self, index: usize) {
        self.index.store(index, Ordering::Relaxed);
    }

    /// The registered stamp, if there is one right now.
    pub(super) fn registered(&self) -> Option<u64> {
        let word = self.stamp.load(Ordering::Acquire);
        (word != FREE).then_some(word & !ACQUIRING)
    }

    /// One more clone of the snapshot that the caller holds (I-10: the stamp stays where it is).
    ///
    /// # Panics
    /// Aborts the process after 2^60 leaked clones.
    pub fn share(&self) {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        if before & !CLOSING > MAX_CLONES {
            std::process::abort();
        }
    }

    /// Gives up one clone, unless it is the last. Returns whether the caller holds the last one (and still holds it).
    pub fn release_unless_last(&self) -> bool {
        let mut seen = self.count.load(Ordering::Acquire);
        loop {
            if seen & !CLOSING == 1 {
                return true;
            }
            match self.count.compare_exchange_weak(
                seen,
                seen - 1,
                ord!("clone-release", Release),
                Ordering::Acquire,
            ) {
                Ok(_) => return false,
                Err(now) => seen = now,
            }
        }
    }

    /// Says what the snapshot in this slot needs.
    #[inline]
    pub(super) fn register(&self, word: u64) {
        self.stamp.store(word, ord!("slot-register", Release));
    }

    /// The last clone no longer reads: its stamp may be forgotten (I-11). The slot stays claimed.
    #[inline]
    pub fn unregister(&self) {
        self.stamp.store(FREE, ord!("slot-release", Release));
    }

    /// Gives the slot back. Returns whether the store was closing and must be told.
    ///
    /// Without that answer the store may be gone as soon as this returns.
    #[inline]
    pub fn leave(&self) -> bool {
        set_slot_hint(self.index.load(Ordering::Relaxed));
        let before = self.count.fetch_sub(1, ord!("slot-count-release", AcqRel));
        if before == 1 {
            return false;
        }
        debug_assert_eq!(before, 1 | CLOSING, "only the last clone leaves");
        true
    }

    pub(super) fn announce_closing(&self) -> bool {
        let mut seen = self.count.load(Ordering::Acquire);
        while seen != 0 && seen != CLOSED {
            match self.count.compare_exchange_weak(
                seen,
                seen | CLOSING,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }
}
