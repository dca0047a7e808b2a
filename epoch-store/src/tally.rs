//! Counters without a shared line: one set per session, written by its claimer alone, added up by whoever asks.
//!
//! They are no part of any protocol, so they are plain `std` atomics also in models, where they add no interleavings.

#![allow(
    clippy::disallowed_types,
    reason = "outside every protocol; must stay invisible to models"
)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is counted.
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub enum Event {
    /// Keys whose newest version is a value, as a difference.
    LiveKeys,
    /// Key records made.
    Records,
    /// Key records removed.
    RecordsRemoved,
    /// Versions linked to chains.
    VersionsLinked,
    /// Versions cut out of chains.
    VersionsCut,
    /// Commits ordered by this session.
    Commits,
    /// Commits refused, after they were ordered, for what they had read.
    Refusals,
    /// Commits of others that this session published.
    Helped,
    /// Compare-and-swaps that somebody else won.
    CasFailures,
    /// Tails folded into their bodies.
    Folds,
    /// Leaves split.
    Splits,
    /// Leaves unlinked, because nothing was left in them.
    Unlinks,
    /// Hash tables begun.
    Growths,
    /// Kept versions put into the backlog for another look.
    Queued,
    /// Records taken out of it.
    Unqueued,
    /// Scans of the snapshot slots.
    Scans,
    /// Versions that looks walked past.
    Steps,
    /// Nodes retired.
    Retired,
}

const EVENTS: usize = Event::Retired as usize + 1;

/// See the module header.
#[derive(Debug)]
pub struct Tally {
    cells: [AtomicU64; EVENTS],
}

impl Default for Tally {
    fn default() -> Self {
        Self { cells: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Tally {
    /// Adds to a counter. Only the session's claimer may call this (others would be lost, not harmed).
    #[inline]
    pub fn add(&self, event: Event, difference: i64) {
        let cell = &self.cells[event as usize];
        cell.store(cell.load(Relaxed).wrapping_add_signed(difference), Relaxed);
    }

    /// Adds one.
    #[inline]
    pub fn one(&self, event: Event) {
        self.add(event, 1);
    }

    /// The counter; a sum over sessions may wrap in between and comes out right.
    pub fn get(&self, event: Event) -> u64 {
        self.cells[event as usize].load(Relaxed)
    }
}
