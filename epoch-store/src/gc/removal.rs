//! Sealed records on their way out: list, hash, memory, with a grace period between (rule 15).
//!
//! *Picture.*
//! ```text
//!  sealed ─► still listed ──a fold leaves it out──► unlisted ──32 of them──► period ─► out of the hash ─► retire(Two)
//!               ▲      └─ looked at now and then ─┘
//! ```
//! One owner per record, from the seal to the retire (I-37): the session that sealed it. The steps between are paid for
//! by later seals, two looks each, and by every fourth commit of the session ([`Removals::step`]), whatever it writes. What
//! is left when a session falls quiet waits for [`Removals::flush`].

use super::Field;
use crate::chain::{Record, RecordRef};
use crate::reclaim::{Grace, Node, Period, Pinned};
use crate::sync::{mutant, pause};
use crate::tally::Event;
use std::collections::VecDeque;
use std::ptr::NonNull;

/// Records that share a grace period.
const BATCH: usize = if cfg!(epoch_loom) { 1 } else { 32 };
/// Looks at listed records that a new one pays for.
const LOOKS_PER_SEAL: usize = 2;
/// Looks that a step pays for.
const LOOKS_PER_STEP: usize = 32;
/// Steps after which a batch is closed though it is not full.
const STEPS_PER_BATCH: u32 = 16;

/// A sealed record.
#[derive(Debug, Clone, Copy)]
struct Sealed {
    record: NonNull<Record>,
    space: u32,
}

impl Sealed {
    /// A view for as long as the owner is at work: it alone retires the record.
    fn view<T>(self, _work: &T) -> RecordRef<'_> {
        // SAFETY: I-37: only its sealer retires it, as the last step, under a pin that outlives the view.
        unsafe { RecordRef::new(self.record) }
    }
}

/// Records that have left the list, and the period after which nobody puts them into the hash any more.
#[derive(Debug)]
struct Batch {
    records: Vec<Sealed>,
    period: Period,
}

/// See the module header. Belongs to a session: one thread at a time.
#[derive(Debug, Default)]
pub struct Removals {
    listed: VecDeque<Sealed>,
    unlisted: Vec<Sealed>,
    waiting: VecDeque<Batch>,
    /// Steps since a batch was closed.
    steps: u32,
}

// SAFETY: records are shared by protocol; each is in one session's hands (I-37).
unsafe impl Send for Removals {}

impl Removals {
    /// The caller has sealed `record`: begins to remove it, and goes on with others. Bounded work.
    pub fn begin<P: Pinned>(&mut self, record: RecordRef<'_>, space: u32, field: Field<'_, P>) {
        pause("record-sealed");
        let sealed = Sealed { record: record.as_ptr(), space };
        if field.space(space).list.note_dead(record, field.pin, field.tally) {
            self.unlisted.push(sealed);
        } else {
            self.listed.push_back(sealed);
        }
        for _ in 0..LOOKS_PER_SEAL.min(self.listed.len()) {
            self.look_at_oldest();
        }
        if self.unlisted.len() >= BATCH {
            self.close_batch(field);
        }
        self.finish_one(field);
    }

    /// Goes on a little, with whatever can go on. Bounded work.
    pub fn step<P: Pinned>(&mut self, field: Field<'_, P>) {
        if self.is_empty() {
            return;
        }
        for _ in 0..LOOKS_PER_STEP.min(self.listed.len()) {
            self.look_at_oldest();
        }
        self.insist(field);
        self.steps += 1;
        let is_full = self.unlisted.len() >= BATCH;
        if is_full || !self.unlisted.is_empty() && self.steps >= STEPS_PER_BATCH {
            self.close_batch(field);
        }
        self.finish_one(field);
    }

    /// Notes once more that the oldest is still listed: notes can be lost beside a fold, and too few may never pay for one.
    fn insist<P: Pinned>(&mut self, field: Field<'_, P>) {
        let Some(sealed) = self.listed.pop_front() else { return };
        let list = &field.space(sealed.space).list;
        if list.note_dead(sealed.view(field.pin), field.pin, field.tally) {
            self.unlisted.push(sealed);
        } else {
            self.listed.push_back(sealed);
        }
    }

    /// Whether the oldest record that was listed still is: if a fold has left it out, it goes on.
    fn look_at_oldest(&mut self) {
        let Some(sealed) = self.listed.pop_front() else { return };
        if sealed.view(self).has_left_list() {
            self.unlisted.push(sealed);
        } else {
            self.listed.push_back(sealed);
        }
    }

    fn close_batch<P: Pinned>(&mut self, field: Field<'_, P>) {
        self.steps = 0;
        let period = Period::begin(field.pin);
        while !self.unlisted.is_empty() {
            let records = self.unlisted.split_off(self.unlisted.len().saturating_sub(BATCH));
            self.waiting.push_back(Batch { records, period: period.clone() });
        }
    }

    /// Finishes the oldest batch, if its period is over: at most [`BATCH`] records.
    fn finish_one<P: Pinned>(&mut self, field: Field<'_, P>) -> bool {
        let is_due = |batch: &Batch| batch.period.has_ended() || mutant!("removal-without-period");
        if !self.waiting.front().is_some_and(is_due) {
            return false;
        }
        let batch = self.waiting.pop_front().expect("just seen");
        for sealed in batch.records {
            let front = &field.space(sealed.space).front;
            let record = sealed.view(field.pin);
            front.remove(record, front.hash(record.key()), field.pin, field.tally);
            field.tally.one(Event::RecordsRemoved);
            // With the record goes its tombstone, if a commit ever wrote to it.
            field.tally.add(Event::VersionsCut, i64::from(record.head(field.pin).is_some()));
            // SAFETY: I-1, I-37: this is its sealer; no list, no table and no later pin has it. Commits may hand it on.
            unsafe { field.pin.retire(sealed.record, Grace::Two) };
        }
        true
    }

    /// Goes on with everything that can go on now, however much it is, under the caller's pin. To be called again after a grace period, until it
    /// says that nothing is left.
    pub fn flush<P: Pinned>(&mut self, field: Field<'_, P>) -> bool {
        for sealed in std::mem::take(&mut self.listed) {
            let record = sealed.view(field.pin);
            if !record.has_left_list() {
                field.space(sealed.space).list.drop_dead_now(record, field.pin, field.tally);
            }
            self.unlisted.push(sealed);
        }
        if !self.unlisted.is_empty() {
            self.close_batch(field);
        }
        while self.finish_one(field) {}
        self.waiting.is_empty()
    }

    /// Whether there is anything on its way.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.unlisted.is_empty() && self.waiting.is_empty()
    }
}

impl Drop for Removals {
    /// The store is being dropped, but its lists are still there: they free what they hold, this the rest.
    fn drop(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let left = listed.iter().copied().filter(|sealed| sealed.view(sealed).has_left_list());
        let waiting = self.waiting.drain(..).flat_map(|batch| batch.records);
        for sealed in left.chain(self.unlisted.drain(..)).chain(waiting) {
            // SAFETY: I-37; no other thread is left.
            unsafe { Record::free(sealed.record) };
        }
    }
}
