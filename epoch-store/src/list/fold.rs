//! Folding a tail into its body, and with the same CAS splitting a body that grew too long, leaving out sealed records,
//! freezing a leaf that has none left, and unlinking a frozen neighbour.

use super::body::{Body, BodyRef, Contents, Entry};
use super::prefix::{better_skip, prefix8, separator, tied};
use super::{CAPACITY, Leaf, LeafRef, List, Place, TAIL};
use crate::chain::{Record, RecordRef, RecordWord};
use crate::reclaim::{Grace, Node, Pinned};
use crate::sync::{mutant, pause, prefetch};
use crate::tally::{Event, Tally};
use smallvec::SmallVec;
use std::ops::Range;
use std::ptr::NonNull;

type Entries = SmallVec<[Entry; CAPACITY + TAIL]>;
type Records = SmallVec<[NonNull<Record>; TAIL]>;

/// A new leaf, and its body.
type Fresh = (NonNull<Leaf>, NonNull<Body>);

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refilled {
    /// Somebody else replaced the body.
    Lost,
    /// The leaf has a new body.
    Done,
    /// The leaf has its last body: nothing was left in it.
    Frozen,
}

/// What is to take the place of a body.
struct Replacement<'p> {
    body: NonNull<Body>,
    /// It is the leaf's last.
    frozen: bool,
    /// The leaf split off to the right, and its body.
    right: Option<Fresh>,
    /// The right neighbour, if this unlinks it.
    absorbed: Option<Place<'p>>,
}

impl List {
    /// Replaces `body` by one with its tail sorted in, or by two. Anyone may do it; one succeeds.
    ///
    /// Sealed records are left out if any are thought to be there; if nothing remains, the leaf is unlinked.
    pub fn fold<P: Pinned>(&self, leaf: LeafRef<'_>, body: BodyRef<'_>, pin: &P, tally: &Tally) {
        if body.is_frozen() {
            return self.unlink(leaf, pin, tally);
        }
        if self.refill(leaf, body, pin, tally) == Refilled::Frozen {
            pause("leaf-frozen");
            self.unlink(leaf, pin, tally);
        }
    }

    /// One try of a fold, with all that the notes in the body ask for.
    pub(super) fn refill<P: Pinned>(
        &self,
        leaf: LeafRef<'_>,
        body: BodyRef<'_>,
        pin: &P,
        tally: &Tally,
    ) -> Refilled {
        body.seal();
        pause("tail-sealed");
        let mut entries = merge(body);
        let dropped = if body.has_dead() { drop_sealed(&mut entries) } else { Records::new() };
        let new = replace(&leaf, body, &entries, frozen_neighbour(body, pin));
        let bytes = new.bytes();
        pause("body-built");
        if !leaf.swap(body.as_ptr(), new.body) {
            tally.one(Event::CasFailures);
            new.free();
            return Refilled::Lost;
        }
        // SAFETY: alive under the pin.
        tally.bytes(Event::Linked, bytes, unsafe { Body::bytes(body.as_ptr()) });
        // SAFETY: I-1: the swap unlinked it; it is reached only through loads of the leaf by pinned threads.
        unsafe { pin.retire(body.as_ptr(), Grace::One) };
        tally.one(Event::Folds);
        for record in dropped {
            // SAFETY: I-37: its sealer retires it after a grace period that begins after it is out of the list: now.
            unsafe { RecordRef::new(record) }.leave_list();
        }
        if let Some((right, _)) = new.right {
            tally.one(Event::Splits);
            pause("leaf-split");
            // SAFETY: linked by the swap, under this pin (I-44).
            self.index.add(unsafe { LeafRef::new(right) }, pin, tally);
        }
        if let Some((absorbed, last)) = new.absorbed {
            self.give_back(absorbed, last, pin, tally);
        }
        if new.frozen { Refilled::Frozen } else { Refilled::Done }
    }
}

impl Replacement<'_> {
    /// Bytes of what it links.
    fn bytes(&self) -> usize {
        // SAFETY: not shared yet.
        unsafe {
            let right = |(leaf, body): Fresh| leaf.as_ref().bytes_with(body);
            Body::bytes(self.body) + self.right.map_or(0, right)
        }
    }

    /// Takes back what was never linked.
    fn free(self) {
        // SAFETY: never shared; the records belong to the body that stayed.
        unsafe {
            if let Some((right, body)) = self.right {
                drop(Box::from_raw(right.as_ptr()));
                Body::free(body);
            }
            Body::free(self.body);
        }
    }
}

/// A record of the tail: its entry, and itself.
pub(super) type Late<'p> = (Entry, RecordRef<'p>);

