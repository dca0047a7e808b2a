//! Growing without a pause: when to begin, and moving one chunk at a time.

use super::table::CHUNK;
use super::{Front, Table};
use crate::chain::{RecordRef, RecordWord};
use crate::reclaim::{Grace, Pinned};
use crate::sync::{Ordering, mutant, ord, pause, prefetch};
use crate::tally::Tally;
use std::ptr::NonNull;

/// A probe this long begins a growth whatever the count says.
const LONG_PROBE: usize = 96;
/// Chunks looked at for one that nobody has moved, once all were handed out.
const LOOK_AHEAD: usize = 16;

impl Table {
    /// Counts an insert, and begins a growth at three quarters full.
    ///
    /// The shared counter is written once in `step` inserts: the hash decides which (one in `step` of all hashes).
    pub(super) fn count_one<P: Pinned>(&self, hash: u64, probes: usize, pin: &P, tally: &Tally) {
        let capacity = self.capacity();
        let step = (capacity / 1024).clamp(1, 64);
        let long = probes >= LONG_PROBE.min(capacity / 2);
        if !long && !((hash >> 32) as usize).is_multiple_of(step) {
            return;
        }
        let used = self.used.fetch_add(step, Ordering::Relaxed) + step;
        if long || used * 4 >= capacity * 3 {
            self.successor(pin, tally);
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
        let from = (claim - self.chunks()).wrapping_mul(LOOK_AHEAD);
        (from..from + LOOK_AHEAD)
            .map(|at| at % self.chunks())
            .find(|&at| !self.moved[at].load(Ordering::Acquire))
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
            self.finish_chunk(table, chunk);
        }
        self.unlink_moved(pin);
    }

    fn move_slot<P: Pinned>(&self, table: &Table, at: usize, to: &Table, pin: &P, tally: &Tally) {
        let mut word = table.word(at);
        while word.is_empty() {
            if table.replace_empty(at, RecordWord::frozen()) || mutant!("move-skips-empty") {
                return;
            }
            word = table.word(at);
        }
        let Some(record) = word.record() else { return };
        // SAFETY: a record in the hash is not freed while this thread is pinned.
        let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
        let hash = self.hash(record.key());
        let mut to = to;
        while !to.insert(word, hash, pin, tally) {
            to = to.successor(pin, tally);
        }
    }

    fn finish_chunk(&self, table: &Table, chunk: usize) {
        if !table.moved[chunk].swap(true, Ordering::AcqRel) {
            table.done.fetch_add(1, ord!("chunk-done", AcqRel));
        }
    }

    /// Unlinks every table at the front that is wholly moved.
    fn unlink_moved<P: Pinned>(&self, pin: &P) {
        loop {
            let table = self.current(pin);
            let all = table.done.load(ord!("chunk-done-load", Acquire)) >= table.moved.len();
            let Some(next) = table.next(pin).filter(|_| all) else { return };
            let old = std::ptr::from_ref(table).cast_mut();
            let new = std::ptr::from_ref(next).cast_mut();
            let publish = ord!("table-swing", AcqRel);
            if self.current.compare_exchange(old, new, publish, Ordering::Relaxed).is_ok() {
                // SAFETY: I-1: the swing unlinked it; only pinned threads that loaded it before can still be in it.
                unsafe { pin.retire(NonNull::from(table), Grace::One) };
            }
        }
    }

    /// Begins a growth whatever the count says: a model has no room to fill a table.
    #[cfg(epoch_loom)]
    pub fn begin_growth<P: Pinned>(&self, pin: &P, tally: &Tally) {
        self.current(pin).successor(pin, tally);
    }

    /// Claims a chunk and never moves it: what others see of a claimer that sleeps.
    #[cfg(epoch_loom)]
    pub fn abandon_chunk<P: Pinned>(&self, pin: &P) {
        self.current(pin).pick_chunk();
    }

    /// Moves chunks until no table waits for it: for hosts that have time.
    pub fn settle<P: Pinned>(&self, pin: &P, tally: &Tally) {
        loop {
            let table = self.current(pin);
            if table.next(pin).is_none() {
                return;
            }
            self.migrate_chunk(table, pin, tally);
        }
    }

    /// Helps a growth by one chunk, if there is one.
    pub fn help<P: Pinned>(&self, pin: &P, tally: &Tally) {
        let table = self.current(pin);
        if table.next(pin).is_some() {
            self.migrate_chunk(table, pin, tally);
        }
    }
}
