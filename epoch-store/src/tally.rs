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
    /// Bytes of what is linked, as a difference: records, versions, leaves and bodies, index nodes, hash tables, spaces.
    Linked,
    /// Bytes of nodes retired, whatever they are.
    RetiredBytes,
}

const EVENTS: usize = Event::RetiredBytes as usize + 1;

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

    /// Adds bytes that came, and takes off those that went.
    #[inline]
    pub fn bytes(&self, event: Event, came: usize, went: usize) {
        self.add(event, came as i64 - went as i64);
    }

    /// Adds one.
    #[inline]
    pub fn one(&self, event: Event) {
        self.add(event, 1);
    }

    /// Bytes that the session has made, of nodes linked and of nodes retired that never were: what it unlinks it has retired, so
    /// that this becomes no less, but for the tombstones that go with their records.
    pub fn bytes_made(&self) -> u64 {
        self.get(Event::Linked).wrapping_add(self.get(Event::RetiredBytes))
    }

    /// The counter; a sum over sessions may wrap in between and comes out right.
    pub fn get(&self, event: Event) -> u64 {
        self.cells[event as usize].load(Relaxed)
    }
}
