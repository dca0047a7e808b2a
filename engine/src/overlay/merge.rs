//! Iteration over a layer and all below it, from both ends.
//!
//! Each end is a merge of its own, begun when it is first asked: one range of the core for each layer that was ever written
//! to, and one for the base, in a heap by their next keys; of equal keys the topmost layer's comes first and hides the
//! others. The two ends share nothing but the last key that each has yielded, and end where they meet.

use super::entry::layer_range;
use super::view::{Reader, entry_of};
use crate::{Error, Key, Value};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

/// A bound that owns its key.
type OwnedBound = Bound<SmallVec<[u8; 48]>>;

/// An iterator over what a view shows inside some bounds; see [`OverlayView::range`](super::OverlayView::range).
///
/// Any mix of `next` and `next_back` yields each entry once. Between two calls it holds nothing but its place. After an
/// error it ends.
///
/// ```
/// let overlay = engine::Store::in_memory().overlay();
/// for key in ["a", "b", "c"] {
///     overlay.put(key, "")?;
/// }
/// let view = overlay.view();
/// let mut range = view.iter();
/// assert_eq!(range.next().unwrap()?.0, "a");
/// assert_eq!(range.next_back().unwrap()?.0, "c");
/// assert_eq!(range.next().unwrap()?.0, "b");
/// assert!(range.next().is_none() && range.next_back().is_none());
/// # Ok::<(), engine::Error>(())
/// ```
pub struct OverlayRange<'s> {
    reader: Reader<'s>,
    from: OwnedBound,
    to: OwnedBound,
    front: End<'s>,
    back: End<'s>,
    is_done: bool,
}

/// One end: its merge, if it has begun, and the last key that it yielded.
struct End<'s> {
    merge: Option<BinaryHeap<Head<'s>>>,
    last: Option<Key<'s>>,
}

/// The next entry of a source, and the source.
struct Head<'s> {
    key: Key<'s>,
    /// `None`: a tombstone.
    value: Option<Value<'s>>,
    source: Source<'s>,
    /// 0: the top layer.
    rank: usize,
    direction: Direction,
}

enum Source<'s> {
    Layer(epoch_store::Range<'s>),
    Base(crate::Range<'s>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl<'s> Source<'s> {
    fn next(&mut self, direction: Direction) -> Option<Result<Merged<'s>, Error>> {
        match (self, direction) {
            (Self::Layer(range), Direction::Forward) => range.next().map(|row| Ok(entry_of(row))),
            (Self::Layer(range), Direction::Backward) => {
                range.next_back().map(|row| Ok(entry_of(row)))
            }
            (Self::Base(range), Direction::Forward) => range.next().map(live),
            (Self::Base(range), Direction::Backward) => range.next_back().map(live),
        }
    }
}

/// A key, and its value or a tombstone.
type Merged<'s> = (Key<'s>, Option<Value<'s>>);

fn live<'s>(row: Result<(Key<'s>, Value<'s>), Error>) -> Result<Merged<'s>, Error> {
    row.map(|(key, value)| (key, Some(value)))
}

/// Greatest first in the heap: the one to be yielded first, and of equal keys that of the topmost layer.
impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = match self.direction {
            Direction::Forward => other.key.cmp(&self.key),
            Direction::Backward => self.key.cmp(&other.key),
        };
        keys.then_with(|| other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

impl<'s> OverlayRange<'s> {
    pub(super) fn new(reader: Reader<'s>, (from, to): (Bound<&[u8]>, Bound<&[u8]>)) -> Self {
        Self {
            reader,
            from: from.map(SmallVec::from_slice),
            to: to.map(SmallVec::from_slice),
            front: End { merge: None, last: None },
            back: End { merge: None, last: None },
            is_done: false,
        }
    }

    /// The sources inside the bounds, each with its first entry in this direction.
    fn begin(&self, direction: Direction) -> Result<BinaryHeap<Head<'s>>, Error> {
        let Reader { layers, base, layer } = self.reader;
        let borrow = |bound: &'_ OwnedBound| bound.clone();
        let bounds = (self.from.as_ref().map(|key| &key[..]), self.to.as_ref().map(|key| &key[..]));
        let written = layer.written();
        let ranges = written.map(|layer| layers.range(layer_range(layer.number(), bounds)));
        let below = Source::Base(base.range((borrow(&self.from), borrow(&self.to))));
        let sources = ranges.map(Source::Layer).chain(std::iter::once(below));
        let mut heads = Vec::new();
        for (rank, mut source) in sources.enumerate() {
            if let Some(entry) = source.next(direction) {
                let (key, value) = entry?;
                heads.push(Head { key, value, source, rank, direction });
            }
        }
        Ok(heads.into())
    }

    fn entry(&mut self, direction: Direction) -> Option<Result<(Key<'s>, Value<'s>), Error>> {
        if self.is_done {
            return None;
        }
        let entry = self.merged(direction).transpose();
        self.is_done = !matches!(entry, Some(Ok(_)));
        entry
    }

    /// The next entry of an end that the other has not yielded, without tombstones.
    fn merged(&mut self, direction: Direction) -> Result<Option<(Key<'s>, Value<'s>)>, Error> {
        let is_begun = match direction {
            Direction::Forward => self.front.merge.is_some(),
            Direction::Backward => self.back.merge.is_some(),
        };
        let begun = if is_begun { None } else { Some(self.begin(direction)?) };
        let (end, other) = match direction {
            Direction::Forward => (&mut self.front, &self.back),
            Direction::Backward => (&mut self.back, &self.front),
        };
        let heap = end.merge.get_or_insert_with(|| begun.unwrap_or_default());
        while let Some((key, value)) = pop(heap, direction)? {
            while heap.peek().is_some_and(|head| head.key == key) {
                pop(heap, direction)?;
            }
            if other.last.as_ref().is_some_and(|last| !comes_before(&key, last, direction)) {
                return Ok(None);
            }
            if let Some(value) = value {
                end.last = Some(key.clone());
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}

fn comes_before(key: &[u8], other: &[u8], direction: Direction) -> bool {
    match direction {
        Direction::Forward => key < other,
        Direction::Backward => key > other,
    }
}

/// Takes the first entry of all sources, and moves its source on.
fn pop<'s>(
    heap: &mut BinaryHeap<Head<'s>>,
    direction: Direction,
) -> Result<Option<Merged<'s>>, Error> {
    let Some(mut top) = heap.peek_mut() else { return Ok(None) };
    match top.source.next(direction) {
        None => {
            let Head { key, value, .. } = PeekMut::pop(top);
            Ok(Some((key, value)))
        }
        Some(next) => {
            let (key, value) = next?;
            let key = std::mem::replace(&mut top.key, key);
            let value = std::mem::replace(&mut top.value, value);
            Ok(Some((key, value)))
        }
    }
}

impl<'s> Iterator for OverlayRange<'s> {
    type Item = Result<(Key<'s>, Value<'s>), Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.entry(Direction::Forward)
    }
}

impl DoubleEndedIterator for OverlayRange<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entry(Direction::Backward)
    }
}

impl FusedIterator for OverlayRange<'_> {}

impl fmt::Debug for OverlayRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayRange")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}
