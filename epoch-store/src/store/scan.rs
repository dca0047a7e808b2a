//! Reading a range: a leaf or a part of one per step, each step under a pin of its own.
//!
//! A step asks a [`Pick`] what it makes of each record, keeps the rows, and ends its pin. Rows that point to records and
//! versions stay valid as long as the stamps are registered at which those are visible (I-7; a record with a visible
//! version is not freed either), so a reader that sleeps between two steps holds nothing but its own versions. The
//! next step finds its place again by key (rule 29).

use super::Store;
use super::pick::Pick;
use crate::chain::{Record, RecordRef};
use crate::list::{BodyRef, List, Place, Within};
use crate::reclaim::Pinned;
use crate::session::Claim;
use crate::space::Space;
use crate::sync::{pause, prefetch};
use smallvec::SmallVec;
use std::ops::Bound;
use std::ptr::NonNull;

/// A leaf met by a long scan is folded when its tail holds as much as this: the next scan need not sort it.
const FOLD_TAIL: usize = 2;
/// Steps of at least this many rows count as a long scan.
const LONG_SCAN: usize = 32;
/// How far ahead records are prefetched, and versions.
const RECORDS_AHEAD: usize = 16;
const VERSIONS_AHEAD: usize = 8;
/// Records looked at under one pin, about, where few of them make rows.
const RECORDS_PER_PIN: usize = 1_024;

/// Which end of a range a step takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From its lower end up.
    Forward,
    /// From its upper end down.
    Backward,
}

/// A key bound that owns its key.
pub type OwnedBound = Bound<SmallVec<[u8; 48]>>;

/// The part of a range that has not been read yet.
#[derive(Debug, Clone)]
pub struct Remaining {
    /// Its lower bound.
    pub from: OwnedBound,
    /// Its upper bound.
    pub to: OwnedBound,
    /// Nothing is left.
    pub done: bool,
}

impl Remaining {
    /// The whole of a range.
    pub fn new(from: Bound<&[u8]>, to: Bound<&[u8]>) -> Self {
        let done = Within { from, to }.is_empty();
        Self { from: from.map(SmallVec::from_slice), to: to.map(SmallVec::from_slice), done }
    }

    fn within(&self) -> Within<'_> {
        Within { from: borrow(&self.from), to: borrow(&self.to) }
    }
}

fn borrow(bound: &OwnedBound) -> Bound<&[u8]> {
    bound.as_ref().map(|key| key.as_slice())
}

impl Store {
    /// Moves up to about `limit` rows of `space` from one end of `remaining` to `rows`, in the order of the direction.
    ///
    /// Returns with no rows only if nothing is left. `scratch` is memory to work in.
    #[expect(clippy::too_many_arguments, reason = "the state of a step, spelled out")]
    pub fn step<P: Pick>(
        &self,
        space: &Space,
        pick: &P,
        remaining: &mut Remaining,
        direction: Direction,
        limit: usize,
        scratch: &mut Vec<NonNull<Record>>,
        rows: &mut Vec<P::Row>,
    ) {
        let claim = self.claim();
        while !remaining.done && rows.is_empty() {
            let pin = claim.pin();
            pause("scan-step");
            let (mut leaf, mut body) = leaf_of(&space.list, remaining, direction, &claim, &pin);
            let mut looked = 0;
            loop {
                looked +=
                    take_leaf(pick, remaining, direction, limit, (leaf, body), scratch, rows, &pin);
                if limit >= LONG_SCAN && body.tail().nth(FOLD_TAIL - 1).is_some() {
                    space.list.fold(leaf, body, &pin, claim.tally());
                }
                // The same pin serves the right neighbours too, until the step has what it came for.
                let go_on = direction == Direction::Forward
                    && !remaining.done
                    && rows.len() < limit
                    && looked < RECORDS_PER_PIN;
                let Some(next) = space.list.right_of(body).filter(|_| go_on) else { break };
                (leaf, body) = (next, next.body(&pin));
            }
        }
    }
}

