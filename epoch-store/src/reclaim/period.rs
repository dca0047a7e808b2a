//! A grace period that somebody waits for without waiting: begun with a pin, looked at later.
//!
//! Retires a small node of its own: when that is freed, every thread that was pinned at the beginning has unpinned (I-2).

use super::{Node, Pinned};
use crate::sync::{AtomicBool, ord};
use std::ptr::NonNull;
use std::sync::Arc;

/// A grace period. See the module header. Clones are the same period.
#[derive(Debug, Clone)]
pub struct Period {
    ended: Arc<AtomicBool>,
}

/// What is retired for it.
struct Signal {
    ended: Arc<AtomicBool>,
}

impl Signal {
    fn give(&self) {
        self.ended.store(true, ord!("period-end", Release));
    }
}

impl Period {
    /// Begins a period now.
    pub fn begin<P: Pinned>(pin: &P) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let signal = Box::new(Signal { ended: Arc::clone(&ended) });
        // SAFETY: I-1: nobody else has the node.
        unsafe { pin.retire_promptly(NonNull::from(Box::leak(signal))) };
        Self { ended }
    }

    /// Whether every thread that was pinned at the beginning has unpinned since.
    pub fn has_ended(&self) -> bool {
        self.ended.load(ord!("period-look", Acquire))
    }
}

impl Node for Signal {
    unsafe fn free(signal: NonNull<Self>) {
        // SAFETY: leaked from a Box by `begin`; sole owner.
        let signal = unsafe { Box::from_raw(signal.as_ptr()) };
        if cfg!(not(epoch_loom)) {
            signal.give();
        }
    }

    unsafe fn bytes(_signal: NonNull<Self>) -> usize {
        size_of::<Self>()
    }

    /// A model's reclaimer says so when the period ends, and frees at the very end.
    #[cfg(epoch_loom)]
    unsafe fn bury(signal: NonNull<Self>) {
        // SAFETY: alive until `free`.
        unsafe { signal.as_ref() }.give();
    }
}
