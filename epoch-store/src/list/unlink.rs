//! Unlinking leaves in which nothing is left.
//!
//! *Picture.*
//! ```text
//!   left ─► leaf ─► right        1. a fold that finds nothing to keep *freezes* the leaf: its last body has no room
//!   left ─► LEAF ─► right        2. the left neighbour's body is replaced by one that reaches up to `right`
//!   left ─────────► right        3. the index forgets the leaf; it is retired, for two grace periods
//!            LEAF ──┘
//! ```
//! From the freeze on nobody puts a key into the leaf: who has one for it helps to unlink it first, and then finds the left
//! neighbour in charge. A neighbour that is frozen itself is unlinked before. The first leaf is never frozen.
//!
//! *One owner.* Of all that help, the winner of the swap of step 2 has the leaf: it does step 3, in one go. A slow thread may
//! still be about to put the leaf into the index, for it saw it live; so whoever adds a leaf looks afterwards
//! whether it is frozen, and then takes it out again. Both change the root of the index by an RMW, so either the owner
//! finds the leaf in the index, or the one who adds it finds it frozen (rule 15).
//!
//! *Why two periods.* Whoever puts a frozen leaf into the index has been pinned since before the freeze, and takes it out
//! before that pin ends: period one ends no sooner. A reader that takes it from the index meanwhile is pinned by then,
//! and period two waits for it (I-3).

use super::body::BodyRef;
use super::{LeafRef, List};
use crate::reclaim::{Grace, Pinned};
use crate::sync::{mutant, pause};
use crate::tally::{Event, Tally};
use smallvec::{SmallVec, smallvec};

impl List {
    /// Sees to it that a frozen leaf is unlinked, and those to its left that must go first. Lock-free.
    pub(super) fn unlink<P: Pinned>(&self, leaf: LeafRef<'_>, pin: &P, tally: &Tally) {
        // Not by recursion: a mass deletion from right to left may freeze any number of neighbours.
        let mut waiting: SmallVec<[LeafRef<'_>; 4]> = smallvec![leaf];
        while let Some(&frozen) = waiting.last() {
            let (left, body) = self.locate_before(Some(frozen.low()), pin, tally);
            if body.next() != Some(frozen.as_ptr()) {
                // The leaf in charge of the keys before `frozen` has another neighbour: done, by whomever.
                waiting.pop();
            } else if body.is_frozen() && !mutant!("frozen-absorbs") {
                waiting.push(left);
            } else {
                // The note first: whoever finds the tail sealed and folds it does this work too, instead of undoing it.
                if !mutant!("unlink-unnoted") {
                    body.note_frozen_neighbour();
                }
                pause("neighbour-noted");
                self.refill(left, body, pin, tally);
            }
        }
    }

    /// Step 3, by the winner of step 2.
    pub(super) fn give_back<P: Pinned>(
        &self,
        leaf: LeafRef<'_>,
        last: BodyRef<'_>,
        pin: &P,
        tally: &Tally,
    ) {
        tally.one(Event::Unlinks);
        // SAFETY: alive under the pin.
        tally.bytes(Event::Linked, 0, unsafe { leaf.bytes_with(last.as_ptr()) });
        pause("leaf-unlinked");
        if !mutant!("index-keeps-unlinked") {
            self.index.remove(leaf, pin, tally);
        }
        let grace = if mutant!("leaf-one-period") { Grace::One } else { Grace::Two };
        // SAFETY: I-1: the swap of step 2 unlinked it, which one thread wins, once for each leaf (I-44). Later pins find it
        // in the index at most while one that has been pinned since before the freeze is about to take it out: I-3.
        unsafe { pin.retire(leaf.as_ptr(), grace) };
    }
}
