//! A range as one run sees it: base, block and own writes, merged as they are asked for.
//!
//! A walk lives in its view: the iterator that users hold is its number. So a walk remembers what was read whatever becomes
//! of the iterator, and a store that is read through a shared reference can have several.
//!
//! Its two ends are walked by themselves, each with cursors of its own, and meet where one comes to a key that the other has
//! handed out. Each remembers what it passed: of keys that the block has written the answer, of own writes that they
//! hid whatever is below, of the base nothing, for it cannot change. A cursor's next key is looked at, and what is there
//! only when it is that key's turn: what was not handed out was not read.

use super::reading::Answer;
use super::view::{Mode, View};
use crate::Abort;
use epoch_store::block::{
    BaseRange, Direction, KeyRef, RangeRead, Read, ReadKind, State, Walk as OrderWalk, Write,
    Writer,
};
use std::ops::Bound;

type Bounds<'b> = (Bound<&'b [u8]>, Bound<&'b [u8]>);
type Entry<'b> = (&'b [u8], &'b [u8]);

/// The walks of a run.
#[derive(Debug, Default)]
pub struct Walks<'b> {
    walks: Vec<Walk<'b>>,
    /// Those before it belong to the run; the memory of the others is used again.
    used: usize,
}

/// Walks whose memory is kept from run to run.
const KEPT: usize = 16;

#[derive(Debug)]
struct Walk<'b> {
    bounds: Bounds<'b>,
    front: End<'b>,
    back: End<'b>,
    /// Own writes inside the bounds, sorted, as they were when the walk was made.
    own: Vec<Write<'b>>,
    is_done: bool,
}

/// One end of a walk.
#[derive(Debug)]
struct End<'b> {
    direction: Direction,
    /// While somebody may step it.
    cursors: Option<Cursors<'b>>,
    is_touched: bool,
    reads: Vec<Read<'b>>,
    /// The last key that it handed out.
    last: Option<&'b [u8]>,
    /// It found nothing more.
    is_over: bool,
}

#[derive(Debug)]
struct Cursors<'b> {
    base: BaseRange<'b>,
    next_base: Option<Entry<'b>>,
    order: OrderWalk<'b>,
    next_order: Option<KeyRef<'b>>,
    /// How many of the own writes it has passed.
    own: usize,
}

/// What stands at one key.
struct Here<'b> {
    key: &'b [u8],
    base: Option<&'b [u8]>,
    block: Option<KeyRef<'b>>,
    own: Option<Write<'b>>,
}

impl<'b> Walks<'b> {
    #[inline]
    pub fn clear(&mut self) {
        if self.used > 0 {
            self.used = 0;
            self.walks.truncate(KEPT);
        }
    }

