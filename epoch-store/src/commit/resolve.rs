//! What a commit needs of the store while it is installed: another record for a key whose record was sealed, and the
//! records of the keys that it deletes without naming them.

use crate::chain::{Record, RecordRef};
use crate::list::Within;
use crate::reclaim::Pinned;
use crate::tally::Tally;
use std::ops::ControlFlow;
use std::ptr::NonNull;

/// A record that can take versions, or could a moment ago.
#[derive(Debug)]
pub struct Resolved<'p> {
    /// The record.
    pub record: RecordRef<'p>,
    /// Made for this call, without a version; else it was there.
    pub made: bool,
}

/// See the module header.
pub trait Resolve {
    /// The record of `key` that is not sealed, or was not a moment ago: found, or made and put where readers look for
    /// it. Lock-free.
    fn resolve<'p, P: Pinned>(
        &'p self,
        space: u32,
        key: &[u8],
        pin: &'p P,
        tally: &Tally,
    ) -> Resolved<'p>;

    /// Removes a record that `resolve` made and the caller has sealed without a version in it, and retires it.
    fn discard<P: Pinned>(&self, space: u32, record: RecordRef<'_>, pin: &P, tally: &Tally);

    /// Visits the records in the list with keys inside the bounds, in key order, a leaf at a time, until it is told to
    /// stop. Every record is visited that was in the list when this was called, and is not sealed.
    fn for_each_leaf<P: Pinned>(
        &self,
        space: u32,
        within: Within<'_>,
        pin: &P,
        tally: &Tally,
        visit: impl FnMut(&[NonNull<Record>]) -> ControlFlow<()>,
    ) -> ControlFlow<()>;
}
