//! A session's part in garbage collection: its scan of the slots, its open bag, and how much it does per call.

use super::bag::BAG;
use super::{Backlog, Bag, Entry};
use crate::chain::{Kept, RecordRef, Registered, cut};
use crate::reclaim::Pinned;
use crate::slots::Slots;
use crate::sync::{AtomicU64, mutant, pause};
use crate::tally::{Event, Tally};
use smallvec::SmallVec;

/// What one unit of work (a superseded version, a bag looked at) pays towards the next scan, in slots.
const SLOTS_PER_UNIT: usize = 16;
/// Units after which a scan is due however many slots there are: bounds what an old scan leaves in the chains.
const MOST_UNITS: usize = 128;
/// Commits between looks at the backlog.
const COMMITS_PER_LOOK: u32 = 4;
/// Commits after which a bag is handed over though it is not full.
const COMMITS_PER_BAG: u32 = 64;
/// Kept versions that a commit walks past: older ones have entries of their own.
const REACH: usize = 8;

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
    /// Units of work since the last scan.
    units: usize,
    commits: u32,
    /// Entries made since the last look of a commit: what comes in must go out.
    noted: usize,
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
        let before = self.open.count_blockers(&self.registered);
        self.scan_cost = field.slots.scan(field.root, &mut self.registered);
        self.open.outdate(before, &self.registered);
        self.units = 0;
        field.tally.one(Event::Scans);
    }

    /// Scans again when the work done since pays for it: a scan reads one line per slot.
    fn rescan_if_due<P: Pinned>(&mut self, units: usize, field: Field<'_, P>) {
        self.units += units;
        if self.units >= MOST_UNITS || self.units * SLOTS_PER_UNIT >= self.scan_cost {
            self.rescan(field);
        }
    }

    /// Trigger one: right after a commit is published, cut the chains it wrote to.
    pub fn after_commit<'r, P: Pinned>(
        &mut self,
        records: impl Iterator<Item = RecordRef<'r>> + Clone,
        field: Field<'_, P>,
    ) {
        let superseded = records.clone().filter(|record| has_history(*record, field.pin)).count();
        if superseded > 0 {
            self.rescan_if_due(superseded, field);
            for record in records {
                self.examine(record, REACH, field);
            }
        }
        self.commits = self.commits.wrapping_add(1);
        if self.commits.is_multiple_of(COMMITS_PER_BAG) {
            self.hand_over(field);
        }
        if self.commits.is_multiple_of(COMMITS_PER_LOOK) {
            // Twice as many as came in, so that the backlog of what is over shrinks.
            let bags = 1 + std::mem::take(&mut self.noted).div_ceil(BAG.div_ceil(2));
            self.look(bags, field);
        }
    }

    /// Triggers two and three: up to `bags` bags of the backlog, oldest first.
    pub fn look<P: Pinned>(&mut self, bags: usize, field: Field<'_, P>) -> Swept {
        let mut swept = Swept::default();
        if field.backlog.is_empty(field.pin) {
            return swept;
        }
        self.rescan_if_due(1, field);
        for _ in 0..bags {
            let Some(bag) = field.backlog.pop(field.pin) else { break };
            field.tally.one(Event::BagsTaken);
            if !bag.is_worth_a_look(&self.registered) {
                if !mutant!("waiting-bag-dropped") {
                    push(bag, field);
                }
                swept.waiting += 1;
                continue;
            }
            swept.bags += 1;
            pause("bag-taken");
            let entries = bag.into_entries();
            for of_one_record in entries.chunk_by(|a, b| a.record == b.record) {
                swept.versions += self.examine_again(of_one_record, field);
            }
        }
        swept
    }

    /// Cuts the chain that some entries are about, newest first; an entry stays if its version does.
    fn examine_again<P: Pinned>(&mut self, entries: &[Entry], field: Field<'_, P>) -> usize {
        // SAFETY: records live as long as the list.
        let record: RecordRef<'_> = unsafe { RecordRef::new(entries[0].record) };
        let versions = self.examine(record, usize::MAX, field);
        let mut version = record.head(field.pin);
        for &entry in entries {
            while let Some(newer) = version.filter(|version| version.stamp() > entry.kept.stamp) {
                version = newer.older(field.pin);
            }
            let stays = version.is_some_and(|version| version.stamp() == entry.kept.stamp);
            if stays && !mutant!("entry-dropped") {
                self.keep(entry, field);
            } else {
                field.tally.one(Event::Unqueued);
            }
        }
        versions
    }

    /// Cuts one chain; what must be kept, and nobody has noted yet, is looked at again later.
    pub fn examine<P: Pinned>(
        &mut self,
        record: RecordRef<'_>,
        reach: usize,
        field: Field<'_, P>,
    ) -> usize {
        let mut noted: SmallVec<[Kept; 4]> = SmallVec::new();
        let versions = cut(record, &self.registered, reach, field.pin, |kept| noted.push(kept));
        field.tally.add(Event::VersionsCut, versions as i64);
        for kept in noted {
            if mutant!("kept-unnoted") {
                break;
            }
            field.tally.one(Event::Queued);
            self.noted += 1;
            self.keep(Entry { record: record.as_ptr(), kept }, field);
        }
        versions
    }

    fn keep<P: Pinned>(&mut self, entry: Entry, field: Field<'_, P>) {
        self.open.add(entry);
        if self.open.is_full() {
            self.hand_over(field);
        }
    }

    /// Puts the open bag into the backlog, so that any thread can go on with it.
    pub fn hand_over<P: Pinned>(&mut self, field: Field<'_, P>) {
        if self.open.is_empty() {
            return;
        }
        let mut bag = std::mem::take(&mut self.open);
        bag.close(&self.registered);
        push(bag, field);
    }

    /// Whether a bag is open.
    pub fn keeps_something(&self) -> bool {
        !self.open.is_empty()
    }
}

fn push<P: Pinned>(bag: Bag, field: Field<'_, P>) {
    field.tally.one(Event::BagsPut);
    field.backlog.push(bag, field.pin);
}

fn has_history<P: Pinned>(record: RecordRef<'_>, pin: &P) -> bool {
    // SAFETY: records live as long as the list; the view is dropped here.
    let record = unsafe { RecordRef::new(record.as_ptr()) };
    record.head(pin).is_some_and(|head| head.older(pin).is_some())
}
