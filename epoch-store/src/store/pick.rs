//! What a step through a range makes of the records that it passes.

use crate::chain::{Record, RecordRef, VersionNode, VersionRef};
use crate::reclaim::Pinned;
use std::ptr::NonNull;

/// Filters and maps records. Works under the pin of a step: no code of a user may run in it (rule 32).
pub trait Pick {
    /// What is kept of a record.
    type Row;

    /// What is to be kept of `record`, if anything.
    fn pick<P: Pinned>(&self, record: RecordRef<'_>, pin: &P) -> Option<Self::Row>;
}

/// What is visible at a registered stamp.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    /// The stamp: rows stay valid as long as it is registered.
    pub stamp: u64,
}

/// A visible entry.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The record: its key.
    pub record: NonNull<Record>,
    /// The version: its value. Never a tombstone.
    pub version: NonNull<VersionNode>,
}

impl Pick for Visible {
    type Row = Row;

    #[inline]
    fn pick<P: Pinned>(&self, record: RecordRef<'_>, pin: &P) -> Option<Row> {
        let version = record.visible_at(self.stamp, pin)?;
        let row = Row { record: record.as_ptr(), version: version.as_ptr() };
        (!version.is_tombstone()).then_some(row)
    }
}

/// What is visible at a registered stamp and was written some time before.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// The stamp: rows stay valid as long as it is registered.
    pub stamp: u64,
    /// What was written later is left out.
    pub upto: u64,
}

impl Pick for Settled {
    type Row = Row;

    fn pick<P: Pinned>(&self, record: RecordRef<'_>, pin: &P) -> Option<Row> {
        let version = record.visible_at(self.stamp, pin)?;
        let is_settled = version.stamp() <= self.upto && !version.is_tombstone();
        is_settled.then_some(Row { record: record.as_ptr(), version: version.as_ptr() })
    }
}

/// What differs between two registered stamps.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// The earlier one: rows stay valid as long as both are registered.
    pub since: u64,
    /// The later one.
    pub stamp: u64,
}

/// An entry that differs. Never a tombstone in it, and not twice nothing.
#[derive(Debug, Clone, Copy)]
pub struct ChangedRow {
    /// The record: its key.
    pub record: NonNull<Record>,
    /// The version at the earlier stamp.
    pub before: Option<NonNull<VersionNode>>,
    /// The version at the later stamp.
    pub after: Option<NonNull<VersionNode>>,
}

impl Pick for Changed {
    type Row = ChangedRow;

    fn pick<P: Pinned>(&self, record: RecordRef<'_>, pin: &P) -> Option<ChangedRow> {
        let after = record.visible_at(self.stamp, pin)?;
        if after.stamp() <= self.since {
            return None;
        }
        let mut before = after.older(pin);
        while let Some(newer) = before.filter(|version| version.stamp() > self.since) {
            before = newer.older(pin);
        }
        let value = |version: VersionRef<'_>| (!version.is_tombstone()).then(|| version.as_ptr());
        let (before, after) = (before.and_then(value), value(after));
        let row = ChangedRow { record: record.as_ptr(), before, after };
        (before.is_some() || after.is_some()).then_some(row)
    }
}

/// What is visible at a stamp that may be taken back: a copy, which counts only if the stamp is still lent when the step
/// is over (I-35).
#[derive(Debug, Clone, Copy)]
pub struct Copied {
    /// The stamp.
    pub stamp: u64,
}

impl Pick for Copied {
    type Row = (Vec<u8>, Vec<u8>);

    fn pick<P: Pinned>(&self, record: RecordRef<'_>, pin: &P) -> Option<Self::Row> {
        let value = record.visible_at(self.stamp, pin)?.value()?;
        Some((record.key().to_vec(), value.to_vec()))
    }
}
