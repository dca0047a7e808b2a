//! A session's part in garbage collection: its scan of the slots, its open bags, and how much it does per call.

use super::{Backlog, Removals};
use crate::chain::{Cut, Kept, RecordRef, Registered, Stamp, cut};
use crate::reclaim::Pinned;
use crate::slots::{BAG, Bag, Entry, Slots};
use crate::space::{Space, Spaces};
use crate::sync::{AtomicU64, mutant, pause, prefetch};
use crate::tally::{Event, Tally};
use smallvec::SmallVec;
use std::cmp::Reverse;

/// What one unit of work (a superseded version, a bag looked at) pays towards the next scan, in slots.
const SLOTS_PER_UNIT: usize = 16;
/// How far ahead of a look at what a commit has superseded that is asked for.
const AHEAD: usize = 16;
/// Units after which a scan is due however many slots there are: bounds what an old scan leaves in the chains.
const MOST_UNITS: usize = 128;
/// Commits between looks at the backlog.
const COMMITS_PER_LOOK: u32 = 4;
/// Commits after which a bag is handed over though it is not full.
const COMMITS_PER_BAG: u32 = 64;
/// Kept versions that a commit walks past: older ones have entries of their own.
const REACH: usize = 8;
/// Versions that a look may walk past on an average: one that met a longer chain is followed by none until it is paid for.
const STEPS_PER_LOOK: usize = 512;
/// Entries taken at a time, or a bag more: those for one record share one walk along its chain.
const ENTRIES_AT_ONCE: usize = 8 * BAG;

/// What a call did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Versions cut.
    pub versions: usize,
    /// Entries taken from the backlog and looked at.
    pub entries: usize,
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
    /// Versions walked past by looks, and not paid for yet.
    debt: usize,
    /// What a scan could not judge yet: retained, or superseded after the scan.
    young: Bag,
    /// What the stamp that is awaited keeps.
    seen: Bag,
    awaited: Option<Stamp>,
    removals: Removals,
}

/// A record that was written to, and the space that it is in.
#[derive(Debug, Clone, Copy)]
pub struct Written<'p> {
    /// The record.
    pub record: RecordRef<'p>,
    /// The number of its space.
    pub space: u32,
}

/// What a sweeper works on.
pub struct Field<'a, P> {
    /// The snapshot slots.
    pub slots: &'a Slots,
    /// The published version.
    pub root: &'a AtomicU64,
    /// The queue of bags.
    pub backlog: &'a Backlog,
    /// Where dead keys are removed from.
    pub spaces: &'a Spaces,
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

impl<'a, P> Field<'a, P> {
    /// A space that something written to is in.
    pub(super) fn space(self, id: u32) -> &'a Space {
        self.spaces.get(id).expect("a record's space exists, and spaces stay")
    }
}

impl Sweeper {
    /// Reads the registered stamps again.
    pub fn rescan<P: Pinned>(&mut self, field: Field<'_, P>) {
        let ripe = |bag| field.backlog.ripe.push(bag, field.pin);
        self.scan_cost = field.slots.scan(field.root, &mut self.registered, ripe);
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
        written: impl Iterator<Item = Written<'r>> + Clone,
        field: Field<'_, P>,
    ) {
        let superseded = count_superseded(written.clone(), field.pin);
        if superseded > 0 {
            self.rescan_if_due(superseded, field);
            let mut coming = written.clone().skip(AHEAD);
            for written in written {
                if let Some(written) = coming.next() {
                    prefetch_superseded(written.record, field.pin);
                }
                self.examine(written, REACH, field);
            }
        }
        self.commits = self.commits.wrapping_add(1);
        if self.commits.is_multiple_of(COMMITS_PER_BAG) {
            self.hand_over(field);
        }
        if self.commits.is_multiple_of(COMMITS_PER_LOOK) {
            self.removals.step(field);
            if self.can_afford_look() {
                // Twice as many as came in, so that the backlog of what is over shrinks.
                let entries = BAG + 2 * std::mem::take(&mut self.noted);
                self.look_now(entries, field);
            }
        }
    }

    /// Trigger three: so many entries of the backlog, oldest bags first, if the looks before were not too long. Bags are taken
    /// whole.
    pub fn look<P: Pinned>(&mut self, entries: usize, field: Field<'_, P>) -> Swept {
        if self.can_afford_look() { self.look_now(entries, field) } else { Swept::default() }
    }

    /// Pays for a look. False: what looks before it walked past is not paid for yet.
    fn can_afford_look(&mut self) -> bool {
        let is_due = self.debt < STEPS_PER_LOOK;
        self.debt = self.debt.saturating_sub(STEPS_PER_LOOK);
        is_due
    }

