//! Garbage collection outside commits: on release, on demand; and the figures that tell how much there is.

use super::Store;
use crate::chain::RecordRef;
use crate::reclaim::Reclaimer;
use crate::stats::{Stats, Survey};
use crate::tally::Event;

/// Versions behind root from which on a released snapshot may have kept much.
const OLD: u64 = 64;
/// Bags examined by a release: 64 kept versions.
const BAGS_PER_RELEASE: usize = 2;

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
        claim.sweeper().look(BAGS_PER_RELEASE, self.field(&pin, &claim));
    }

    /// Cuts and frees everything that can be cut and freed now. Returns the number of versions cut.
    pub fn maintain(&self) -> usize {
        self.hand_over_open_bags();
        let claim = self.claim();
        {
            let pin = claim.pin();
            claim.sweeper().rescan(self.field(&pin, &claim));
        }
        let mut versions = 0;
        // One round over the backlog as it is now: what is put back meanwhile waits for some snapshot.
        let rounds = self.sum(Event::BagsPut).saturating_sub(self.sum(Event::BagsTaken)) + 1;
        for _ in 0..rounds {
            let pin = claim.pin();
            let swept = claim.sweeper().look(1, self.field(&pin, &claim));
            versions += swept.versions;
            if swept.bags + swept.waiting == 0 {
                break;
            }
        }
        {
            let pin = claim.pin();
            self.queue.finish_ordered(&pin, claim.tally());
            self.front.settle(&pin, claim.tally());
        }
        drop(claim);
        self.sessions.for_each_free(&self.domain, |claim| claim.flush());
        versions
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

    fn sum(&self, event: Event) -> u64 {
        self.sessions.tallies().map(|tally| tally.get(event)).fold(0, u64::wrapping_add)
    }

    fn queued_entries(&self) -> u64 {
        self.sum(Event::Queued).saturating_sub(self.sum(Event::Unqueued))
    }

    /// The counters, added up. Not one moment's picture while others write.
    pub fn stats(&self) -> Stats {
        let version = self.published();
        let (open_snapshots, oldest) = self.slots.open();
        let difference = |plus, minus| self.sum(plus).saturating_sub(self.sum(minus));
        Stats {
            version: version.into(),
            live_keys: self.sum(Event::LiveKeys).cast_signed().max(0).cast_unsigned(),
            records: self.sum(Event::Records),
            versions: difference(Event::VersionsLinked, Event::VersionsCut),
            retired: self.sum(Event::Retired).saturating_sub(self.domain.freed()),
            gc_queued: self.queued_entries(),
            open_snapshots,
            oldest_snapshot: oldest.map(Into::into),
            oldest_snapshot_age: oldest.map_or(0, |oldest| version.saturating_sub(oldest)),
            commits: self.sum(Event::Commits),
            helped: self.sum(Event::Helped),
            cas_failures: self.sum(Event::CasFailures),
            folds: self.sum(Event::Folds),
            splits: self.sum(Event::Splits),
            hash_growths: self.sum(Event::Growths),
            slot_scans: self.sum(Event::Scans),
        }
    }

    /// Walks all keys and their chains.
    pub fn survey(&self) -> Survey {
        let claim = self.claim();
        let pin = claim.pin();
        let mut survey = Survey::default();
        self.list.for_each_leaf(&pin, |body| {
            survey.leaves += 1;
            let sorted = (0..body.sorted_len()).map(|i| body.record(i));
            let tail = body.tail().inspect(|_| survey.tail_entries += 1);
            let mut chains = Vec::new();
            for record in sorted.chain(tail) {
                // SAFETY: records live as long as the list; the pin protects their chains.
                let record: RecordRef<'_> = unsafe { RecordRef::new(record.as_ptr()) };
                chains.push((record, 0_u64));
            }
            for (record, length) in &mut chains {
                let newest = record.head(&pin);
                survey.count(newest.map(|version| version.is_tombstone()));
                let mut next = newest;
                while let Some(version) = next {
                    *length += 1;
                    next = version.older(&pin);
                }
                survey.chain(*length);
            }
        });
        survey
    }
}
