//! How far a block is final, and whether it is to stop: what the runs of its transactions look at.

use super::Line;
use epoch_store::atomics::{AtomicU32, Ordering, ord};

/// A line that is written once per commit, and read by every speculative read.
#[derive(Debug)]
pub struct Progress {
    line: Line<(AtomicU32, AtomicU32)>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { line: Line((AtomicU32::new(0), AtomicU32::new(0))) }
    }
}

impl Progress {
    /// The frontier: the first index that is not final. Who reads it sees what the runs of all lower ones have published.
    #[inline]
    pub fn frontier(&self) -> u32 {
        // Pairs with frontier-store.
        self.line.0.0.load(ord!("frontier-load", Acquire))
    }

    /// Moves the frontier: by its owner alone, one index at a time.
    #[inline]
    pub(super) fn advance_to(&self, index: u32) {
        // Pairs with frontier-load.
        self.line.0.0.store(index, ord!("frontier-store", Release));
    }

    /// Whether nothing more is to become final.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        // A hint while the block runs: who reads it late goes on for one transaction more.
        self.line.0.1.load(Ordering::Relaxed) != 0
    }

    /// Asks for a stop.
    pub fn stop(&self) {
        self.line.0.1.store(1, Ordering::Relaxed);
    }
}
