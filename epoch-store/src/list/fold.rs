//! Folding a tail into its body, and splitting a body that grew too long: one CAS either way.

use super::body::{Body, BodyRef, Contents, Entry};
use super::prefix::{better_skip, prefix8, separator};
use super::{CAPACITY, Leaf, List, TAIL};
use crate::chain::{Record, RecordRef};
use crate::reclaim::{Grace, Node, Pinned};
use crate::sync::{mutant, pause};
use crate::tally::{Event, Tally};
use smallvec::SmallVec;
use std::ptr::NonNull;

type Entries = SmallVec<[Entry; CAPACITY + TAIL]>;

/// What is to take the place of a body.
struct Replacement {
    body: NonNull<Body>,
    /// The leaf split off to the right.
    right: Option<NonNull<Leaf>>,
}

impl List {
    /// Replaces `body` by one with its tail sorted in, or by two. Anyone may do it; one succeeds.
    pub fn fold<P: Pinned>(&self, leaf: &Leaf, body: BodyRef<'_>, pin: &P, tally: &Tally) {
        body.seal();
        pause("tail-sealed");
        let entries = merge(body);
        let new = if entries.len() > CAPACITY {
            split(leaf, body, &entries)
        } else {
            let contents = Contents {
                entries: &entries,
                skip: body.skip(),
                high: body.high(),
                next: body.next(),
            };
            Replacement { body: Body::alloc(contents), right: None }
        };
        pause("body-built");
        if !leaf.swap(body.as_ptr(), new.body) {
            tally.one(Event::CasFailures);
            new.free();
            return;
        }
        // SAFETY: I-1: the swap unlinked it; it is reached only through loads of the leaf by pinned threads.
        unsafe { pin.retire(body.as_ptr(), Grace::One) };
        tally.one(Event::Folds);
        if let Some(right) = new.right {
            tally.one(Event::Splits);
            pause("leaf-split");
            // SAFETY: linked by the swap; leaves live as long as the list (I-13).
            self.index.add(unsafe { right.as_ref() }, pin, tally);
        }
    }
}

impl Replacement {
    /// Takes back what was never linked.
    fn free(self) {
        // SAFETY: never shared; the records belong to the body that stayed.
        unsafe {
            if let Some(right) = self.right {
                let right = Box::from_raw(right.as_ptr());
                Body::free(right.body(&Private).as_ptr());
            }
            Body::free(self.body);
        }
    }
}

/// Stands for a pin on nodes that no other thread has seen.
struct Private;

impl Pinned for Private {
    fn protects<T>(&self, _node: NonNull<T>) {}

    unsafe fn retire<T: Node>(&self, node: NonNull<T>, _grace: Grace) {
        // SAFETY: private.
        unsafe { T::free(node) }
    }
}

/// The tail's records in key order, with their prefixes.
pub(super) fn sorted_tail<'p>(body: BodyRef<'p>) -> SmallVec<[(u64, RecordRef<'p>); TAIL]> {
    let skip = body.skip();
    let mut tail: SmallVec<[(u64, RecordRef<'p>); TAIL]> =
        body.tail().map(|record| (prefix8(record.key(), skip), record)).collect();
    tail.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.key().cmp(b.1.key())));
    tail
}

/// Sorted entries and tail in one order.
fn merge(body: BodyRef<'_>) -> Entries {
    let (prefixes, pointers) = (body.prefixes(), body.pointers());
    let mut entries = Entries::new();
    let mut from = 0;
    for (prefix, record) in sorted_tail(body) {
        let to = body.position(record.key()).unwrap_or_else(|gap| gap);
        entries.extend((from..to).map(|i| (prefixes[i], pointers[i])));
        entries.push((prefix, record.as_ptr()));
        from = to;
    }
    entries.extend((from..pointers.len()).map(|i| (prefixes[i], pointers[i])));
    entries
}

/// Two bodies for the entries of one. Ascending inserts leave the left one full.
fn split(leaf: &Leaf, body: BodyRef<'_>, entries: &[Entry]) -> Replacement {
    // SAFETY: records of a live body (see `BodyRef::record`).
    let key = |record: NonNull<Record>| unsafe { RecordRef::new(record) }.key();
    let sorted = body.sorted_len();
    let ascending = sorted * 2 >= CAPACITY
        && sorted < entries.len()
        && body.pointers().last() == entries.get(sorted.wrapping_sub(1)).map(|entry| &entry.1);
    let middle = if ascending { sorted } else { entries.len() / 2 };
    let (left, right) = entries.split_at(middle);
    let fence = separator(key(left[middle - 1].1), key(right[0].1));
    let part = |entries: &[Entry], low: &[u8], high: Option<&[u8]>, next| {
        let skip = better_skip(body.skip(), low, high);
        let renewed: Entries = if skip == body.skip() {
            entries.into()
        } else {
            entries.iter().map(|&(_, record)| (prefix8(key(record), skip), record)).collect()
        };
        Body::alloc(Contents { entries: &renewed, skip, high, next })
    };
    let next = if mutant!("split-loses-next") { None } else { body.next() };
    let right_body = part(right, fence, body.high(), next);
    let right_leaf = NonNull::from(Box::leak(Box::new(Leaf::new(fence.into(), right_body))));
    let left_body = part(left, leaf.low(), Some(fence), Some(right_leaf));
    Replacement { body: left_body, right: Some(right_leaf) }
}