    /// The same for who wants everything gone that can go, however long that takes.
    pub fn look_now<P: Pinned>(&mut self, entries: usize, field: Field<'_, P>) -> Swept {
        let mut swept = Swept::default();
        if field.backlog.is_empty(field.pin) && !field.slots.has_waiting() {
            return swept;
        }
        self.rescan_if_due(1, field);
        while swept.entries < entries {
            let taken = self.take(ENTRIES_AT_ONCE.min(entries - swept.entries), field);
            if taken.is_empty() {
                break;
            }
            swept.entries += taken.len();
            prefetch_chains(&taken, field.pin);
            for of_one_record in taken.chunk_by(|a, b| a.record == b.record) {
                swept.versions += self.examine_again(of_one_record, field);
            }
        }
        swept
    }

    /// Lets everything that waits be looked at, for who wants everything gone that can go. A bag of young versions is due when
    /// the last of them is. And a tombstone goes when nothing is left behind it, and leaves its entry, whose note keeps a
    /// dead key (I-38), though the snapshot that sees the tombstone is still open.
    pub fn ripen_all<P: Pinned>(&mut self, field: Field<'_, P>) {
        let Backlog { ripe, young, .. } = field.backlog;
        field.slots.take_waiting(|bag| ripe.push(bag, field.pin));
        let mut all = Vec::new();
        while let Some(bag) = young.pop(field.pin) {
            all.push(bag);
        }
        all.into_iter().for_each(|bag| ripe.push(bag, field.pin));
    }

    /// So many entries, or what is left of a bag more: those of one record side by side, newest first.
    fn take<P: Pinned>(&self, least: usize, field: Field<'_, P>) -> Vec<Entry> {
        let mut entries = Vec::new();
        while entries.len() < least
            && let Some(bag) = field.backlog.take(self.registered.judged(), field.pin)
        {
            pause("bag-taken");
            let mut next = Some(bag);
            while entries.len() < least
                && let Some(bag) = next
            {
                next = bag.empty_into(&mut entries);
            }
            if let Some(rest) = next {
                field.backlog.ripe.push(rest, field.pin);
            }
        }
        entries.sort_unstable_by_key(|entry| (entry.record, Reverse(entry.kept.stamp)));
        entries
    }

    /// Cuts the chain that some entries are about, newest first; an entry stays if its version does.
    fn examine_again<P: Pinned>(&mut self, entries: &[Entry], field: Field<'_, P>) -> usize {
        // SAFETY: I-38: a record is not sealed, and so not freed, while there are entries for it.
        let record: RecordRef<'_> = unsafe { RecordRef::new(entries[0].record) };
        let written = Written { record, space: entries[0].space };
        debug_assert!(!record.is_dead(), "a record with entries is not sealed");
        let mut was_full = false;
        let Cut { mut versions, mut steps, .. } = self.examine(written, usize::MAX, field);
        let mut version = record.head(field.pin);
        for &entry in entries {
            while let Some(newer) = version.filter(|version| version.stamp() > entry.kept.stamp) {
                version = newer.older(field.pin);
                steps += 1;
            }
            let stays = version.is_some_and(|version| version.stamp() == entry.kept.stamp);
            if stays && !mutant!("entry-dropped") {
                self.keep(entry, field);
            } else {
                // Under this pin the record stays, whoever seals it now.
                was_full |= record.unnote();
                field.tally.one(Event::Unqueued);
            }
        }
        if was_full {
            // What found no room for an entry may find it now.
            let again = self.examine(written, usize::MAX, field);
            versions += again.versions;
            steps += again.steps;
        } else {
            self.seal_if_dead(written, field);
        }
        self.debt += steps;
        field.tally.add(Event::Steps, steps as i64);
        versions
    }

    /// Begins to remove a record that the caller has sealed.
    pub fn discard<P: Pinned>(&mut self, sealed: Written<'_>, field: Field<'_, P>) {
        self.removals.begin(sealed.record, sealed.space, field);
    }

    /// Begins to remove a key of which nothing but a tombstone is left.
    fn seal_if_dead<P: Pinned>(&mut self, written: Written<'_>, field: Field<'_, P>) {
        // SAFETY: alive under the caller's pin; the view is as long as the pin's.
        let record: RecordRef<'_> = unsafe { RecordRef::new(written.record.as_ptr()) };
        if record.seal_deleted(field.pin) {
            self.discard(Written { record, ..written }, field);
        }
    }

    /// Cuts one chain; what must be kept, and nobody has noted yet, is looked at again later. A dead key is removed.
    pub fn examine<P: Pinned>(
        &mut self,
        written: Written<'_>,
        reach: usize,
        field: Field<'_, P>,
    ) -> Cut {
        let Written { record, space } = written;
        let mut noted: SmallVec<[Kept; 4]> = SmallVec::new();
        let done = cut(record, &self.registered, reach, field.pin, |kept| noted.push(kept));
        field.tally.add(Event::VersionsCut, done.versions as i64);
        field.tally.bytes(Event::Linked, 0, done.bytes);
        for kept in noted {
            if mutant!("kept-unnoted") {
                break;
            }
            field.tally.one(Event::Queued);
            self.noted += 1;
            self.keep(Entry { record: record.as_ptr(), space, kept }, field);
        }
        self.seal_if_dead(written, field);
        done
    }

