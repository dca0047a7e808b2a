//! Sealed records on their way out: list, hash, memory, with a grace period between (rule 15).
//!
//! *Picture.*
//! ```text
//!  sealed ─► listed ──a fold leaves it out──► unlisted ─► period ─► out of the hash ─► retire(Two)
//!            ▲     └─ looked at in its turn ─┘
//! ```
//! A record has one owner from the seal to the retire (I-37): first the session that sealed it, then, in batches of
//! [`BATCH`], whoever takes its batch from the queue that all sessions share. A session keeps back less than a batch of either
//! kind, so what one thread has deleted others remove, if it does not come back.
//!
//! *Work.* Every batch that a session makes pays for two looks at the queue, and so does every fourth commit: a look takes one
//! batch a step further, or puts it back.

use super::Field;
use crate::chain::{Record, RecordRef};
use crate::reclaim::{Grace, Node, Period, Pinned};
use crate::sync::{mutant, pause};
use crate::tally::Event;
use std::ptr::NonNull;

/// Records that go together.
const BATCH: usize = if cfg!(epoch_loom) { 1 } else { 32 };
/// Batches that a call looks at.
const LOOKS: usize = 2;
/// Steps after which records are handed over though they are not a whole batch.
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
        // SAFETY: I-37: only its owner retires it, as the last step, under a pin that outlives the view.
        unsafe { RecordRef::new(self.record) }
    }
}

/// How far a batch has come.
#[derive(Debug)]
enum Stage {
    /// Some of its records are still in the list.
    Listed,
    /// All have left the list, before this period began: when it has ended, nobody puts them into the hash any more.
    Unlisted(Period),
}

/// Sealed records with one owner. See the module header.
#[derive(Debug)]
pub struct Batch {
    records: Vec<Sealed>,
    stage: Stage,
}

// SAFETY: records are shared by protocol; each is in one owner's hands (I-37).
unsafe impl Send for Batch {}

impl Batch {
    /// Leaves all that are listed still out of the list, whatever that costs, and begins their period.
    fn unlist<P: Pinned>(&mut self, field: Field<'_, P>) {
        if matches!(self.stage, Stage::Listed) {
            for sealed in &self.records {
                let record = sealed.view(field.pin);
                if !record.has_left_list() {
                    field.space(sealed.space).list.drop_dead_now(record, field.pin, field.tally);
                }
            }
            self.stage = Stage::Unlisted(Period::begin(field.pin));
        }
    }

    /// Frees what the lists do not: as the store is being dropped, whose lists free what they hold.
    ///
    /// Nothing else frees a batch: one that is lost because a thread unwinds is leaked, since others may reach its records.
    pub(super) fn free_alone(self) {
        free_unlisted(self.records);
    }

    /// Finishes the removal, if its period is over. Else the batch comes back.
    fn finish<P: Pinned>(self, field: Field<'_, P>) -> Option<Self> {
        let is_due = match &self.stage {
            Stage::Listed => false,
            Stage::Unlisted(period) => period.has_ended() || mutant!("removal-without-period"),
        };
        if !is_due {
            return Some(self);
        }
        for sealed in self.records {
            let front = &field.space(sealed.space).front;
            let record = sealed.view(field.pin);
            front.remove(record, front.hash(record.key()), field.pin, field.tally);
            field.tally.one(Event::RecordsRemoved);
            // With the record goes its tombstone, if a commit ever wrote to it.
            let tombstone = record.head(field.pin);
            field.tally.add(Event::VersionsCut, i64::from(tombstone.is_some()));
            // SAFETY: I-37: it is not retired yet.
            let bytes = unsafe { Record::bytes(sealed.record) };
            let bytes = bytes + tombstone.map_or(0, |tombstone| tombstone.own_bytes());
            // SAFETY: I-1, I-37: this is its owner; no list, no table and no later pin has it. Commits may hand it on.
            unsafe { field.pin.retire(sealed.record, Grace::Two) };
            field.tally.bytes(Event::Linked, 0, bytes);
        }
        None
    }
}

fn free_unlisted(records: Vec<Sealed>) {
    for sealed in records {
        if sealed.view(&sealed).has_left_list() {
            // SAFETY: I-37; no other thread is left.
            unsafe { Record::free(sealed.record) };
        }
    }
}

