//! Replacing a table without a pause: when to begin, and moving one chunk at a time.

use super::load::Load;
use super::table::{Arrival, CHUNK, record_in};
use super::{Front, Table};
use crate::chain::RecordWord;
use crate::reclaim::{Grace, Pinned, Shared};
use crate::sync::{Ordering, mutant, ord, pause, prefetch};
use crate::tally::{Event, Tally};

/// A probe this long begins a growth whatever the count says.
const LONG_PROBE: usize = 96;
/// Chunks looked at by one call, for one that nobody has moved or to see that all are.
const LOOK_AHEAD: usize = 64;

impl Table {
    /// Counts an insert, and begins a successor at three quarters full, or after a long probe.
    pub(super) fn count_one<P: Pinned>(&self, hash: u64, probes: usize, pin: &P, tally: &Tally) {
        let full = self.load.counts(hash) && self.load.one_used();
        if probes >= LONG_PROBE.min(self.capacity() / 2) {
            self.successor(Load::roomier, pin, tally);
        } else if full {
            self.successor(Load::fitting, pin, tally);
        }
    }

    fn chunks(&self) -> usize {
        self.moved.len()
    }

    /// The next chunk to move: fresh ones first, then any whose claimer has not finished.
    fn pick_chunk(&self) -> Option<usize> {
        let claim = self.claimed.fetch_add(1, Ordering::Relaxed);
        if claim < self.chunks() {
            return Some(claim);
        }
        if mutant!("chunk-never-redone") {
            return None;
        }
        let from = self.settled.load(Ordering::Relaxed);
        (from..self.chunks().min(from + LOOK_AHEAD)).find(|&at| !self.is_moved(at))
    }

    fn is_moved(&self, chunk: usize) -> bool {
        self.moved[chunk].load(ord!("chunk-moved-load", Acquire))
    }

    /// Counts on over chunks that are moved, a bounded number of them. Returns whether that was the last.
    ///
    /// There is no count of finished chunks to be kept: a mover that stops right after its flag would leave it short.
    fn is_settled(&self) -> bool {
        let from = self.settled.load(ord!("settled-load", Acquire));
        let most = self.chunks().min(from + LOOK_AHEAD);
        let to = (from..most).find(|&at| !self.is_moved(at)).unwrap_or(most);
        if to > from {
            self.settled.fetch_max(to, ord!("settled-count", AcqRel));
        }
        to == self.chunks()
    }
}

impl Front {
    /// Moves one chunk of `table` to its successor, and unlinks the table after the last. Lock-free; at most
    /// [`CHUNK`] slots of work.
    pub(super) fn migrate_chunk<P: Pinned>(&self, table: &Table, pin: &P, tally: &Tally) {
        let Some(next) = table.next(pin) else { return };
        if let Some(chunk) = table.pick_chunk() {
            pause("chunk-claimed");
            let slots = chunk * CHUNK..((chunk + 1) * CHUNK).min(table.capacity());
            for at in slots.clone() {
                if let Some(record) = table.word(at).record() {
                    prefetch::read(record.as_ptr());
                }
            }
            for at in slots {
                self.move_slot(table, at, next, pin, tally);
            }
            table.moved[chunk].store(true, ord!("chunk-moved", Release));
        }
        self.unlink_moved(pin, tally);
    }

    /// Makes a slot final and copies its record, unless that is sealed. Any number of threads may do so at any time.
    fn move_slot<'p, P: Pinned>(
        &self,
        table: &Table,
        at: usize,
        mut to: Shared<'p, Table>,
        pin: &'p P,
        tally: &Tally,
    ) {
        let mut word = table.word(at);
        while !self.is_closed(table, at, word) {
            word = table.word(at);
        }
        let Some(record) = record_in(word, pin) else { return };
        pause("slot-marked");
        // I-42: looked at after the mark: from then on no newer record comes into this slot, so none is passed over.
        if record.is_dead() && !mutant!("move-sealed") {
            return;
        }
        let arrival = Arrival::new(record, self.hash(record.key()));
        while !to.insert(arrival, pin, tally) {
            to = to.successor(Load::roomier, pin, tally);
        }
    }

    /// Sees to it that no record comes into the slot any more. False: it has changed since `word` was loaded.
    fn is_closed(&self, table: &Table, at: usize, word: RecordWord) -> bool {
        if word.is_empty() {
            return mutant!("move-skips-empty") || table.replace_empty(at, RecordWord::frozen());
        }
        word.record().is_none()
            || word.is_moved()
            || mutant!("move-unmarked")
            || table.mark(at, word)
    }

    /// Unlinks every table at the front that is wholly moved.
    fn unlink_moved<P: Pinned>(&self, pin: &P, tally: &Tally) {
        loop {
            let table = self.current(pin);
            let Some(next) = table.next(pin).filter(|_| table.is_settled()) else { return };
            let (old, new) = (table.as_ptr().as_ptr(), next.as_ptr().as_ptr());
            let publish = ord!("table-swing", AcqRel);
            if self.current.compare_exchange(old, new, publish, Ordering::Relaxed).is_ok() {
                self.remember(next.get());
                // SAFETY: I-1: the swing unlinked it; only pinned threads that loaded it before can still be in it.
                unsafe { pin.retire(table.as_ptr(), Grace::One) };
                // Afterwards: it is large, and counted twice for a moment rather than not at all.
                tally.bytes(Event::Linked, 0, Table::bytes_of(table.capacity()));
            }
        }
    }

    /// Begins a table of another size whatever the count says: a model has no room to fill a table.
    #[cfg(epoch_loom)]
    pub fn begin_rebuild<P: Pinned>(&self, capacity: usize, pin: &P, tally: &Tally) {
        self.current(pin).successor(|_| capacity, pin, tally);
    }

    /// Begins a growth, as [`Front::begin_rebuild`].
    #[cfg(epoch_loom)]
    pub fn begin_growth<P: Pinned>(&self, pin: &P, tally: &Tally) {
        self.begin_rebuild(self.current(pin).capacity() * 2, pin, tally);
    }

    /// Claims a chunk and never moves it: what others see of a claimer that sleeps.
    #[cfg(epoch_loom)]
    pub fn abandon_chunk<P: Pinned>(&self, pin: &P) {
        self.current(pin).pick_chunk();
    }

    /// Moves chunks until no table waits for it and none is too large for what it holds: for hosts that have time.
    ///
    /// Ends if others do not begin growths for ever: a table that is too large gets a smaller successor.
    pub fn settle<P: Pinned>(&self, pin: &P, tally: &Tally) {
        loop {
            let table = self.current(pin);
            if table.next(pin).is_none() {
                if !table.load.is_roomy() {
                    return;
                }
                table.successor(Load::fitting, pin, tally);
            }
            self.migrate_chunk(table.get(), pin, tally);
        }
    }

    /// Helps a move by one chunk, if there is one.
    pub fn help<P: Pinned>(&self, pin: &P, tally: &Tally) {
        let table = self.current(pin);
        if table.next(pin).is_some() {
            self.migrate_chunk(table.get(), pin, tally);
        }
    }

    /// Begins a smaller table if the current one has few records left. Only the current one is judged: what was to be
    /// copied into it has been.
    pub(super) fn shrink_if_sparse<P: Pinned>(&self, pin: &P, tally: &Tally) {
        let table = self.current(pin);
        if table.next(pin).is_none() && table.load.is_sparse() {
            table.successor(Load::fitting, pin, tally);
        }
    }
}