/// The leaf at the end that the direction takes from, and its body.
fn leaf_of<'p, P: Pinned>(
    list: &List,
    remaining: &Remaining,
    direction: Direction,
    claim: &Claim<'_>,
    pin: &'p P,
) -> Place<'p> {
    match (direction, borrow(&remaining.from), borrow(&remaining.to)) {
        (Direction::Forward, Bound::Included(key) | Bound::Excluded(key), _)
        | (Direction::Backward, _, Bound::Included(key)) => list.locate(key, pin, claim.tally()),
        (Direction::Forward, Bound::Unbounded, _) => list.locate(&[], pin, claim.tally()),
        (Direction::Backward, _, Bound::Excluded(key)) => {
            list.locate_before(Some(key), pin, claim.tally())
        }
        (Direction::Backward, _, Bound::Unbounded) => list.locate_before(None, pin, claim.tally()),
    }
}

impl Remaining {
    /// The step ended inside a leaf: go on behind `key`.
    fn resume_behind(&mut self, key: &[u8], direction: Direction) {
        let behind = Bound::Excluded(SmallVec::from_slice(key));
        match direction {
            Direction::Forward => self.from = behind,
            Direction::Backward => self.to = behind,
        }
        self.done = self.within().is_empty();
    }

    /// The step has read a leaf to its end: go on with its neighbour, if the range reaches there.
    fn leave_leaf(&mut self, low: &[u8], body: BodyRef<'_>, direction: Direction) {
        match direction {
            Direction::Forward => match body.high() {
                None => self.done = true,
                Some(high) => self.from = Bound::Included(SmallVec::from_slice(high)),
            },
            Direction::Backward if low.is_empty() => self.done = true,
            Direction::Backward => self.to = Bound::Excluded(SmallVec::from_slice(low)),
        }
        self.done = self.done || self.within().is_empty();
    }
}

/// Takes the rows of one leaf. Returns how many records were looked at.
#[expect(clippy::too_many_arguments, reason = "the state of a step, spelled out")]
fn take_leaf<K: Pick, P: Pinned>(
    pick: &K,
    remaining: &mut Remaining,
    direction: Direction,
    limit: usize,
    (leaf, body): Place<'_>,
    scratch: &mut Vec<NonNull<Record>>,
    rows: &mut Vec<K::Row>,
    pin: &P,
) -> usize {
    scratch.clear();
    body.collect(leaf.low(), remaining.within(), scratch);
    if direction == Direction::Backward {
        scratch.reverse();
    }
    let read = take_rows(scratch, pick, limit, pin, rows);
    if read < scratch.len() {
        // SAFETY: a record of a live body, under the pin.
        let last = unsafe { RecordRef::new(scratch[read - 1]) }.key();
        remaining.resume_behind(last, direction);
    } else {
        remaining.leave_leaf(leaf.low(), body, direction);
    }
    read
}

/// Pushes the rows that `records` make until there are `limit`. Returns how many records were looked at.
fn take_rows<K: Pick, P: Pinned>(
    records: &[NonNull<Record>],
    pick: &K,
    limit: usize,
    pin: &P,
    rows: &mut Vec<K::Row>,
) -> usize {
    // SAFETY: records of a live body, under the pin.
    let view = |record: NonNull<Record>| unsafe { RecordRef::new(record) };
    for record in records.iter().take(RECORDS_AHEAD) {
        prefetch::read(record.as_ptr());
    }
    for record in records.iter().take(VERSIONS_AHEAD) {
        prefetch::read(view(*record).head_hint());
    }
    for (i, &record) in records.iter().enumerate() {
        if let Some(ahead) = records.get(i + RECORDS_AHEAD) {
            prefetch::read(ahead.as_ptr());
        }
        if let Some(&ahead) = records.get(i + VERSIONS_AHEAD) {
            prefetch::read(view(ahead).head_hint());
        }
        if let Some(row) = pick.pick(view(record), pin) {
            rows.push(row);
            if rows.len() >= limit {
                return i + 1;
            }
        }
    }
    records.len()
}
