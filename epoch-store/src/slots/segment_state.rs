//! Whether scans read a segment of slots (I-12).
//!
//! A segment is shut in two steps: close every slot (a free slot becomes one that can only be claimed by someone who
//! reopens the segment), then flip the state. Every reopening changes the generation, so a thread that slept between
//! the two steps cannot shut a segment that was reopened meanwhile.
//!
//! *Orderings.* `segment-shut` (Release) and `segment-look` (Acquire): who skips a segment has seen the last reads through its
//! slots, as whoever shut it had, who closed them with Acquire (`slot-close`, which pairs with `slot-count-release` and with
//! itself; I-11). Reopening may be Relaxed: who misses it is ordered before by its fence (I-9). The state is loaded before
//! the slots are closed, and closing is Release: who claims a closed slot acquires that (`slot-claim`) and reopens
//! afterwards, so no load returns a state that came of a slot still to be closed.

use crate::sync::{AtomicU64, Ordering, mutant, ord};

/// Low bit: shut. The rest: generation.
#[derive(Debug, Default)]
pub(super) struct SegmentState(AtomicU64);

/// A state as it was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen(u64);

impl Seen {
    pub(super) fn is_shut(self) -> bool {
        self.0 & 1 == 1
    }
}

impl SegmentState {
    pub(super) fn load(&self) -> Seen {
        Seen(self.0.load(ord!("segment-look", Acquire)))
    }

    /// Shuts the segment if nobody reopened it since `seen`.
    pub(super) fn shut(&self, seen: Seen) {
        if mutant!("shut-without-generation") {
            self.0.store(seen.0 | 1, Ordering::Release);
            return;
        }
        let (win, lose) = (ord!("segment-shut", Release), Ordering::Relaxed);
        let _ = self.0.compare_exchange(seen.0, seen.0 | 1, win, lose);
    }

    /// Opens the segment, with a new generation.
    pub(super) fn reopen(&self) {
        let mut seen = self.0.load(Ordering::Relaxed);
        let (win, lose) = (Ordering::Relaxed, Ordering::Relaxed);
        while let Err(now) = self.0.compare_exchange_weak(seen, (seen & !1) + 2, win, lose) {
            seen = now;
        }
    }
}
