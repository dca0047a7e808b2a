//! Leaving sealed records out of the list.
//!
//! *Role.* Whoever sealed a record (I-37) must get it out of its leaf before anything else; this is how, and how to tell
//! that it is done. A leaf is copied without its sealed records, by the CAS that every fold ends with. To find them costs
//! a cache miss per entry, so it is done when the notes in the body say that it pays, or when a caller insists.
//!
//! *Races.* A record sealed after a copy looked at it stays in the copy. A note made while a fold that saw none is under
//! way is lost with the old body. Either leaves a record in the list longer than needed, and neither is for good: only
//! [`List::is_listed`] decides, which looks at the body itself, and every call below can be made again.
//!
//! *Progress.* Who insists makes a note before it freezes the tail. So a writer that finds the tail frozen, and folds, sees
//! the note and leaves the record out itself: the two cannot undo each other's work for ever. Who loses a race to a
//! fold that did not see the note loses to one that found the tail full: keys were inserted meanwhile.

use super::List;
use crate::chain::RecordRef;
use crate::reclaim::Pinned;
use crate::sync::{mutant, pause};
use crate::tally::Tally;

impl List {
    /// Notes that a record was sealed: its sealer does so, once. Leaves it out of the list, and others with it, if there
    /// are enough of them in its leaf to pay for a copy. Returns whether it is out of the list. Lock-free.
    pub fn note_dead<P: Pinned>(&self, record: RecordRef<'_>, pin: &P, tally: &Tally) -> bool {
        debug_assert!(record.is_dead(), "only a sealed record leaves the list");
        loop {
            let (leaf, body) = self.locate(record.key(), pin, tally);
            if !body.holds(record) {
                return true;
            }
            body.note_dead();
            pause("dead-noted");
            // Replaced meanwhile: the note may have come too late to be seen, so the new body gets one too.
            if leaf.body(pin).as_ptr() == body.as_ptr() {
                return self.drop_dead(record, pin, tally);
            }
        }
    }

    /// Whether a sealed record is out of the list, after a try to leave it out if the notes say that it pays. Lock-free.
    pub fn drop_dead<P: Pinned>(&self, record: RecordRef<'_>, pin: &P, tally: &Tally) -> bool {
        let (leaf, body) = self.locate(record.key(), pin, tally);
        if !body.holds(record) {
            return true;
        }
        if !body.is_worth_dropping() {
            return false;
        }
        self.fold(leaf, body, pin, tally);
        // The copy may have lost its race against one that saw the record before it was sealed.
        mutant!("drop-unchecked") || !self.is_listed(record, pin, tally)
    }

    /// Leaves a sealed record out of the list, at the price of a look at every record of its leaf. Lock-free.
    pub fn drop_dead_now<P: Pinned>(&self, record: RecordRef<'_>, pin: &P, tally: &Tally) {
        debug_assert!(record.is_dead(), "only a sealed record leaves the list");
        loop {
            let (leaf, body) = self.locate(record.key(), pin, tally);
            if !body.holds(record) {
                return;
            }
            if !mutant!("drop-unnoted") {
                body.note_dead();
            }
            self.fold(leaf, body, pin, tally);
        }
    }

    /// Whether this very record is in the list, by the body that covers its key now. A sealed record that is out of the
    /// list never comes back (I-43). Wait-free up to leaves added meanwhile.
    pub fn is_listed<P: Pinned>(&self, record: RecordRef<'_>, pin: &P, tally: &Tally) -> bool {
        self.locate(record.key(), pin, tally).1.holds(record)
    }
}
