//! Whether scans read a segment of slots (I-12).
//!
//! A segment is shut in two steps: close every slot (a free slot becomes one that can only be claimed by someone who
//! reopens the segment), then flip the state. Every reopening changes the generation, so a thread that slept between
//! the two steps cannot shut a segment that was reopened meanwhile.

use crate::sync::{AtomicU64, Ordering, mutant};

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
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Shuts the segment if nobody reopened it since `seen`.
    pub(super) fn shut(&self, seen: Seen) {
        if mutant!("shut-without-generation") {
            self.0.store(seen.0 | 1, Ordering::Release);
            return;
        }
        let _ = self.0.compare_exchange(seen.0, seen.0 | 1, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Opens the segment, with a new generation.
    pub(super) fn reopen(&self) {
        let mut seen = self.0.load(Ordering::Relaxed);
        while let Err(now) =
            self.0.compare_exchange_weak(seen, (seen & !1) + 2, Ordering::AcqRel, Ordering::Relaxed)
        {
            seen = now;
        }
    }
}
