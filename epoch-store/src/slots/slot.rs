//! One slot: what its owner needs, and how many clones share it.
//!
//! *The stamp word.* All but one of its changes are made by the owner of the slot:
//! ```text
//!  FREE ─► s ─► ACQUIRING|r ─► s ─────────────────────────────► FREE      a snapshot
//!  FREE ─► LENT|s ─► LENT|ACQUIRING|r ─► LENT|s ──────────────► FREE      a lease
//!              └──────────────┴─────────────┴────► REVOKED ───► FREE      an arrow to REVOKED is a CAS by anybody (I-36)
//! ```
//! While a stamp is being registered the owner may go from one `s` to a later one, and from REVOKED too.

use super::pile::Pile;
use crate::sync::{AtomicU64, AtomicUsize, Ordering, fence_at, mutant, ord, set_slot_hint};

/// Stamp word: nothing is registered.
pub(super) const FREE: u64 = u64::MAX;
/// Stamp word, bit: a snapshot is being taken and may need every stamp from the rest of the word on.
pub(super) const ACQUIRING: u64 = 1 << 63;
/// Stamp word, bit: the stamp is that of a lease and may be taken back.
pub(super) const LENT: u64 = 1 << 62;
/// Stamp word: a lease that was taken back. Nothing is registered, but the slot has its owner.
pub(super) const REVOKED: u64 = u64::MAX - 1;

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
    /// What waits for its stamp to go.
    pub(super) pile: Pile,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            stamp: AtomicU64::new(FREE),
            count: AtomicUsize::new(0),
            index: AtomicUsize::new(0),
            pile: Pile::default(),
        }
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
        // Acquire: whoever came and left since the slot was looked at has read his last. Release: for those who find it
        // closed, and for its next claimer: what he makes of the segment's state is newer than the state loaded before.
        let (win, lose) = (ord!("slot-close", AcqRel), ord!("slot-close", Acquire));
        match self.count.compare_exchange(0, CLOSED, win, lose) {
            Ok(_) => true,
            Err(found) => found == CLOSED,
        }
    }

    #[inline]
    pub(super) fn found_at(&self, index: usize) {
        self.index.store(index, Ordering::Relaxed);
    }

    /// The registered stamp, if there is one right now: for figures.
    pub(super) fn registered(&self) -> Option<u64> {
        let word = self.stamp.load(Ordering::Relaxed);
        (word != FREE && word != REVOKED).then(|| stamp_of(word))
    }

    /// Whether it holds `stamp`, lent or not.
    pub(super) fn holds(&self, stamp: u64) -> bool {
        self.stamp.load(Ordering::Relaxed) & !LENT == stamp
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
        let mut seen = self.count.load(ord!("clone-last", Acquire));
        loop {
            if seen & !CLOSING == 1 {
                return true;
            }
            match self.count.compare_exchange_weak(
                seen,
                seen - 1,
                ord!("clone-release", Release),
                ord!("clone-last", Acquire),
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

    /// Says that a snapshot is being opened that may come to need any stamp from `floor` on.
    pub(super) fn register_from(&self, floor: u64) {
        self.register(ACQUIRING | floor);
    }

    /// Says what a lease needs. Its word changes by read-modify-writes only: whoever takes it back comes before this or
    /// fails.
    pub(super) fn lend(&self, stamp: u64) {
        self.stamp.swap(LENT | stamp, ord!("slot-register", Release));
    }

    /// Says that a lease is being opened that may come to need any stamp from `floor` on. It can be taken back.
    pub(super) fn lend_from(&self, floor: u64) {
        self.lend(ACQUIRING | floor);
    }

    /// From "any stamp from `floor` on" to one of them, unless that was taken back. Returns whether it was not.
    pub(super) fn settle_lease(&self, floor: u64, stamp: u64) -> bool {
        if mutant!("lease-settled-blindly") {
            self.lend(stamp);
            return true;
        }
        let (from, to) = (LENT | ACQUIRING | floor, LENT | stamp);
        let (win, lose) = (ord!("slot-register", Release), Ordering::Relaxed);
        self.stamp.compare_exchange(from, to, win, lose).is_ok()
    }

    /// Whether `stamp` has not been taken back, as far as every read made before this call has felt it (I-35).
    pub fn is_still_lent(&self, stamp: u64) -> bool {
        fence_at("lease-fence");
        self.is_lent(stamp)
    }

    /// Whether `stamp` was not taken back some time ago. Says nothing about reads.
    pub fn is_lent(&self, stamp: u64) -> bool {
        self.stamp.load(Ordering::Relaxed) == LENT | stamp
    }

    /// Takes back the stamp of the lease in this slot if it is below `oldest`. Returns whether there was one.
    ///
    /// Tries again only where the lease's owner, who is opening it, has stored a later stamp meanwhile that is below
    /// `oldest` too.
    pub(super) fn take_back_below(&self, oldest: u64) -> bool {
        // Relaxed: of this slot nothing is read but the word, and what is cut for it is cut after a scan.
        let mut word = self.stamp.load(Ordering::Relaxed);
        loop {
            match self.revoke_below(oldest, word) {
                Ok(()) => return true,
                Err(now) if now != word && !mutant!("revoke-once") => word = now,
                Err(_) => return false,
            }
        }
    }

    /// Takes back the stamp of a lease, if `word` is still what the slot says and its stamp is below `oldest`.
    ///
    /// # Errors
    /// What the slot says instead; also if somebody else has just taken the same stamp back.
    #[inline]
    pub(super) fn revoke_below(&self, oldest: u64, word: u64) -> Result<(), u64> {
        if !is_lent(word) || stamp_of(word) >= oldest {
            return Err(word);
        }
        if mutant!("lease-kept-by-scan") {
            return Err(word);
        }
        if mutant!("revoke-by-store") {
            self.stamp.store(REVOKED, Ordering::Relaxed);
            return Ok(());
        }
        // Relaxed: what it must come before are cuts, which are Release (`link-change`). Where it fails, the owner of the
        // lease, who read under pins, has moved on or left; and whoever came into the slot since has fenced after the scan
        // that loaded `word`, so that the root of that scan is no later than what he sees (I-9). Who then closes the slot acquires
        // (`slot-close`).
        let (win, lose) = (Ordering::Relaxed, Ordering::Relaxed);
        self.stamp.compare_exchange(word, REVOKED, win, lose).map(|_| ())
    }

    /// The last clone no longer reads: its stamp may be forgotten (I-11). The slot stays claimed.
    #[inline]
    pub fn unregister(&self) {
        self.stamp.store(FREE, ord!("slot-release", Release));
    }

    /// The same for a lease. Its word changes by read-modify-writes only: whoever takes it back comes before this or fails.
    pub fn unlend(&self) {
        self.stamp.swap(FREE, ord!("slot-release", Release));
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
        // Acquire for slots that are free: who left them has ended all use of the store. Those that are told count down.
        let mut seen = self.count.load(ord!("slot-closing", Acquire));
        while seen != 0 && seen != CLOSED {
            match self.count.compare_exchange_weak(
                seen,
                seen | CLOSING,
                Ordering::Relaxed,
                ord!("slot-closing", Acquire),
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }
}

/// Whether the word is that of a lease that was not taken back.
#[inline]
fn is_lent(word: u64) -> bool {
    word & LENT != 0 && word < REVOKED
}

/// The stamp, or the floor, in a word that has one.
#[inline]
pub(super) fn stamp_of(word: u64) -> u64 {
    debug_assert!(
        word < REVOKED,
        "a free slot has no stamp, and one that was taken back none any more"
    );
    word & !(ACQUIRING | LENT)
}
