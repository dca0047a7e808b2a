//! Which version was the newest some time ago: a ring of samples, taken at a bounded rate by whoever scans, and beside each
//! of them one that is taken on demand.
//!
//! A sample says "at this time every version below this one had been superseded". Its two words only rise, and the
//! time is written first: who reads the version first and the time second finds a time at least as late as the one at
//! which that version was noted, so a sample is never taken for older than it is, whoever else is writing it.
//!
//! On demand the newest version is noted also if its interval has a sample: that one was taken at the beginning of the
//! interval, and in a map that falls quiet in the middle of it no scan comes to note the rest. Samples on demand have
//! places of their own, one for each interval. They replace each other there, and nothing that was sampled before.
//!
//! *Progress.* Wait-free; one thread per interval writes, others read one word.
//! *Orderings.* `age-sample`: Release write of the version, Acquire read: the time that goes with it, or a later one.
//! *Checked by* `ages.rs` in `loom-tests/tests`; the tests below.

use crate::sync::{AtomicU64, Ordering, mutant, ord};
use std::time::{Duration, Instant};

/// Intervals in the age that is kept.
const INTERVALS: u64 = 8;
/// Samples: twice as many intervals as it takes to become old.
const SAMPLES: usize = if cfg!(epoch_loom) { 2 } else { 2 * INTERVALS as usize };

#[derive(Debug, Default)]
struct Sample {
    time: AtomicU64,
    version: AtomicU64,
}

/// See the module header. Times are nanoseconds since it was made.
#[derive(Debug)]
pub struct Ages {
    began: Instant,
    keep: u64,
    interval: u64,
    /// The interval of the last sample, counted from 1.
    last: AtomicU64,
    samples: [Sample; SAMPLES],
    /// Taken on demand, later in the same intervals.
    on_demand: [Sample; SAMPLES],
    /// Every version below was superseded at least `keep` ago. Only rises.
    low: AtomicU64,
}

impl Ages {
    /// Keeps what was the newest version within `age`.
    pub fn new(age: Duration) -> Self {
        let keep = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX).clamp(1, u64::MAX / 2);
        Self {
            began: Instant::now(),
            keep,
            interval: (keep / INTERVALS).max(1),
            last: AtomicU64::new(0),
            samples: std::array::from_fn(|_| Sample::default()),
            on_demand: std::array::from_fn(|_| Sample::default()),
            low: AtomicU64::new(0),
        }
    }

    /// The lowest version that must be kept, seen by a scan that has just loaded root `published`.
    pub(super) fn observe(&self, published: u64) -> u64 {
        // The clock is read after the root, so the sample is not older than the root.
        self.observe_at(published, self.now())
    }

    /// Notes root `published`, which was loaded before, whatever has been noted in this interval.
    pub(super) fn note(&self, published: u64) {
        self.note_at(published, self.now());
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX / 2)
    }

    /// The same, at a time of the caller's choice.
    pub fn observe_at(&self, published: u64, now: u64) -> u64 {
        let turn = self.turn(now);
        let last = self.last.load(Ordering::Relaxed);
        let (win, lose) = (Ordering::Relaxed, Ordering::Relaxed);
        if last < turn && self.last.compare_exchange(last, turn, win, lose).is_ok() {
            // First use what there is, then overwrite the oldest.
            self.raise(now);
            self.samples[place(turn)].note(published, now);
        }
        self.low.load(Ordering::Relaxed)
    }

    /// As [`Ages::note`], at a time of the caller's choice.
    fn note_at(&self, published: u64, now: u64) {
        self.raise(now);
        let sample = &self.on_demand[place(self.turn(now))];
        // What is noted already is not made younger.
        if sample.read().1 < published {
            sample.note(published, now);
        }
    }

    /// The interval of a time, counted from 1.
    fn turn(&self, now: u64) -> u64 {
        now / self.interval + 1
    }

    fn raise(&self, now: u64) {
        let samples = self.samples.iter().chain(&self.on_demand);
        let old = samples
            .map(Sample::read)
            .filter(|&(time, _)| time.checked_add(self.keep).is_some_and(|old_at| old_at <= now));
        if let Some(version) = old.map(|(_, version)| version).max() {
            self.low.fetch_max(version, Ordering::Relaxed);
        }
    }
}

/// The place of an interval in the ring.
fn place(turn: u64) -> usize {
    (turn % SAMPLES as u64) as usize
}

impl Sample {
    fn note(&self, published: u64, now: u64) {
        if mutant!("age-version-first") {
            self.version.fetch_max(published, Ordering::Release);
        }
        self.time.fetch_max(now, Ordering::Relaxed);
        self.version.fetch_max(published, ord!("age-sample", Release));
    }

    fn read(&self) -> (u64, u64) {
        let version = self.version.load(ord!("age-look", Acquire));
        (self.time.load(Ordering::Relaxed), version)
    }
}

#[cfg(all(test, not(epoch_loom)))]
mod tests {
    use super::*;

    const KEEP: u64 = 800;

    fn ages() -> Ages {
        Ages::new(Duration::from_nanos(KEEP))
    }

    #[test]
    fn what_was_the_newest_within_the_age_is_kept_and_little_more() {
        let ages = ages();
        for now in 0..10_000 {
            // One version per nanosecond: version `now` is the newest at time `now`.
            let low = ages.observe_at(now, now);
            assert!(low + KEEP <= now || low == 0, "{low} at {now} is too high");
            assert!(now < 2 * KEEP || low + KEEP * 5 / 4 >= now, "{low} at {now} is too low");
        }
    }

    #[test]
    fn rare_scans_let_go_too() {
        for gap in [KEEP, KEEP * 2, KEEP * 2 + 1, KEEP * 7] {
            let ages = ages();
            for i in 0..20_u64 {
                let low = ages.observe_at(i, i * gap);
                assert_eq!(low, i.saturating_sub(1), "one scan every {gap}");
            }
        }
    }

    #[test]
    fn what_is_noted_on_demand_goes_after_the_age() {
        for first in [0, KEEP / 16, KEEP * 3] {
            let ages = ages();
            assert_eq!(ages.observe_at(1, first), 0);
            // A burst, all in the interval of that sample.
            assert_eq!(ages.observe_at(1_000, first + 3), 0);
            ages.note_at(1_000, first + 4);
            ages.note_at(1_000, first + 5);
            ages.note_at(1_000, first + KEEP + 3);
            assert_eq!(ages.observe_at(1_000, first + KEEP + 3), 1, "not before its time");
            ages.note_at(1_000, first + KEEP + 4);
            assert_eq!(ages.observe_at(1_000, first + KEEP + 4), 1_000);
        }
    }

    #[test]
    fn notes_on_demand_let_nothing_go_early_and_hold_nothing_up() {
        let ages = ages();
        for now in 0..10_000 {
            ages.note_at(now, now);
            let low = ages.observe_at(now, now);
            assert!(low + KEEP <= now || low == 0, "{low} at {now} is too high");
            assert!(now < 2 * KEEP || low + KEEP * 5 / 4 >= now, "{low} at {now} is too low");
        }
    }

    #[test]
    fn a_clock_that_ends_keeps_everything() {
        let ages = Ages::new(Duration::MAX);
        assert_eq!(ages.observe_at(1, 0), 0);
        assert_eq!(ages.observe_at(2, u64::MAX / 4), 0);
    }
}
