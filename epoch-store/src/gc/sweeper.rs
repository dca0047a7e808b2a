//! A session's part in garbage collection: its scan of the slots, its open bag, and how much it does per call.

use super::{Backlog, Bag};
use crate::chain::{Record, RecordRef, Registered, cut};
use crate::reclaim::Pinned;
use crate::slots::Slots;
use crate::sync::{AtomicU64, mutant, ord, pause};
use crate::tally::{Event, Tally};
use std::ptr::NonNull;

/// A scan of this many slots pays for itself with one superseded version.
const SLOTS_PER_VERSION: usize = 16;
/// Commits between looks at the backlog.
const COMMITS_PER_LOOK: u32 = 4;

/// What a call did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Versions cut.
    pub versions: usize,
    /// Bags taken from the backlog and examined.
    pub bags: usize,
    /// Bags put back unexamined: nothing that they wait for has happened.
    pub waiting: usize,
}

/// See the module header. Belongs to a session: one thread at a time.
#[derive(Debug, Default)]
pub struct Sweeper {
    registered: Registered,
    /// Slots that the last scan read.
    scan_cost: usize,
    /// Superseded versions since the last scan.
    debt: usize,
    commits: u32,
    open: Bag,
}

/// What a sweeper works on.
#[derive(Debug)]
pub struct Field<'a, P> {
    /// The snapshot slots.
    pub slots: &'a Slots,
    /// The published version.
    pub root: &'a AtomicU64,
    /// The queue of bags.
    pub backlog: &'a Backlog,
    /// The caller's pin.
    pub pin: &'a P,
    /// The caller's counters.
    pub tally: &'a Tally,
}

impl<P> Clone for Field<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Field<'_, P> {}

impl Sweeper {
    /// Reads the registered stamps again.
    pub fn rescan<P: Pinned>(&mut self, field: Field<'_, P>) {
        self.scan_cost = field.slots.scan(field.root, &mut self.registered);
        self.debt = 0;
        field.tally.one(Event::Scans);
    }

    /// Trigger one: right after a commit is published, cut the chains it wrote to.
    pub fn after_commit<'r, P: Pinned>(
        &mut self,
        records: impl Iterator<Item = RecordRef<'r>> + Clone,
        field: Field<'_, P>,
    ) {
        let superseded = records.clone().filter(|record| has_history(*record, field.pin)).count();
        if superseded > 0 {
            self.debt += superseded;
            // A scan reads one line per slot: with many slots it waits until it pays.
            if self.debt * SLOTS_PER_VERSION >= self.scan_cost {
                self.rescan(field);
            }
            for record in records {
                self.examine(record, field);
            }
        }
        self.commits = self.commits.wrapping_add(1);
        if self.commits % COMMITS_PER_LOOK == 0 && !field.backlog.is_empty(field.pin) {
            self.look(1, field);
        }
    }

    /// Triggers two and three: up to `bags` bags of the backlog, oldest first.
    pub fn look<P: Pinned>(&mut self, bags: usize, field: Field<'_, P>) -> Swept {
        let mut swept = Swept::default();
        for _ in 0..bags {
            let Some(bag) = field.backlog.pop(field.pin) else { break };
            if swept.bags == 0 && swept.waiting == 0 {
                self.rescan(field);
            }
            if !bag.is_worth_a_look(&self.registered) {
                field.backlog.push(bag, field.pin);
                swept.waiting += 1;
                continue;
            }
            swept.bags += 1;
            pause("bag-taken");
            for record in bag.into_records() {
                swept.versions += self.examine_queued(record, field);
            }
        }
        self.hand_over(field);
        swept
    }

    fn examine_queued<P: Pinned>(&mut self, record: NonNull<Record>, field: Field<'_, P>) -> usize {
        // SAFETY: records live as long as the list.
        let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
        field.tally.one(Event::Unqueued);
        if mutant!("flag-cleared-late") {
            let versions = self.examine(record, field);
            record.queued().swap(false, ord!("flag-off", AcqRel));
            return versions;
        }
        // Off before the look (I-26): who finds it on later has its chain examined later.
        record.queued().swap(false, ord!("flag-off", AcqRel));
        self.examine(record, field)
    }

    /// Cuts one chain; what must be kept is looked at again later.
    pub fn examine<P: Pinned>(&mut self, record: RecordRef<'_>, field: Field<'_, P>) -> usize {
        let left = cut(record, &self.registered, field.pin);
        field.tally.add(Event::VersionsCut, left.versions as i64);
        if left.kept > 0 && !record.queued().swap(true, ord!("flag-on", AcqRel)) {
            field.tally.one(Event::Queued);
            self.open.add(record, &left);
            if self.open.is_full() {
                self.hand_over(field);
            }
        }
        left.versions
    }

    /// Puts the open bag into the backlog, so that any thread can go on with it.
    pub fn hand_over<P: Pinned>(&mut self, field: Field<'_, P>) {
        if self.open.is_empty() {
            return;
        }
        let mut bag = std::mem::take(&mut self.open);
        bag.close(&self.registered);
        field.backlog.push(bag, field.pin);
    }

    /// Whether a bag is open.
    pub fn keeps_something(&self) -> bool {
        !self.open.is_empty()
    }
}

fn has_history<P: Pinned>(record: RecordRef<'_>, pin: &P) -> bool {
    // SAFETY: records live as long as the list; the view is dropped here.
    let record = unsafe { RecordRef::new(record.as_ptr()) };
    record.head(pin).is_some_and(|head| head.older(pin).is_some())
}