/// The tail's records in key order, with their prefixes.
pub(super) fn sorted_tail<'p>(body: BodyRef<'p>) -> SmallVec<[Late<'p>; TAIL]> {
    let skip = body.skip();
    let mut tail: SmallVec<[Late<'p>; TAIL]> = body
        .tail_words()
        .map(|(word, record)| ((prefix8(record.key(), skip), word), record))
        .collect();
    tail.sort_unstable_by(|(a, one), (b, other)| {
        a.0.cmp(&b.0).then_with(|| one.key().cmp(other.key()))
    });
    tail
}

/// Sorted entries and tail in one order.
fn merge(body: BodyRef<'_>) -> Entries {
    let (prefixes, words) = (body.prefixes(), body.words());
    let tail = sorted_tail(body);
    let mut entries = Entries::new();
    let mut from = 0;
    for ((entry, _), to) in tail.iter().zip(gaps(body, &tail)) {
        entries.extend((from..to).map(|i| (prefixes[i], words[i])));
        entries.push(*entry);
        from = to;
    }
    entries.extend((from..words.len()).map(|i| (prefixes[i], words[i])));
    entries
}

/// Where each of these belongs among the sorted entries. The binary searches among tied prefixes go on side by side, so that their
/// cache misses overlap.
fn gaps(body: BodyRef<'_>, tail: &[Late<'_>]) -> SmallVec<[usize; TAIL]> {
    let mut spans: SmallVec<[Range<usize>; TAIL]> =
        tail.iter().map(|(_, record)| tied(body.prefixes(), record.key(), body.skip())).collect();
    while spans.iter().any(|span| !span.is_empty()) {
        for span in spans.iter().filter(|span| !span.is_empty()) {
            prefetch::read(body.record(middle(span)).as_ptr().as_ptr());
        }
        for (span, (_, record)) in spans.iter_mut().zip(tail) {
            if (*span).is_empty() {
                continue;
            }
            let middle = middle(span);
            if body.record(middle).key() < record.key() {
                span.start = middle + 1;
            } else {
                span.end = middle;
            }
        }
    }
    spans.into_iter().map(|span| span.start).collect()
}

fn middle(span: &Range<usize>) -> usize {
    span.start + span.len() / 2
}

/// Leaves out what is sealed now, and says what that is, at the price of a cache miss per entry. What is sealed later stays
/// until the next look.
fn drop_sealed(entries: &mut Entries) -> Records {
    for (_, word) in entries.iter() {
        prefetch::read(record_of(*word).as_ptr().as_ptr());
    }
    let mut dropped = Records::new();
    entries.retain(|&mut (_, word)| {
        let record = record_of(word);
        let sealed = record.is_dead();
        if sealed {
            dropped.push(record.as_ptr());
        }
        !sealed
    });
    dropped
}

/// The right neighbour and its last body, if somebody has noted that it is frozen.
fn frozen_neighbour<'p, P: Pinned>(body: BodyRef<'p>, pin: &'p P) -> Option<Place<'p>> {
    let next = body.next().filter(|_| body.has_frozen_neighbour())?;
    // SAFETY: `body` is the live body of a leaf, loaded under the pin (I-44).
    let leaf = unsafe { LeafRef::new(next) };
    Some((leaf, leaf.body(pin))).filter(|(_, last)| last.is_frozen())
}

/// What is to stand in place of `body`: these entries, and what lies to the right of `frozen`, if there is such a leaf.
fn replace<'p>(
    leaf: &Leaf,
    body: BodyRef<'p>,
    entries: &[Entry],
    frozen: Option<Place<'p>>,
) -> Replacement<'p> {
    let absorbs = mutant!("frozen-absorbs") && body.is_frozen();
    if entries.is_empty() && !leaf.is_first() && !absorbs {
        // Its own right neighbour has to wait until this leaf is gone.
        let body = Body::frozen(body.high(), body.next());
        return Replacement { body, frozen: true, right: None, absorbed: None };
    }
    let fences = frozen.map_or(body, |(_, last)| last);
    let rest = Rest { high: fences.high(), next: fences.next() };
    let (body, right) = if entries.len() > CAPACITY {
        split(leaf, body, entries, rest)
    } else {
        (part(body, entries, leaf.low(), rest), None)
    };
    Replacement { body, frozen: false, right, absorbed: frozen }
}

/// What lies to the right of a body.
#[derive(Debug, Clone, Copy)]
struct Rest<'a> {
    high: Option<&'a [u8]>,
    next: Option<NonNull<Leaf>>,
}

/// A body for some of the entries of `old`, between other fences: their prefixes are taken anew if these ask for it (I-16).
fn part(old: BodyRef<'_>, entries: &[Entry], low: &[u8], rest: Rest<'_>) -> NonNull<Body> {
    let Rest { high, next } = rest;
    let skip = better_skip(old.skip(), low, high);
    if skip == old.skip() {
        return Body::alloc(Contents { entries, skip: old.skip(), high, next });
    }
    let renewed: Entries =
        entries.iter().map(|&(_, word)| (prefix8(record_of(word).key(), skip), word)).collect();
    Body::alloc(Contents { entries: &renewed, skip, high, next })
}

fn record_of<'a>(word: RecordWord) -> RecordRef<'a> {
    // SAFETY: records of a live body (see `BodyRef::record`); no caller keeps one, or its key.
    unsafe { RecordRef::new(word.held()) }
}

/// Two bodies for the entries of one. Ascending inserts leave the left one full.
fn split(
    leaf: &Leaf,
    body: BodyRef<'_>,
    entries: &[Entry],
    rest: Rest<'_>,
) -> (NonNull<Body>, Option<Fresh>) {
    let sorted = body.sorted_len();
    let ascending = sorted * 2 >= CAPACITY
        && sorted < entries.len()
        && body.words().last() == entries.get(sorted.wrapping_sub(1)).map(|entry| &entry.1);
    let middle = if ascending { sorted } else { entries.len() / 2 };
    let (left, right) = entries.split_at(middle);
    let fence = separator(record_of(left[middle - 1].1).key(), record_of(right[0].1).key());
    let rest = Rest { next: rest.next.filter(|_| !mutant!("split-loses-next")), ..rest };
    let right_body = part(body, right, fence, rest);
    let right_leaf = NonNull::from(Box::leak(Box::new(Leaf::new(fence.into(), right_body))));
    let beside = Rest { high: Some(fence), next: Some(right_leaf) };
    (part(body, left, leaf.low(), beside), Some((right_leaf, right_body)))
}
