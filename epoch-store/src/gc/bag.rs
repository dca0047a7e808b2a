//! Records whose chains need another look, and what must happen before it is worth the while.

use crate::chain::{Cut, Record, RecordRef, Registered};
use std::ptr::NonNull;

/// Records in a bag.
pub(super) const BAG: usize = if cfg!(epoch_loom) { 1 } else { 32 };

/// See the module header.
#[derive(Debug)]
pub struct Bag {
    records: Vec<NonNull<Record>>,
    /// Kept versions are visible to stamps in `[low, high)`.
    low: u64,
    high: u64,
    /// Registered stamps in the span when the bag was last examined; `None`: the scan was too old to tell.
    blockers: Option<usize>,
}

// SAFETY: records are shared by protocol; a bag has one owner at a time.
unsafe impl Send for Bag {}

impl Default for Bag {
    fn default() -> Self {
        Self { records: Vec::new(), low: u64::MAX, high: 0, blockers: None }
    }
}

impl Bag {
    /// A bag of one record, to be told apart from others.
    #[cfg(epoch_loom)]
    pub fn of(record: NonNull<Record>) -> Self {
        Self { records: vec![record], ..Self::default() }
    }

    /// Puts a record in.
    pub(super) fn add(&mut self, record: RecordRef<'_>, left: &Cut) {
        self.records.push(record.as_ptr());
        self.low = self.low.min(left.kept_from);
        self.high = self.high.max(left.kept_to);
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= BAG
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Notes how many snapshots stand in the way.
    pub(super) fn close(&mut self, registered: &Registered) {
        self.blockers =
            registered.judges(self.high).then(|| registered.within(self.low, self.high));
    }

    /// Whether a look at the records can find anything that the last one did not.
    pub(super) fn is_worth_a_look(&self, registered: &Registered) -> bool {
        match self.blockers {
            None => registered.judges(self.high),
            Some(before) => registered.within(self.low, self.high) < before,
        }
    }

    /// What is in it.
    pub fn into_records(self) -> Vec<NonNull<Record>> {
        self.records
    }
}