    /// A kept version waits: for a snapshot that sees it, or to be old enough to be judged.
    fn keep<P: Pinned>(&mut self, entry: Entry, field: Field<'_, P>) {
        let Kept { stamp, superseded_at } = entry.kept;
        let judges = self.registered.judges(superseded_at);
        // The newest: it is likely to be the last of them to go, and then one look is enough.
        let awaited = self.registered.newest_within(stamp, superseded_at).filter(|_| judges);
        let Some(awaited) = awaited else {
            self.young.add(entry);
            if self.young.is_full() {
                self.hand_over_young(field);
            }
            return;
        };
        if self.awaited != Some(awaited) {
            self.hand_over_seen(field);
            self.awaited = Some(awaited);
        }
        self.seen.add(entry);
        if self.seen.is_full() {
            self.hand_over_seen(field);
        }
    }

    /// Lets others see what is in open bags, so that any thread can go on with them.
    pub fn hand_over<P: Pinned>(&mut self, field: Field<'_, P>) {
        self.hand_over_young(field);
        self.hand_over_seen(field);
    }

    fn hand_over_young<P: Pinned>(&mut self, field: Field<'_, P>) {
        if !self.young.is_empty() {
            let bag = Box::new(std::mem::take(&mut self.young));
            let due = bag.ripens();
            field.backlog.young.push_due(bag, due, field.pin);
        }
    }

    fn hand_over_seen<P: Pinned>(&mut self, field: Field<'_, P>) {
        if let Some(awaited) = self.awaited.take()
            && !self.seen.is_empty()
            && !mutant!("seen-dropped")
        {
            let ripe = |bag| field.backlog.ripe.push(bag, field.pin);
            field.slots.lay(std::mem::take(&mut self.seen), awaited, ripe);
        }
    }

    /// Whether a bag is open.
    pub fn keeps_something(&self) -> bool {
        !self.young.is_empty() || !self.seen.is_empty()
    }

    /// Hands over what it has of removals under way, so that any thread can go on with it.
    pub fn hand_over_removals<P: Pinned>(&mut self, field: Field<'_, P>) {
        self.removals.hand_over(field);
    }

    /// Whether removals are under way here.
    pub fn is_removing(&self) -> bool {
        !self.removals.is_empty()
    }
}

/// Asks for what a look at each entry begins with: the misses of a bag overlap instead of following one another.
fn prefetch_chains<P: Pinned>(entries: &[Entry], pin: &P) {
    let records = || entries.chunk_by(|a, b| a.record == b.record).map(|of_one| of_one[0].record);
    if records().nth(1).is_none() {
        return; // nothing to overlap
    }
    records().for_each(|record| prefetch::read(record.as_ptr()));
    for record in records() {
        // SAFETY: I-38: alive while there are entries for it; the view is dropped here.
        let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
        if let Some(head) = record.head(pin) {
            prefetch::read(head.as_ptr().as_ptr());
        }
    }
}

/// How many of these chains have something to cut, or are tombstones alone. A large commit has written so many that the first
/// have left the cache: those that come are asked for.
fn count_superseded<'r, P: Pinned>(
    written: impl Iterator<Item = Written<'r>> + Clone,
    pin: &P,
) -> usize {
    let (mut near, mut far) = (written.clone().skip(AHEAD), written.clone().skip(2 * AHEAD));
    let is_superseded = |written: &Written<'_>| {
        if let Some(far) = far.next() {
            prefetch::read(far.record.as_ptr().as_ptr());
        }
        if let Some(near) = near.next() {
            prefetch::read(near.record.head_hint());
        }
        is_worth_a_look(written.record, pin)
    };
    written.filter(is_superseded).count()
}

/// Asks for the version that a large commit, out of whose way the caches have put it, has superseded.
fn prefetch_superseded<P: Pinned>(record: RecordRef<'_>, pin: &P) {
    // SAFETY: alive under the caller's pin; the view is dropped here.
    let record: RecordRef<'_> = unsafe { RecordRef::new(record.as_ptr()) };
    if let Some(older) = record.head(pin).and_then(|head| head.older(pin)) {
        prefetch::read(older.as_ptr().as_ptr());
    }
}

/// Whether the chain has something to cut, or is a tombstone alone.
fn is_worth_a_look<P: Pinned>(record: RecordRef<'_>, pin: &P) -> bool {
    // SAFETY: alive under the caller's pin; the view is dropped here.
    let record: RecordRef<'_> = unsafe { RecordRef::new(record.as_ptr()) };
    record.head(pin).is_some_and(|head| head.is_tombstone() || head.older(pin).is_some())
}