    /// A walk that has not begun. Returns its number.
    pub fn open(&mut self, bounds: Bounds<'b>, own: &[Write<'b>]) -> usize {
        if self.used == self.walks.len() {
            self.walks.push(Walk::new());
        }
        let walk = &mut self.walks[self.used];
        walk.bounds = bounds;
        walk.front.clear();
        walk.back.clear();
        walk.is_done = false;
        walk.own.clear();
        walk.own.extend(own.iter().filter(|write| is_inside(write.key().key(), bounds)));
        walk.own.sort_unstable_by(|a, b| a.key().key().cmp(b.key().key()));
        self.used += 1;
        self.used - 1
    }

    /// Forgets the walk, if it is the last one and has nothing to remember.
    pub fn close(&mut self, at: usize, mode: Mode) {
        let walk = &mut self.walks[at];
        let is_untouched = !walk.front.is_touched && !walk.back.is_touched;
        // A run may open a million ranges: what is not needed for its account goes.
        (walk.front.cursors, walk.back.cursors, walk.own) = (None, None, Vec::new());
        if at + 1 == self.used && (mode == Mode::Final || is_untouched) {
            self.used = at;
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// What was read, for the account of the run: the reads are appended.
    pub fn account(&self, reads: &mut Vec<Read<'b>>, ranges: &mut Vec<RangeRead<'b>>) {
        for walk in &self.walks[..self.used] {
            for (end, other) in [(&walk.front, &walk.back), (&walk.back, &walk.front)] {
                let Some((lo, hi)) = walk.part(end, other) else { continue };
                let first = position(reads.len());
                reads.extend_from_slice(&end.reads);
                let reads = (first, position(reads.len()));
                ranges.push(RangeRead { lo, hi, reads, direction: end.direction });
            }
        }
    }
}

fn position(len: usize) -> u32 {
    u32::try_from(len).expect("fewer than 2^32 reads a run")
}

impl<'b> Walk<'b> {
    fn new() -> Self {
        Self {
            bounds: (Bound::Unbounded, Bound::Unbounded),
            front: End::new(Direction::Forward),
            back: End::new(Direction::Backward),
            own: Vec::new(),
            is_done: false,
        }
    }

    /// The end in a direction, the other one, and the own writes.
    #[inline]
    fn ends(&mut self, direction: Direction) -> (&mut End<'b>, &End<'b>, &[Write<'b>]) {
        match direction {
            Direction::Forward => (&mut self.front, &self.back, &self.own),
            Direction::Backward => (&mut self.back, &self.front, &self.own),
        }
    }

    /// The part of the bounds that an end has read: up to the last key that it handed out, or to where the other one is, or
    /// all.
    fn part(&self, end: &End<'b>, other: &End<'b>) -> Option<Bounds<'b>> {
        if !end.is_touched {
            return None;
        }
        let (lo, hi) = self.bounds;
        let reached = match (end.is_over, end.last, other.last) {
            (true, _, Some(met)) => Some(Bound::Excluded(met)),
            (true, _, None) => None,
            (false, Some(last), _) => Some(Bound::Included(last)),
            (false, None, _) => return None,
        };
        Some(match end.direction {
            Direction::Forward => (lo, reached.unwrap_or(hi)),
            Direction::Backward => (reached.unwrap_or(lo), hi),
        })
    }
}

impl<'b> End<'b> {
    fn new(direction: Direction) -> Self {
        Self {
            direction,
            cursors: None,
            is_touched: false,
            reads: Vec::new(),
            last: None,
            is_over: false,
        }
    }

    fn clear(&mut self) {
        (self.cursors, self.is_touched, self.last, self.is_over) = (None, false, None, false);
        self.reads.clear();
    }

    /// Takes what stands at the next key, of all three.
    fn take(
        &mut self,
        own: &[Write<'b>],
        bounds: Bounds<'b>,
        writer: &mut Writer<'b>,
    ) -> Option<Here<'b>> {
        let (direction, cursors) = (self.direction, self.cursors.as_mut()?);
        let order = cursors.next_order.map(KeyRef::key).filter(|key| is_inside(key, bounds));
        let written = cursors.peek_own(own, direction);
        let base = cursors.next_base.map(|(key, _)| key);
        let own_key = written.map(|write| write.key().key());
        let key = [base, order, own_key]
            .into_iter()
            .flatten()
            .reduce(|first, key| if comes_before(key, first, direction) { key } else { first })?;
        let mut here = Here { key, base: None, block: None, own: None };
        if base == Some(key) {
            here.base = cursors.next_base.map(|(_, value)| value);
            cursors.next_base = cursors.step_base(direction, writer);
        }
        if order == Some(key) {
            here.block = cursors.next_order;
            cursors.next_order = cursors.order.next();
        }
        if own_key == Some(key) {
            here.own = written;
            cursors.own += 1;
        }
        Some(here)
    }
}

impl<'b> Cursors<'b> {
    fn step_base(&mut self, direction: Direction, writer: &mut Writer<'b>) -> Option<Entry<'b>> {
        match direction {
            Direction::Forward => self.base.next(writer),
            Direction::Backward => self.base.next_back(writer),
        }
    }

    fn peek_own(&self, own: &[Write<'b>], direction: Direction) -> Option<Write<'b>> {
        match direction {
            Direction::Forward => own.get(self.own).copied(),
            Direction::Backward => own.iter().nth_back(self.own).copied(),
        }
    }
}

#[inline]
fn comes_before(key: &[u8], other: &[u8], direction: Direction) -> bool {
    match direction {
        Direction::Forward => key < other,
        Direction::Backward => key > other,
    }
}

/// Whether a key lies inside some bounds.
#[inline]
pub fn is_inside(key: &[u8], (lo, hi): Bounds<'_>) -> bool {
    let above = match lo {
        Bound::Unbounded => true,
        Bound::Included(lo) => key >= lo,
        Bound::Excluded(lo) => key > lo,
    };
    above
        && match hi {
            Bound::Unbounded => true,
            Bound::Included(hi) => key <= hi,
            Bound::Excluded(hi) => key < hi,
        }
}

impl<'b> View<'b> {
    /// The next entry at an end of a walk.
    pub(super) fn step(
        &mut self,
        at: usize,
        direction: Direction,
    ) -> Option<Result<Entry<'b>, Abort>> {
        if self.walks.walks[at].is_done {
            return None;
        }
        let entry = self.admit().and_then(|()| self.next_entry(at, direction)).transpose();
        if !matches!(entry, Some(Ok(_))) {
            self.walks.walks[at].is_done = true;
        }
        entry
    }

    fn next_entry(&mut self, at: usize, direction: Direction) -> Result<Option<Entry<'b>>, Abort> {
        self.begin_walk(at, direction);
        loop {
            let walk = &mut self.walks.walks[at];
            let bounds = walk.bounds;
            let (end, other, own) = walk.ends(direction);
            let here = end.take(own, bounds, &mut self.writer).filter(|here| {
                other.last.is_none_or(|last| comes_before(here.key, last, direction))
            });
            let Some(here) = here else {
                end.is_over = true;
                return Ok(None);
            };
            let (value, read) = self.at(&here)?;
            let (end, ..) = self.walks.walks[at].ends(direction);
            if let Some(read) = read.filter(|_| self.mode == Mode::Speculative) {
                end.reads.push(read);
            }
            if let Some(value) = value {
                end.last = Some(here.key);
                return Ok(Some((here.key, value)));
            }
        }
    }

    /// Places the cursors of an end that was not asked before.
    fn begin_walk(&mut self, at: usize, direction: Direction) {
        let walk = &mut self.walks.walks[at];
        let (lo, hi) = walk.bounds;
        let (end, ..) = walk.ends(direction);
        if end.cursors.is_some() {
            return;
        }
        let map = self.block.map();
        let order = map.ordered(&mut self.writer);
        let order = match direction {
            Direction::Forward => order.forward(lo),
            Direction::Backward => order.backward(hi),
        };
        let base = map.base_range(lo, hi);
        let mut cursors = Cursors { base, next_base: None, order, next_order: None, own: 0 };
        cursors.next_base = cursors.step_base(direction, &mut self.writer);
        cursors.next_order = cursors.order.next();
        (end.cursors, end.is_touched) = (Some(cursors), true);
    }

    /// The value at a key, and what is to be remembered.
    fn at(&mut self, here: &Here<'b>) -> Result<(Option<&'b [u8]>, Option<Read<'b>>), Abort> {
        match (here.own, here.block) {
            (Some(write), _) => self.at_own(write),
            (None, None) => Ok((here.base, None)),
            (None, Some(key)) => self.at_block(key),
        }
    }

    /// An own write: it hides what is below, or is merged into it.
    fn at_own(&mut self, write: Write<'b>) -> Result<(Option<&'b [u8]>, Option<Read<'b>>), Abort> {
        let value = match write.state() {
            State::Merge { op, delta } => {
                let Answer { value, read } = self.answer(write.key())?;
                let merged = self.merged(value, op, delta)?;
                return Ok((Some(merged), Some(read)));
            }
            State::Value(value) => Some(value),
            _ => None,
        };
        let is_noted = self.mode == Mode::Speculative;
        let note = is_noted.then(|| self.writer.note(write.key(), ReadKind::Bound, &[]));
        Ok((value, note))
    }

    /// A key that the block has written. If it is as the base has it for this transaction, nothing is remembered: that it is
    /// found otherwise later shows by itself.
    fn at_block(&mut self, key: KeyRef<'b>) -> Result<(Option<&'b [u8]>, Option<Read<'b>>), Abort> {
        let Answer { value, read } = self.answer(key)?;
        let is_base = read.kind() == ReadKind::Get && read.seen().is_base();
        Ok((value, (!is_base).then_some(read)))
    }
}
