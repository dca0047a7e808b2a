//! Kept versions that need another look, and what must happen before it is worth the while.

use crate::chain::{Kept, Record, Registered};
use std::ptr::NonNull;

/// Entries in a bag.
pub(super) const BAG: usize = if cfg!(epoch_loom) { 1 } else { 32 };

/// A kept version: its record, and the stamps that see it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The record that it belongs to.
    pub record: NonNull<Record>,
    /// The number of the record's space.
    pub space: u32,
    /// Its span.
    pub kept: Kept,
}

/// When a bag is looked at whose entries cannot all be judged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// When all of them can: one look is enough for it.
    Whole,
    /// When any of them can: for who wants everything gone that can go.
    Any,
}

/// See the module header.
#[derive(Debug)]
pub struct Bag {
    entries: Vec<Entry>,
    /// The spans of all entries lie in `[low, high)`.
    low: u64,
    high: u64,
    /// The first of its versions was superseded here.
    ripens: u64,
    /// Registered stamps in `[low, high)` when the entries were examined; `None`: not known.
    blockers: Option<usize>,
    /// A later scan showed fewer blockers than the one by which the entries were examined, or that one could not tell.
    outdated: bool,
}

// SAFETY: records are shared by protocol; a bag has one owner at a time.
unsafe impl Send for Bag {}

impl Default for Bag {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            low: u64::MAX,
            high: 0,
            ripens: u64::MAX,
            blockers: None,
            outdated: false,
        }
    }
}

impl Bag {
    /// A bag of one entry, to be told apart from others.
    #[cfg(epoch_loom)]
    pub fn of(record: NonNull<Record>) -> Self {
        let kept = Kept { stamp: 0, superseded_at: 0 };
        Self { entries: vec![Entry { record, space: 0, kept }], ..Self::default() }
    }

    /// Puts an entry in.
    pub(super) fn add(&mut self, entry: Entry) {
        self.low = self.low.min(entry.kept.stamp);
        self.high = self.high.max(entry.kept.superseded_at);
        self.ripens = self.ripens.min(entry.kept.superseded_at);
        self.entries.push(entry);
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= BAG
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// There is a new scan: `before` is what the last one counted.
    pub(super) fn outdate(&mut self, before: Option<usize>, registered: &Registered) {
        let unchanged = before.is_some() && before == self.count_blockers(registered);
        self.outdated |= !unchanged && !self.is_empty();
    }

    /// Registered stamps in the span; `None`: the scan is too old to tell.
    pub(super) fn count_blockers(&self, registered: &Registered) -> Option<usize> {
        registered.judges(self.high).then(|| registered.within(self.low, self.high))
    }

    /// Notes how many snapshots stand in the way.
    pub(super) fn close(&mut self, registered: &Registered) {
        let count = self.count_blockers(registered).filter(|&count| count > 0 && !self.outdated);
        self.blockers = count;
    }

    /// Whether a look at the entries can find anything that the last one did not: no stamp can be registered in the span
    /// of a bag later (its blockers were counted by a scan that judges all of it), so a number that has not fallen means
    /// that nothing was released.
    pub(super) fn is_worth_a_look(&self, registered: &Registered, patience: Patience) -> bool {
        match (self.blockers, patience) {
            // Whatever stands in the way: a version that somebody else has cut meanwhile leaves an entry, whose note keeps
            // the record from being sealed (I-38), and no release tells of that.
            (_, Patience::Any) => registered.judges(self.ripens),
            (None, Patience::Whole) => registered.judges(self.high),
            (Some(before), Patience::Whole) => registered.within(self.low, self.high) < before,
        }
    }

    /// What is in it.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}
