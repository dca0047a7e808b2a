//! Iteration over what a transaction sees: its snapshot, overlaid with its own writes.

use super::bounds::Bounds;
use super::chain::{Shared, Step, Written};
use super::state::State;
use crate::{Error, Key, Range, Value};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

/// An iterator over entries that a transaction sees, in key order, from either end; see
/// [`Transaction::range`](super::Transaction::range).
///
/// *Guarantee.* It shows the snapshot and the transaction's own writes as they were when it was made; writes that the
/// transaction makes meanwhile are not seen. Any mix of `next` and `next_back` yields each entry once.
///
/// *What counts as read*, under [`Isolation::Serializable`](super::Isolation::Serializable): from the lower bound through
/// the last key that `next` returned, and from the last key that `next_back` returned through the upper bound; all, once
/// either returned `None`; nothing, if neither was called. Rows that the transaction has written itself are part of what was
/// read, unlike own writes that are looked up by their keys. It is noted when the iterator is dropped; one that is forgotten
/// ([`std::mem::forget`]) counts as read to its end.
///
/// *Progress and cost.* Never waits. A step costs that of [`Range`], and a look-up in the tree of own writes if there are
/// any in the key space.
pub struct TransactionRange<'t> {
    stored: Peeked<Range<'t>>,
    written: Peeked<OwnRange<'t>>,
    consumed: Consumed<'t>,
}

type Entry<'t> = (Key<'t>, Value<'t>);

/// Which end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl<'t> TransactionRange<'t> {
    /// Over what was stored in a space at the snapshot, and what is written to it. `place`: where its range stands among
    /// the reads, if it is tracked.
    pub(super) fn new(
        stored: Range<'t>,
        state: &'t RefCell<State>,
        space: usize,
        bounds: Bounds,
        place: Option<usize>,
    ) -> Self {
        Self {
            stored: Peeked::new(stored),
            written: Peeked::new(OwnRange::new(state, space, bounds)),
            consumed: Consumed { state, place, front: None, back: None, all: false },
        }
    }

    fn entry(&mut self, end: End) -> Option<Result<Entry<'t>, Error>> {
        let entry = self.merge(end);
        match &entry {
            Some(Ok((key, _))) => self.consumed.note(end, key),
            Some(Err(_)) => {}
            None => self.consumed.all = true,
        }
        entry
    }

    /// The next entry at an end: of two with one key the own write, which hides it if it is a delete.
    fn merge(&mut self, end: End) -> Option<Result<Entry<'t>, Error>> {
        loop {
            match self.nearer(end)? {
                Ordering::Less => return self.stored.take(end),
                Ordering::Equal => drop(self.stored.take(end)),
                Ordering::Greater => {}
            }
            if let (key, Some(value)) = self.written.take(end)? {
                return Some(Ok((Key::of_shared(key), Value::of_shared(value))));
            }
        }
    }

    /// Which comes next at an end: the stored entry (`Less`), the written one (`Greater`), or both. An error comes first.
    fn nearer(&mut self, end: End) -> Option<Ordering> {
        match (self.stored.peek(end), self.written.peek(end)) {
            (None, None) => None,
            (None, Some(_)) => Some(Ordering::Greater),
            (Some(_), None) | (Some(Err(_)), _) => Some(Ordering::Less),
            (Some(Ok((stored, _))), Some((written, _))) => Some(match end {
                End::Front => stored[..].cmp(written),
                End::Back => written[..].cmp(stored),
            }),
        }
    }
}

impl<'t> Iterator for TransactionRange<'t> {
    type Item = Result<Entry<'t>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entry(End::Front)
    }
}

impl DoubleEndedIterator for TransactionRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entry(End::Back)
    }
}

impl FusedIterator for TransactionRange<'_> {}

impl fmt::Debug for TransactionRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionRange").finish_non_exhaustive()
    }
}

/// An iterator of which the next item at each end can be looked at.
struct Peeked<I: Iterator> {
    rest: I,
    front: Option<I::Item>,
    back: Option<I::Item>,
}

impl<I: DoubleEndedIterator + FusedIterator> Peeked<I> {
    fn new(rest: I) -> Self {
        Self { rest, front: None, back: None }
    }

    fn peek(&mut self, end: End) -> Option<&I::Item> {
        let item = self.take(end);
        let slot = match end {
            End::Front => &mut self.front,
            End::Back => &mut self.back,
        };
        *slot = item;
        slot.as_ref()
    }

    /// What lies between is used up first; then the item that the other end has looked at is the next at both.
    fn take(&mut self, end: End) -> Option<I::Item> {
        match end {
            End::Front => {
                self.front.take().or_else(|| self.rest.next()).or_else(|| self.back.take())
            }
            End::Back => {
                self.back.take().or_else(|| self.rest.next_back()).or_else(|| self.front.take())
            }
        }
    }
}

/// The own writes inside some bounds, as they were at one step.
struct OwnRange<'t> {
    state: &'t RefCell<State>,
    space: usize,
    /// `None`: nothing was written to the space.
    step: Option<Step>,
    /// What is left.
    bounds: Bounds,
}

impl<'t> OwnRange<'t> {
    fn new(state: &'t RefCell<State>, space: usize, bounds: Bounds) -> Self {
        let writes = &mut state.borrow_mut().writes;
        let step = (!writes.is_untouched(space)).then(|| writes.iterator_comes());
        Self { state, space, step, bounds }
    }
}

impl Iterator for OwnRange<'_> {
    type Item = (Shared, Written);

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step?;
        let entry = self.state.borrow().writes.first(self.space, &self.bounds, step)?;
        self.bounds.0 = Bound::Excluded(entry.0.clone());
        Some(entry)
    }
}

impl DoubleEndedIterator for OwnRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let step = self.step?;
        let entry = self.state.borrow().writes.last(self.space, &self.bounds, step)?;
        self.bounds.1 = Bound::Excluded(entry.0.clone());
        Some(entry)
    }
}

// What it looks at does not change while it is there.
impl FusedIterator for OwnRange<'_> {}

impl Drop for OwnRange<'_> {
    fn drop(&mut self) {
        if self.step.is_some() {
            self.state.borrow_mut().writes.iterator_goes();
        }
    }
}

/// How far an iterator has come, which is noted among the reads when it is dropped.
struct Consumed<'t> {
    state: &'t RefCell<State>,
    place: Option<usize>,
    front: Option<Key<'t>>,
    back: Option<Key<'t>>,
    all: bool,
}

impl<'t> Consumed<'t> {
    fn note(&mut self, end: End, key: &Key<'t>) {
        if self.place.is_some() {
            match end {
                End::Front => self.front = Some(key.clone()),
                End::Back => self.back = Some(key.clone()),
            }
        }
    }

    /// The parts of the range that were read.
    fn parts(&self, (from, to): Bounds) -> [Option<Bounds>; 2] {
        if self.all {
            return [Some((from, to)), None];
        }
        let through = |key: &Key<'_>| Bound::Included(Shared::from(&key[..]));
        let front = self.front.as_ref().map(|key| (from, through(key)));
        let back = self.back.as_ref().map(|key| (through(key), to));
        [front, back]
    }
}

impl Drop for Consumed<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.state.borrow_mut().reads.close(place, |range| self.parts(range));
        }
    }
}
