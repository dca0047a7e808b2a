//! Iteration over a range, from both ends.

use super::ends::Ends;
use super::{Key, SpaceView, Value};
use crate::chain::{RecordRef, VersionRef};
use crate::store::{Direction, Remaining, Row, Visible};
use std::fmt;
use std::iter::FusedIterator;

/// An iterator over the entries of a snapshot inside some bounds; see [`Snapshot::range`](super::Snapshot::range).
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
    view: SpaceView<'s>,
    ends: Ends<Row>,
}

// SAFETY: rows are shared views that the snapshot keeps alive (I-7); everything mutable behind them is atomic.
unsafe impl Send for Range<'_> {}
// SAFETY: as above.
unsafe impl Sync for Range<'_> {}

impl<'s> Range<'s> {
    pub(super) fn new(view: SpaceView<'s>, remaining: Remaining) -> Self {
        Self { view, ends: Ends::new(remaining) }
    }

    #[inline]
    fn entry(&mut self, direction: Direction) -> Option<(Key<'s>, Value<'s>)> {
        let row = match self.ends.take(direction) {
            Some(row) => row,
            None => {
                let SpaceView { snapshot, space } = self.view;
                let pick = Visible { stamp: snapshot.slot.stamp() };
                self.ends.read_and_take(snapshot.store(), space, &pick, direction)?
            }
        };
        // SAFETY: I-7: the row's version is visible at the snapshot's stamp, which is registered during 's; a record
        // with such a version is not freed either.
        unsafe {
            let key = RecordRef::<'s>::new(row.record).key();
            let value = VersionRef::<'s>::built(row.version).value();
            Some((Key::new(key), Value::new(value.unwrap_or_default())))
        }
    }
}

impl<'s> Iterator for Range<'s> {
    type Item = (Key<'s>, Value<'s>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.entry(Direction::Forward)
    }
}

impl DoubleEndedIterator for Range<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entry(Direction::Backward)
    }
}

impl FusedIterator for Range<'_> {}

impl fmt::Debug for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range").field("snapshot", self.view.snapshot).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Range<'static>: Send, Sync);
