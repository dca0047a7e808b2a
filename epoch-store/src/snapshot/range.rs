//! Iteration over a range, from both ends.

use super::{Key, Snapshot, Value};
use crate::chain::{RecordRef, VersionRef};
use crate::store::{Direction, Remaining, Row};
use std::fmt;
use std::iter::FusedIterator;

/// Rows read by the first step of an end: what a look at the first few entries costs.
const FIRST_STEP: usize = 16;
/// Rows read by a step at most.
const LONGEST_STEP: usize = 128;

/// An iterator over the entries of a snapshot inside some bounds; see [`Snapshot::range`].
///
/// Any mix of `next` and `next_back` yields each entry once. Between two calls it holds nothing but its place.
///
/// It borrows its snapshot:
///
/// ```compile_fail,E0505
/// let map = epoch_store::Map::new();
/// let snapshot = map.snapshot();
/// let range = snapshot.iter();
/// drop(snapshot);
/// range.count();
/// ```
pub struct Range<'s> {
    snapshot: &'s Snapshot,
    remaining: Remaining,
    front: End,
    back: End,
    scratch: Vec<std::ptr::NonNull<crate::chain::Record>>,
}

/// Rows read ahead at one end, in the order in which that end yields them.
struct End {
    rows: Vec<Row>,
    taken: usize,
    step: usize,
}

// SAFETY: rows are shared views that the snapshot keeps alive (I-7); everything mutable behind them is atomic.
unsafe impl Send for Range<'_> {}
// SAFETY: as above.
unsafe impl Sync for Range<'_> {}

impl End {
    fn new() -> Self {
        Self { rows: Vec::new(), taken: 0, step: FIRST_STEP }
    }

    #[inline]
    fn take(&mut self) -> Option<Row> {
        let row = self.rows.get(self.taken).copied()?;
        self.taken += 1;
        Some(row)
    }

    /// A row from the far side: the other end has come this far.
    fn take_last(&mut self) -> Option<Row> {
        if self.taken == self.rows.len() {
            return None;
        }
        self.rows.pop()
    }
}

impl<'s> Range<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, remaining: Remaining) -> Self {
        Self { snapshot, remaining, front: End::new(), back: End::new(), scratch: Vec::new() }
    }

    #[cold]
    fn refill(&mut self, direction: Direction) {
        let end = match direction {
            Direction::Forward => &mut self.front,
            Direction::Backward => &mut self.back,
        };
        end.rows.clear();
        end.taken = 0;
        let (store, stamp) = (self.snapshot.store(), self.snapshot.slot.stamp());
        let (remaining, scratch) = (&mut self.remaining, &mut self.scratch);
        store.step(stamp, remaining, direction, end.step, scratch, &mut end.rows);
        end.step = (end.step * 2).min(LONGEST_STEP);
    }

    #[inline]
    fn entry(&self, row: Row) -> (Key<'s>, Value<'s>) {
        // SAFETY: I-7: the row's version is visible at the snapshot's stamp, which is registered during 's; a record
        // with such a version is not freed either.
        unsafe {
            let key = RecordRef::<'s>::new(row.record).key();
            let value = VersionRef::<'s>::built(row.version).value();
            (Key::new(key), Value::new(value.unwrap_or_default()))
        }
    }
}

impl<'s> Iterator for Range<'s> {
    type Item = (Key<'s>, Value<'s>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.front.take() {
            return Some(self.entry(row));
        }
        self.refill(Direction::Forward);
        let row = self.front.take().or_else(|| self.back.take_last())?;
        Some(self.entry(row))
    }
}

impl DoubleEndedIterator for Range<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.back.take() {
            return Some(self.entry(row));
        }
        self.refill(Direction::Backward);
        let row = self.back.take().or_else(|| self.front.take_last())?;
        Some(self.entry(row))
    }
}

impl FusedIterator for Range<'_> {}

impl fmt::Debug for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range").field("snapshot", self.snapshot).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Range<'static>: Send, Sync);
