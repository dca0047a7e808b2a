//! Garbage collection outside commits: on release, on demand; and the figures that tell how much there is.

use super::Store;
use super::memory::Memory;
use super::resolve::Resolver;
use crate::chain::{RecordRef, Registered};
use crate::gc::finish_all;
use crate::reclaim::{Pinned, Reclaimer};
use crate::space::Space;
use crate::stats::{Stats, Survey};
use crate::tally::Event;

/// Versions behind root from which on a released snapshot may have kept much.
const OLD: u64 = 64;
/// Kept versions looked at by a release.
const ENTRIES_PER_RELEASE: usize = 64;

impl Store {
    /// Trigger three: a snapshot at `stamp` was released. Bounded work; what is left stays queued.
    #[inline]
    pub(super) fn after_release(&self, stamp: u64) {
        if self.published() >= stamp + OLD {
            self.sweep_some();
        }
    }

    #[cold]
    fn sweep_some(&self) {
        let claim = self.claim();
        let pin = claim.pin();
        claim.sweeper().look(ENTRIES_PER_RELEASE, self.field(&pin, &claim));
    }

    /// Cuts and frees everything that can be cut and freed now. Returns the number of versions cut.
    pub fn maintain(&self) -> usize {
        self.hand_over_open_bags();
        let claim = self.claim();
        {
            let pin = claim.pin();
            let mut sweeper = claim.sweeper();
            sweeper.rescan(self.field(&pin, &claim));
            sweeper.ripen_all(self.field(&pin, &claim));
        }
        let mut versions = 0;
        // As much as there is now: others may make more all the time.
        for _ in 0..=self.queued_entries() {
            let pin = claim.pin();
            let swept = claim.sweeper().look_now(1, self.field(&pin, &claim));
            versions += swept.versions;
            if swept.entries == 0 {
                break;
            }
        }
        let resolver = Resolver { store: self, claim: &claim };
        self.queue.finish_ordered(&resolver, &claim.pin(), claim.tally());
        for space in self.spaces.iter() {
            space.front.settle(&claim.pin(), claim.tally());
        }
        drop(claim);
        self.finish_removals();
        self.sessions.for_each_free(&self.domain, |claim| claim.flush());
        versions
    }

    /// Takes every sealed record through its phases: list, a grace period, hash, a grace period, memory.
    fn finish_removals(&self) {
        self.sessions.for_each_free(&self.domain, |claim| {
            if claim.sweeper().is_removing() {
                claim.sweeper().hand_over_removals(self.field(&claim.pin(), claim));
                claim.flush();
            }
        });
        for _phase in 0..2 {
            let claim = self.claim();
            let all_done = finish_all(self.field(&claim.pin(), &claim));
            claim.flush();
            if all_done {
                return;
            }
        }
    }

    fn hand_over_open_bags(&self) {
        self.sessions.for_each_free(&self.domain, |claim| {
            let mut sweeper = claim.sweeper();
            if sweeper.keeps_something() {
                let pin = claim.pin();
                sweeper.hand_over(self.field(&pin, claim));
            }
        });
    }

    /// Takes back every lease below `oldest`, and begins to collect what they kept. Returns how many.
    pub fn revoke_below(&self, oldest: u64) -> usize {
        let revoked = self.slots.revoke_below(oldest);
        if revoked > 0 {
            self.sweep_some();
        }
        revoked
    }

    fn sum(&self, event: Event) -> u64 {
        self.sessions.tallies().map(|tally| tally.get(event)).fold(0, u64::wrapping_add)
    }

    fn queued_entries(&self) -> u64 {
        self.sum(Event::Queued).saturating_sub(self.sum(Event::Unqueued))
    }

    fn hash_slots(&self) -> usize {
        let claim = self.claim();
        let pin = claim.pin();
        self.spaces.iter().map(|space| space.front.capacity(&pin)).sum()
    }

    /// A stamp below which nothing is read any more, now or later: no snapshot has one, or can come to have one.
    pub fn oldest_needed(&self) -> u64 {
        let claim = self.claim();
        let pin = claim.pin();
        let mut registered = Registered::default();
        let ripe = |bag| self.backlog.ripen(bag, &pin);
        self.slots.scan(self.queue.root(), &mut registered, ripe);
        registered.oldest()
    }

    /// The counters, added up. Not one moment's picture while others write.
    pub fn stats(&self) -> Stats {
        let version = self.published();
        let oldest_version = self.slots.openable(self.queue.root()).oldest;
        let (open_snapshots, oldest) = self.slots.open();
        let Memory { held, retired } = self.memory();
        let difference = |plus, minus| self.sum(plus).saturating_sub(self.sum(minus));
        Stats {
            version: version.into(),
            oldest_version: oldest_version.min(version).into(),
            live_keys: self.sum(Event::LiveKeys).cast_signed().max(0).cast_unsigned(),
            records: difference(Event::Records, Event::RecordsRemoved),
            versions: difference(Event::VersionsLinked, Event::VersionsCut),
            retired: self.sum(Event::Retired).saturating_sub(self.domain.freed()),
            bytes: held,
            retired_bytes: retired,
            gc_queued: self.queued_entries(),
            open_snapshots,
            oldest_snapshot: oldest.map(Into::into),
            oldest_snapshot_age: oldest.map_or(0, |oldest| version.saturating_sub(oldest)),
            commits: self.sum(Event::Commits),
            refused: self.sum(Event::Refusals),
            helped: self.sum(Event::Helped),
            cas_failures: self.sum(Event::CasFailures),
            folds: self.sum(Event::Folds),
            splits: self.sum(Event::Splits),
            hash_growths: self.sum(Event::Growths),
            hash_slots: self.hash_slots(),
            slot_scans: self.sum(Event::Scans),
            gc_steps: self.sum(Event::Steps),
            key_spaces: self.spaces.named_len(),
        }
    }

    /// Walks all keys and their chains, in all spaces.
    pub fn survey(&self) -> Survey {
        let claim = self.claim();
        let mut survey = Survey::default();
        for space in self.spaces.iter() {
            survey_space(space, &claim.pin(), &mut survey);
        }
        survey
    }
}

fn survey_space<P: Pinned>(space: &Space, pin: &P, survey: &mut Survey) {
    space.list.for_each_leaf(pin, |body| {
        survey.leaves += 1;
        let sorted = (0..body.sorted_len()).map(|i| body.record(i));
        let tail = body.tail().inspect(|_| survey.tail_entries += 1);
        let mut chains = Vec::new();
        for record in sorted.chain(tail) {
            // SAFETY: a record of a body that was loaded under this pin lives as long as the pin (I-37, I-43).
            let record: RecordRef<'_> = unsafe { RecordRef::new(record.as_ptr()) };
            chains.push((record, 0_u64));
        }
        for (record, length) in &mut chains {
            let newest = record.head(pin);
            survey.count(newest.map(|version| version.is_tombstone()));
            let mut next = newest;
            while let Some(version) = next {
                *length += 1;
                next = version.older(pin);
            }
            survey.chain(*length);
        }
    });
}
