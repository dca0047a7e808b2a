//! The writes to one key, and who looks at which of them.
//!
//! Each write of a transaction is a *step*, counted upwards. Whoever looks at the writes looks at one step: reads at the
//! newest, an iterator at that of its creation, a savepoint at that at which it was set. A write replaces the one before
//! it, unless somebody looks at a step between the two. So a chain is about as long as there are such lookers.

use smallvec::SmallVec;
use std::sync::Arc;

/// Bytes of a key or value, shared by the writes and those who read them.
pub(super) type Shared = Arc<[u8]>;

/// What is written to a key; `None`: a delete.
pub(super) type Written = Option<Shared>;

/// The number of a write within its transaction.
pub(super) type Step = u64;

/// The writes to one key, oldest first.
#[derive(Debug, Default)]
pub(super) struct Chain {
    writes: SmallVec<[(Step, Written); 1]>,
}

impl Chain {
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The last write.
    pub(super) fn newest(&self) -> Option<&(Step, Written)> {
        self.writes.last()
    }

    /// What a looker at `step` sees.
    pub(super) fn at(&self, step: Step) -> Option<&(Step, Written)> {
        let newer = self.writes.partition_point(|(at, _)| *at <= step);
        self.writes.get(newer.checked_sub(1)?)
    }

    /// Adds a write, which is newer than all that are there, and drops those next to it that nobody looks at.
    pub(super) fn push(&mut self, step: Step, written: Written, lookers: &Lookers) {
        while let [.., (older, _), (newer, _)] = self.writes[..] {
            if lookers.any_between(older, newer) {
                break;
            }
            self.writes.remove(self.writes.len() - 2);
        }
        match self.writes.last_mut() {
            Some(last) if !lookers.any_between(last.0, step) => *last = (step, written),
            _ => self.writes.push((step, written)),
        }
    }

    /// Takes back what was written after `step`.
    pub(super) fn cut(&mut self, step: Step) {
        while self.writes.last().is_some_and(|(at, _)| *at > step) {
            self.writes.pop();
        }
    }
}

/// A savepoint, as the writes know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// Never used again in its transaction.
    pub(super) number: u64,
    /// What it looks at.
    pub(super) step: Step,
    /// How long the log was when it was set.
    pub(super) log_len: usize,
}

/// Who looks at steps before the newest.
#[derive(Debug, Default)]
pub(super) struct Lookers {
    /// Oldest first.
    pub(super) marks: Vec<Mark>,
    iterators: usize,
    /// The newest step that one of them looks at, if there are any.
    iterated: Step,
}

impl Lookers {
    /// Whether anybody may look at a step from `older` up to the one before `newer`. Of iterators only the newest is
    /// known, so that they count as looking at all steps before its.
    fn any_between(&self, older: Step, newer: Step) -> bool {
        let next = self.marks.partition_point(|mark| mark.step < older);
        let mark = self.marks.get(next).is_some_and(|mark| mark.step < newer);
        mark || (self.iterators > 0 && older <= self.iterated)
    }

    pub(super) fn iterator_comes(&mut self, step: Step) {
        self.iterators += 1;
        self.iterated = step;
    }

    pub(super) fn iterator_goes(&mut self) {
        self.iterators = self.iterators.saturating_sub(1);
    }
}