/// What a session keeps back. Belongs to it: one thread at a time.
#[derive(Debug, Default)]
pub struct Removals {
    listed: Vec<Sealed>,
    unlisted: Vec<Sealed>,
    /// Steps since something was handed over.
    steps: u32,
}

// SAFETY: records are shared by protocol; each is in one owner's hands (I-37).
unsafe impl Send for Removals {}

impl Removals {
    /// The caller has sealed `record`: begins to remove it, and goes on with others. Bounded work.
    pub fn begin<P: Pinned>(&mut self, record: RecordRef<'_>, space: u32, field: Field<'_, P>) {
        pause("record-sealed");
        let sealed = Sealed { record: record.as_ptr(), space };
        if field.space(space).list.note_dead(record, field.pin, field.tally) {
            self.unlisted.push(sealed);
        } else {
            self.listed.push(sealed);
        }
        if self.listed.len().max(self.unlisted.len()) >= BATCH {
            self.hand_over(field);
            self.look(field);
        }
    }

    /// Goes on a little, with whatever can go on. Bounded work.
    pub fn step<P: Pinned>(&mut self, field: Field<'_, P>) {
        if !self.is_empty() {
            self.steps += 1;
            if self.steps >= STEPS_PER_BATCH {
                self.hand_over(field);
            }
        }
        self.look(field);
    }

    /// Takes a few batches of the queue a step further, or puts them back.
    fn look<P: Pinned>(&mut self, field: Field<'_, P>) {
        let leaving = &field.backlog.leaving;
        for _ in 0..LOOKS {
            if leaving.is_empty(field.pin) {
                return;
            }
            let Some(batch) = leaving.pop(field.pin) else { return };
            let left = match batch.stage {
                Stage::Listed => self.look_at_listed(batch, field),
                Stage::Unlisted(_) => batch.finish(field),
            };
            if let Some(batch) = left {
                leaving.push(batch, field.pin);
            }
        }
    }

    /// Takes over what folds have left out of the list meanwhile, and insists for one that they have not: notes can be lost
    /// beside a fold, and too few may never pay for one.
    fn look_at_listed<P: Pinned>(
        &mut self,
        mut batch: Batch,
        field: Field<'_, P>,
    ) -> Option<Batch> {
        let has_left = |sealed: &Sealed| sealed.view(field.pin).has_left_list();
        let (gone, still) = std::mem::take(&mut batch.records).into_iter().partition(has_left);
        batch.records = still;
        self.unlisted.extend::<Vec<Sealed>>(gone);
        if let Some(sealed) = batch.records.pop() {
            let list = &field.space(sealed.space).list;
            if list.note_dead(sealed.view(field.pin), field.pin, field.tally) {
                self.unlisted.push(sealed);
            } else {
                batch.records.insert(0, sealed);
            }
        }
        if self.unlisted.len() >= BATCH {
            self.hand_over(field);
        }
        (!batch.records.is_empty()).then_some(batch)
    }

    /// Puts everything into the queue, where any session finds it.
    pub fn hand_over<P: Pinned>(&mut self, field: Field<'_, P>) {
        self.steps = 0;
        let leaving = &field.backlog.leaving;
        if !self.listed.is_empty() {
            let records = std::mem::take(&mut self.listed);
            leaving.push(Batch { records, stage: Stage::Listed }, field.pin);
        }
        if !self.unlisted.is_empty() {
            let records = std::mem::take(&mut self.unlisted);
            let stage = Stage::Unlisted(Period::begin(field.pin));
            leaving.push(Batch { records, stage }, field.pin);
        }
    }

    /// Whether there is nothing here.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.unlisted.is_empty()
    }
}

impl Drop for Removals {
    /// As for a batch: sessions go with the store.
    fn drop(&mut self) {
        free_unlisted(std::mem::take(&mut self.listed));
        free_unlisted(std::mem::take(&mut self.unlisted));
    }
}

/// Takes every batch of the queue as far as it can go now, however much it is, under the caller's pin. True: none is left. Else
/// to be called again after a grace period.
pub fn finish_all<P: Pinned>(field: Field<'_, P>) -> bool {
    let leaving = &field.backlog.leaving;
    let mut left = Vec::new();
    while let Some(mut batch) = leaving.pop(field.pin) {
        batch.unlist(field);
        left.extend(batch.finish(field));
    }
    let none_left = left.is_empty();
    left.into_iter().for_each(|batch| leaving.push(batch, field.pin));
    none_left
}
