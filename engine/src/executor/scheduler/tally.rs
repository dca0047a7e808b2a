//! What a worker counts, for itself.

use std::time::{Duration, Instant};

/// One in so many ladders, and short runs, is timed.
const SAMPLE: u32 = 8;
/// Runs that take longer are all timed: that costs them less than a hundredth.
const LONG: Duration = Duration::from_micros(4);

/// Counts and times. Those of the ladder come from one in [`SAMPLE`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Runs that others could still disturb.
    pub speculative: u64,
    /// Runs at the frontier by who had claimed the index.
    pub direct: u64,
    /// Runs at the frontier because an earlier one was not valid, or was withdrawn.
    pub repairs: u64,
    /// Runs repeated ahead of the frontier because they were found stale.
    pub early: u64,
    /// Runs that were withdrawn and begun again, ahead of the frontier.
    pub resumed: u64,
    /// Runs that read something which was then written.
    pub stale: u64,
    /// Runs that met a value that was withdrawn.
    pub blocked: u64,
    /// Runs that found out themselves that they were stale.
    pub stopped: u64,
    /// Outcomes that finishing refused: merges that do not apply.
    pub redone: u64,
    /// Times that it slept.
    pub naps: u64,
    /// How long it had nothing to do.
    pub idle: Duration,
    /// Time in validations.
    pub validating: Duration,
    /// Time in finishing and publishing the frontier.
    pub committing: Duration,
}

impl Tally {
    /// Adds what another worker counted.
    pub fn add(&mut self, other: &Self) {
        self.speculative += other.speculative;
        self.direct += other.direct;
        self.repairs += other.repairs;
        self.early += other.early;
        self.resumed += other.resumed;
        self.stale += other.stale;
        self.blocked += other.blocked;
        self.stopped += other.stopped;
        self.redone += other.redone;
        self.naps += other.naps;
        self.idle += other.idle;
        self.validating += other.validating;
        self.committing += other.committing;
    }
}

/// Times one in so many.
#[derive(Debug, Default)]
pub struct Sampler {
    turn: u32,
    is_long: bool,
    /// Sum of the runs timed since the last look.
    sum: Duration,
    count: u32,
}

impl Sampler {
    /// The beginning of something, if it is to be timed.
    #[inline]
    pub fn begin(&mut self) -> Option<Instant> {
        self.turn += 1;
        (self.is_long || self.turn.is_multiple_of(SAMPLE)).then(Instant::now)
    }

    /// The end of a run.
    #[inline]
    pub fn end(&mut self, began: Option<Instant>) {
        if let Some(began) = began {
            let took = began.elapsed();
            self.is_long = took > LONG;
            self.sum += took;
            self.count += 1;
        }
    }

    /// The runs timed since the last call: sum and number.
    pub fn drain(&mut self) -> (Duration, u32) {
        (std::mem::take(&mut self.sum), std::mem::take(&mut self.count))
    }
}

/// What a sample of ladders stands for.
pub fn whole(sampled: Duration) -> Duration {
    sampled * SAMPLE
}
