//! The two ends of a range: what was read ahead at each of them, and what lies between.

use crate::chain::Record;
use crate::space::Space;
use crate::store::{Direction, Pick, Remaining, Store};
use std::collections::VecDeque;
use std::ptr::NonNull;

/// Rows read by the first step of an end: what a look at the first few entries costs.
const FIRST_STEP: usize = 16;
/// Rows read by a step at most.
const LONGEST_STEP: usize = 128;

/// See the module header. Any mix of takes from both ends yields each row once.
pub(super) struct Ends<R> {
    remaining: Remaining,
    front: End<R>,
    back: End<R>,
    scratch: Vec<NonNull<Record>>,
}

// SAFETY: the pointers in `scratch` are looked at only within the step that put them there.
unsafe impl<R: Send> Send for Ends<R> {}
// SAFETY: as above.
unsafe impl<R: Sync> Sync for Ends<R> {}

/// Rows read ahead at one end, in the order in which that end yields them.
struct End<R> {
    rows: VecDeque<R>,
    step: usize,
}

impl<R> End<R> {
    fn new() -> Self {
        Self { rows: VecDeque::new(), step: FIRST_STEP }
    }
}

impl<R> Ends<R> {
    pub(super) fn new(remaining: Remaining) -> Self {
        Self { remaining, front: End::new(), back: End::new(), scratch: Vec::new() }
    }

    /// The next row of an end, if it was read ahead.
    #[inline]
    pub(super) fn take(&mut self, direction: Direction) -> Option<R> {
        match direction {
            Direction::Forward => self.front.rows.pop_front(),
            Direction::Backward => self.back.rows.pop_front(),
        }
    }

    /// The next row of an end that has none and between which and the other nothing is left to be read: the other end has
    /// come this far, and its far side is next.
    pub(super) fn take_far(&mut self, direction: Direction) -> Option<R> {
        match direction {
            Direction::Forward => self.back.rows.pop_back(),
            Direction::Backward => self.front.rows.pop_back(),
        }
    }

    /// Whether nothing is left to be read: what there is was read ahead, at one end or the other.
    pub(super) fn all_read(&self) -> bool {
        self.remaining.done
    }

    /// Reads ahead at an end that has no rows left.
    pub(super) fn read<P: Pick<Row = R>>(
        &mut self,
        store: &Store,
        space: &Space,
        pick: &P,
        direction: Direction,
    ) {
        let end = match direction {
            Direction::Forward => &mut self.front,
            Direction::Backward => &mut self.back,
        };
        let mut rows = Vec::from(std::mem::take(&mut end.rows));
        let (remaining, scratch) = (&mut self.remaining, &mut self.scratch);
        store.step(space, pick, remaining, direction, end.step, scratch, &mut rows);
        end.step = (end.step * 2).min(LONGEST_STEP);
        end.rows = rows.into();
    }

    /// Reads ahead at an end that has no rows left, and takes one.
    #[cold]
    pub(super) fn read_and_take<P: Pick<Row = R>>(
        &mut self,
        store: &Store,
        space: &Space,
        pick: &P,
        direction: Direction,
    ) -> Option<R> {
        self.read(store, space, pick, direction);
        self.take(direction).or_else(|| self.take_far(direction))
    }

    /// What the last step read at this end does not count. The other end keeps its rows.
    pub(super) fn discard(&mut self, direction: Direction) {
        match direction {
            Direction::Forward => self.front.rows.clear(),
            Direction::Backward => self.back.rows.clear(),
        }
    }

    /// Nothing more will be read.
    pub(super) fn end(&mut self) {
        self.remaining.done = true;
    }
}
