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
    /// Its span.
    pub kept: Kept,
}

/// See the module header.
#[derive(Debug)]
pub struct Bag {
    entries: Vec<Entry>,
    /// The spans of all entries lie in `[low, high)`.
    low: u64,
    high: u64,
    /// Registered stamps in `[low, high)` when the entries were examined; `None`: not known.
    blockers: Option<usize>,
    /// There was a new scan since the first entry was examined.
    outdated: bool,
}

// SAFETY: records are shared by protocol; a bag has one owner at a time.
unsafe impl Send for Bag {}

impl Default for Bag {
    fn default() -> Self {
        Self { entries: Vec::new(), low: u64::MAX, high: 0, blockers: None, outdated: false }
    }
}

impl Bag {
    /// A bag of one entry, to be told apart from others.
    #[cfg(epoch_loom)]
    pub fn of(record: NonNull<Record>) -> Self {
        let kept = Kept { stamp: 0, superseded_at: 0 };
        Self { entries: vec![Entry { record, kept }], ..Self::default() }
    }

    /// Puts an entry in.
    pub(super) fn add(&mut self, entry: Entry) {
        self.low = self.low.min(entry.kept.stamp);
        self.high = self.high.max(entry.kept.superseded_at);
        self.entries.push(entry);
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= BAG
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A new scan begins: what is in the bag was judged by an older one.
    pub(super) fn outdate(&mut self) {
        self.outdated |= !self.is_empty();
    }

    /// Notes how many snapshots stand in the way.
    pub(super) fn close(&mut self, registered: &Registered) {
        let known = !self.outdated && registered.judges(self.high);
        self.blockers = known.then(|| registered.within(self.low, self.high));
    }

    /// Whether a look at the entries can find anything that the last one did not: no stamp can be registered in the span
    /// of a bag later, so a number that has not fallen means that nothing was released.
    pub(super) fn is_worth_a_look(&self, registered: &Registered) -> bool {
        match self.blockers {
            None => registered.judges(self.high),
            Some(before) => registered.within(self.low, self.high) < before,
        }
    }

    /// What is in it.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}
