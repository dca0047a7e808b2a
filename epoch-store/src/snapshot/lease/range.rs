//! Iteration over copies of a range, from both ends, until the lease is taken back.

use super::LeaseView;
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::snapshot::ends::Ends;
use crate::store::{Copied, Direction, Remaining};
use std::fmt;
use std::iter::FusedIterator;

/// Copies of a key and its value.
type Entry = (Vec<u8>, Vec<u8>);

/// An iterator over copies of the entries of a lease; see [`Lease::range`](super::Lease::range).
pub struct LeaseRange<'l> {
    view: LeaseView<'l>,
    /// Rows in it have passed the check of their step.
    ends: Ends<Entry>,
}

impl<'l> LeaseRange<'l> {
    pub(super) fn new(view: LeaseView<'l>, keys: impl KeyRange) -> Self {
        let (from, to) = keys.bounds();
        Self { view, ends: Ends::new(Remaining::new(from, to)) }
    }

    fn entry(&mut self, direction: Direction) -> Option<Result<Entry, Error>> {
        if let Some(row) = self.ends.take(direction) {
            return Some(Ok(row));
        }
        if !self.ends.all_read()
            && let Err(error) = self.read(direction)
        {
            // Once: from here on all is read that ever will be.
            self.ends.discard(direction);
            self.ends.end();
            return Some(Err(error));
        }
        self.ends.take(direction).or_else(|| self.ends.take_far(direction)).map(Ok)
    }

    /// A step: its rows, and that there are no more of them, count only if the lease still stands when it is over.
    fn read(&mut self, direction: Direction) -> Result<(), Error> {
        let LeaseView { lease, space } = self.view;
        lease.check_early()?;
        let pick = Copied { stamp: lease.slot.stamp() };
        self.ends.read(lease.store(), space, &pick, direction);
        lease.check()
    }
}

impl Iterator for LeaseRange<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entry(Direction::Forward)
    }
}

impl DoubleEndedIterator for LeaseRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entry(Direction::Backward)
    }
}

impl FusedIterator for LeaseRange<'_> {}

impl fmt::Debug for LeaseRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseRange").field("lease", self.view.lease).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(LeaseRange<'static>: Send, Sync);
