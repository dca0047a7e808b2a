//! What an executor tells the views of a block while they run.

use epoch_store::atomics::{AtomicU64, Ordering};

/// Rarely written, read at each read of a view. All accesses are relaxed: these are hints, which stop a run earlier than its
/// validation would; no memory is published by them.
#[derive(Debug)]
#[repr(align(128))]
pub struct Signals {
    /// Transactions from this one on are to stop.
    stop: AtomicU64,
    /// The first transaction that is not final, as far as it was told.
    frontier: AtomicU64,
}

impl Default for Signals {
    fn default() -> Self {
        Self { stop: AtomicU64::new(u64::MAX), frontier: AtomicU64::new(u64::MAX) }
    }
}

impl Signals {
    /// Tells transactions from `index` on to stop: never takes an earlier such word back.
    pub fn stop_from(&self, index: u32) {
        self.stop.fetch_min(u64::from(index), Ordering::Relaxed);
    }

    /// Tells how far the final ones reach.
    pub fn set_frontier(&self, index: u32) {
        self.frontier.store(u64::from(index), Ordering::Relaxed);
    }

    #[inline]
    pub fn is_stopped(&self, index: u32) -> bool {
        self.stop.load(Ordering::Relaxed) <= u64::from(index)
    }

    #[inline]
    pub fn is_frontier(&self, index: u32) -> bool {
        self.frontier.load(Ordering::Relaxed) == u64::from(index)
    }
}
