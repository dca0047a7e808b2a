//! Reading a range at a registered stamp: a leaf or a part of one per step, each step under a pin of its own.
//!
//! A step copies out pointers to the records and versions that are visible, and ends its pin. Those stay valid as long
//! as the stamp is registered (I-7; a record with a visible version is not freed either), so a reader that sleeps
//! between two steps holds nothing but its own versions. The next step finds its place again by key (rule 29).

use super::Store;
use crate::chain::{Record, RecordRef, VersionNode};
use crate::list::{BodyRef, Leaf, Within};
use crate::reclaim::Pinned;
use crate::session::Claim;
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

/// A visible entry.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The record: its key.
    pub record: NonNull<Record>,
    /// The version: its value. Never a tombstone.
    pub version: NonNull<VersionNode>,
}

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
    /// Moves up to about `limit` visible entries from one end of `remaining` to `rows`, in the order of the direction.
    ///
    /// Returns with no rows only if nothing is left. `scratch` is memory to work in. The rows stay valid as long as
    /// `stamp` stays registered.
    pub fn step(
        &self,
        stamp: u64,
        remaining: &mut Remaining,
        direction: Direction,
        limit: usize,
        scratch: &mut Vec<NonNull<Record>>,
        rows: &mut Vec<Row>,
    ) {
        let claim = self.claim();
        while !remaining.done && rows.is_empty() {
            let pin = claim.pin();
            pause("scan-step");
            let (mut leaf, mut body) = self.leaf_of(remaining, direction, &claim, &pin);
            loop {
                self.take_leaf(
                    stamp,
                    remaining,
                    direction,
                    limit,
                    (leaf, body),
                    scratch,
                    rows,
                    &pin,
                );
                if limit >= LONG_SCAN && body.tail().nth(FOLD_TAIL - 1).is_some() {
                    self.list.fold(leaf, body, &pin, claim.tally());
                }
                // The same pin serves the right neighbours too, until the step has what it came for.
                let go_on =
                    direction == Direction::Forward && !remaining.done && rows.len() < limit;
                let Some(next) = self.list.right_of(body).filter(|_| go_on) else { break };
                (leaf, body) = (next, next.body(&pin));
            }
        }
    }

    /// Takes the rows of one leaf.
    #[expect(clippy::too_many_arguments, reason = "the state of a step, spelled out")]
    fn take_leaf<P: Pinned>(
        &self,
        stamp: u64,
        remaining: &mut Remaining,
        direction: Direction,
        limit: usize,
        (leaf, body): (&Leaf, BodyRef<'_>),
        scratch: &mut Vec<NonNull<Record>>,
        rows: &mut Vec<Row>,
        pin: &P,
    ) {
        scratch.clear();
        body.collect(leaf.low(), remaining.within(), scratch);
        if direction == Direction::Backward {
            scratch.reverse();
        }
        let read = take_visible(scratch, stamp, limit, pin, rows);
        if read < scratch.len() {
            // SAFETY: a record of a live body, under the pin.
            let last = unsafe { RecordRef::new(scratch[read - 1]) }.key();
            remaining.resume_behind(last, direction);
        } else {
            remaining.leave_leaf(leaf.low(), body, direction);
        }
    }

    /// The leaf at the end that the direction takes from, and its body.
    fn leaf_of<'p, P: Pinned>(
        &self,
        remaining: &Remaining,
        direction: Direction,
        claim: &Claim<'_>,
        pin: &'p P,
    ) -> (&Leaf, BodyRef<'p>) {
        match (direction, borrow(&remaining.from), borrow(&remaining.to)) {
            (Direction::Forward, Bound::Included(key) | Bound::Excluded(key), _)
            | (Direction::Backward, _, Bound::Included(key)) => {
                self.list.locate(key, pin, claim.tally())
            }
            (Direction::Forward, Bound::Unbounded, _) => self.list.locate(&[], pin, claim.tally()),
            (Direction::Backward, _, Bound::Excluded(key)) => {
                self.list.locate_before(Some(key), pin, claim.tally())
            }
            (Direction::Backward, _, Bound::Unbounded) => {
                self.list.locate_before(None, pin, claim.tally())
            }
        }
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

/// Pushes the visible ones of `records` until there are `limit` rows. Returns how many records were looked at.
fn take_visible<P: Pinned>(
    records: &[NonNull<Record>],
    stamp: u64,
    limit: usize,
    pin: &P,
    rows: &mut Vec<Row>,
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
        let version = view(record).visible_at(stamp, pin);
        if let Some(version) = version.filter(|version| !version.is_tombstone()) {
            rows.push(Row { record, version: version.as_ptr() });
            if rows.len() >= limit {
                return i + 1;
            }
        }
    }
    records.len()
}
