//! How far ahead, and whether with others at all: decided by the owner of the frontier, from what it sees go by.
//!
//! | mode | when | claims |
//! |---|---|---|
//! | trial | the first 32 of a block, if the block before gave no reason for another | on the calling thread |
//! | deep | transactions longer than the threshold | everybody, up to the window |
//! | chain | nearly every speculative run fails, and costs are alike | who has moved the frontier; the others sleep |
//! | inline | transactions too short to gain, or no gain was measured | as in a chain |
//!
//! Gain is over what one worker does alone in this block: beside others a run costs more, and they would seem to gain what they lose.
//! A block that seems to gain little runs some alone to find out. A stretch without gain goes on in the next block.
//!
//! The window is deep whatever the rate of aborts, because an abort costs executions that somebody idle made, and a window
//! that shrinks costs time. It is cut where repairs would queue up at the frontier: without early re-runs and with many workers.
//!
//! None of this matters for what a block's outcome is.

use super::shape::{Early, Shape};
use std::time::{Duration, Instant};

/// Transactions of a trial, and of its first portion: enough to tell long ones.
const TRIAL: u32 = 32;
const TRIAL_FIRST: u8 = 4;
/// A first portion that takes longer ends the trial.
const TRIAL_LONG: Duration = Duration::from_micros(20);
/// Portion in chain and inline mode.
pub const PORTION: u8 = 32;
/// Commits between two looks at the rate.
const LOOK: u32 = 256;
/// Looks without gain, in a row, that are believed: one may be a thread's that lost its processor.
const LOSSES: u32 = 2;
/// Gain of a look that is believed without knowing what a run costs alone: beside others it costs more.
const PLAIN: f32 = 1.6;
/// Transactions that are run alone to find that out, and the smallest portion that counts for it: the first runs of a
/// block touch what nobody has touched yet.
const PROBE: u32 = 64;
const PROBED: u32 = 16;
/// Length of inline mode after no gain, doubled each time.
const INLINE: (u32, u32) = (1 << 10, 1 << 14);
/// Length of chain mode, doubled at each relapse.
const CHAIN: (u32, u32) = (64, 1 << 10);
/// Weight of a new outcome in the mean.
const WEIGHT: f32 = 1.0 / 16.0;
/// Share of failed runs from which on a chain is assumed, and below which it is forgotten.
const CHAINED: (f32, f32) = (0.85, 0.2);
/// The share assumed after a chain: a few more failures show that it goes on.
const SUSPECTED: f32 = 0.7;
/// A share of failures below which what was a chain is none any more.
const RELIEVED: f32 = 0.5;
/// Costs of which the dearest is so many times the mean are not alike.
const ALIKE: f32 = 4.0;
/// What keeping a run's reads and validating them adds to it, in nanoseconds.
const SPECULATION: f32 = 250.0;
/// Costs from which on even a handful of transactions is spread.
const DEAR: f32 = 50_000.0;

/// What is worth remembering from block to block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Experience {
    /// Cost of a transaction, in nanoseconds, from which on others help.
    pub threshold: f32,
    /// Cost of a transaction of the block before.
    pub cost: Option<f32>,
    /// The block before ended as a chain.
    pub was_chain: bool,
    /// So many transactions were left of an inline mode after no gain, and so long it is next time.
    pub inline: (u32, u32),
    /// What a transaction cost alone when that mode began; without end where there was none.
    pub lost_at: f32,
}

impl Default for Experience {
    fn default() -> Self {
        Self {
            threshold: 1_500.0,
            cost: None,
            was_chain: false,
            inline: (0, INLINE.0),
            lost_at: f32::INFINITY,
        }
    }
}

/// Bounds of the threshold.
const THRESHOLD: (f32, f32) = (700.0, 8_000.0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Trial {
        left: u32,
    },
    Deep,
    /// To the index where it ends.
    Chain(u32),
    /// Until transactions are long enough, and not before this index.
    Inline(u32),
}

/// What the pace depends on, for a whole block.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Workers, the caller included.
    pub workers: u32,
    /// Window of the deep mode.
    pub window: u16,
    /// Runs of one transaction.
    pub max_runs: u8,
    /// Transactions of the block.
    pub transactions: u32,
}

/// How a claimed run ended at the frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was valid.
    Valid,
    /// It was run again, which took so long.
    Repaired(Duration),
}

/// See the module header.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    experience: Experience,
    mode: Mode,
    /// Mean share of speculative runs that failed.
    failed: f32,
    /// Runs claimed earlier were in flight when the mode changed, and tell nothing.
    counts_from: u32,
    /// A chain has just been left.
    is_suspected: bool,
    repairs: Costs,
    chain_len: u32,
    inline_len: u32,
    /// Mean cost of a run, in nanoseconds, wherever it ran.
    cost: Option<f32>,
    /// Mean cost of a transaction with everything around it, where one worker ran it alone: what sharing is measured by. Of
    /// this block: others may be about something else.
    solo: Option<f32>,
    /// It was asked for in this block.
    is_probed: bool,
    /// See [`Experience`].
    lost_at: f32,
    look: Look,
    /// Looks in a row that found no gain.
    losses: u32,
    /// Commits in chain and inline mode.
    pub chained: u32,
    /// See above.
    pub inlined: u32,
}

/// The present look at the rate.
#[derive(Debug, Default)]
struct Look {
    since: Option<Instant>,
    commits: u32,
}

/// The last 16 repairs.
#[derive(Debug, Default)]
struct Costs {
    nanos: [f32; 16],
    seen: usize,
}

impl Costs {
    fn note(&mut self, cost: Duration) {
        self.nanos[self.seen % self.nanos.len()] = cost.as_nanos() as f32;
        self.seen += 1;
    }

    /// How much dearer the dearest is than the mean.
    fn spread(&self) -> f32 {
        let nanos = &self.nanos[..self.seen.min(self.nanos.len())];
        let max = nanos.iter().copied().fold(0.0, f32::max);
        let mean = nanos.iter().sum::<f32>() / nanos.len().max(1) as f32;
        max / mean.max(1.0)
    }
}

impl Pace {
    /// For a block.
    pub fn new(limits: Limits, experience: Experience) -> Self {
        let Experience { cost, inline: (left, inline_len), lost_at, .. } = experience;
        let mut pace = Self {
            limits,
            experience,
            mode: Mode::Trial { left: TRIAL },
            failed: 0.0,
            counts_from: 0,
            is_suspected: false,
            repairs: Costs::default(),
            chain_len: CHAIN.0,
            inline_len,
            cost,
            solo: None,
            is_probed: false,
            lost_at,
            look: Look::default(),
            losses: 0,
            chained: 0,
            inlined: 0,
        };
        if left > 0 && cost.is_some_and(is_short) {
            pace.mode = Mode::Inline(left);
        } else if cost.is_some_and(|cost| pace.is_worth_sharing(cost)) {
            if experience.was_chain {
                pace.mode = Mode::Chain(CHAIN.1);
                pace.chain_len = CHAIN.1;
            } else {
                pace.go_deep();
            }
        }
        pace
    }

    /// How to run now.
    pub fn shape(&self) -> Shape {
        let Limits { workers, window, max_runs, .. } = self.limits;
        let alone = |batch| Shape { window: 1, batch, early: Early::Off };
        match self.mode {
            Mode::Trial { left: TRIAL } => alone(TRIAL_FIRST),
            Mode::Trial { .. } | Mode::Chain(_) | Mode::Inline(_) => alone(PORTION),
            Mode::Deep => {
                // After a chain a narrow window tells whether it goes on: each run that is in vain is repeated.
                let cut = max_runs == 2 && workers > 4 && self.failed > 0.02 || self.is_suspected;
                let window = if cut { window.min(2 * workers as u16) } else { window };
                let may_batch = u32::from(window) >= 8 * workers && self.failed < 0.02;
                let batch = self.cost.map_or(1.0, |cost| 5_000.0 / cost.max(1.0));
                let batch = if may_batch { batch.clamp(1.0, 16.0) as u8 } else { 1 };
                let pays = max_runs > 2 && self.failed * workers as f32 > 0.5;
                Shape { window, batch, early: if pays { Early::On } else { Early::Off } }
            }
        }
    }

    /// The widest window.
    pub fn window(&self) -> u16 {
        self.limits.window
    }

    /// What to remember.
    pub fn experience(&self) -> Experience {
        let was_chain = matches!(self.mode, Mode::Chain(_));
        let left = match self.mode {
            Mode::Inline(until) if self.lost_at.is_finite() => {
                until.saturating_sub(self.limits.transactions)
            }
            _ => 0,
        };
        let (inline, lost_at) = ((left, self.inline_len), self.lost_at);
        Experience { cost: self.cost, was_chain, inline, lost_at, ..self.experience }
    }

    /// A portion was run at the frontier by one worker, up to index `end`, in so much time if that was measured.
    pub fn alone(&mut self, count: u32, end: u32, took: Option<Duration>) {
        if let Some(took) = took {
            let cost = took.as_nanos() as f32 / count as f32;
            self.note_cost(cost, count as f32 / TRIAL as f32);
            if self.mode != Mode::Deep && count >= PROBED {
                self.note_solo(cost);
            }
        }
        match self.mode {
            Mode::Trial { left } => {
                self.inlined += count;
                let is_long = took.is_some_and(|took| took > TRIAL_LONG);
                let left = left.saturating_sub(count);
                self.mode = Mode::Trial { left };
                if left == 0 || is_long {
                    self.choose(end);
                }
            }
            Mode::Inline(_) => {
                self.inlined += count;
                // What was learnt too high is forgotten.
                let threshold = self.experience.threshold;
                let start = Experience::default().threshold;
                if threshold > start {
                    self.experience.threshold = (0.999 * threshold).max(start);
                }
                self.choose(end);
            }
            Mode::Chain(until) => {
                self.chained += count;
                if end >= until {
                    self.failed = SUSPECTED;
                    self.is_suspected = true;
                    self.go_deep();
                }
            }
            Mode::Deep => self.count(count, end),
        }
    }

    /// A speculative run has reached the frontier; indices below `next` have been claimed.
    pub fn speculated(&mut self, index: u32, outcome: Outcome, next: u32) {
        if let Outcome::Repaired(took) = outcome {
            self.repairs.note(took);
        }
        if index >= self.counts_from {
            let failed = if outcome == Outcome::Valid { 0.0 } else { 1.0 };
            self.failed += (failed - self.failed) * WEIGHT;
        }
        if self.mode != Mode::Deep {
            return;
        }
        self.is_suspected &= self.failed > RELIEVED;
        if self.failed < CHAINED.1 {
            self.chain_len = CHAIN.0;
        }
        if self.failed > CHAINED.0 && self.repairs.spread() < ALIKE {
            self.mode = Mode::Chain(next.saturating_add(self.chain_len));
            self.chain_len = (2 * self.chain_len).min(CHAIN.1);
            self.counts_from = next;
            return;
        }
        self.count(1, index + 1);
    }

    /// Runs were timed: their sum, and how many.
    pub fn timed(&mut self, (sum, count): (Duration, u32)) {
        if count > 0 {
            let cost = (sum.as_nanos() as f32 / count as f32 - SPECULATION).max(50.0);
            self.note_cost(cost, (count as f32 * WEIGHT).min(1.0));
        }
    }

    fn note_cost(&mut self, cost: f32, weight: f32) {
        let mean = self.cost.get_or_insert(cost);
        *mean += (cost - *mean) * weight.min(1.0);
    }

    /// A portion whose worker lost its processor meanwhile counts for little.
    fn note_solo(&mut self, cost: f32) {
        let mean = self.solo.get_or_insert(cost);
        *mean += (cost.min(2.0 * *mean) - *mean) / 4.0;
    }

    fn is_worth_sharing(&self, cost: f32) -> bool {
        let Limits { workers, transactions, .. } = self.limits;
        workers > 1
            && cost > self.experience.threshold
            && (transactions > 2 * workers || cost > DEAR && transactions > 1)
    }

    /// Ends a stretch alone, if that is over and others are worth waking.
    fn choose(&mut self, end: u32) {
        let until = if let Mode::Inline(until) = self.mode { until } else { end };
        let is_over = end >= until
            || self.solo.is_some_and(|solo| !is_short(solo) || solo > 2.0 * self.lost_at);
        if is_over && self.cost.is_some_and(|cost| self.is_worth_sharing(cost)) {
            self.go_deep();
        } else {
            self.mode = Mode::Inline(until);
        }
    }

    fn go_deep(&mut self) {
        self.mode = Mode::Deep;
        self.lost_at = f32::INFINITY;
        self.look = Look::default();
    }

    /// Counts commits of the deep mode, and looks at the rate from time to time.
    fn count(&mut self, commits: u32, end: u32) {
        self.look.commits += commits;
        let Some(since) = self.look.since else {
            self.look = Look { since: Some(Instant::now()), commits: 0 };
            return;
        };
        if self.look.commits >= LOOK {
            let took = since.elapsed().as_nanos() as f32;
            let cost = self.cost.unwrap_or(0.0);
            let work = self.solo.map_or(cost, |solo| solo.min(cost)) * self.look.commits as f32;
            self.judge(work / took.max(1.0), end);
            self.look = Look { since: Some(Instant::now()), commits: 0 };
        }
    }

    /// So many times the speed of one worker.
    fn judge(&mut self, gain: f32, end: u32) {
        if self.cost.is_some_and(|cost| cost < 0.5 * self.experience.threshold) {
            self.mode = Mode::Inline(end);
            return;
        }
        // Where transactions are long it is not the overhead: others use the processors, or conflicts are in the way, and one
        // worker alone would be no faster.
        let is_short = self.cost.is_none_or(is_short);
        if !self.is_probed && is_short && gain < PLAIN {
            (self.is_probed, self.solo) = (true, None);
            self.mode = Mode::Inline(end.saturating_add(PROBE));
            return;
        }
        let is_loss = gain < 1.05 && is_short;
        self.losses = if is_loss { self.losses + 1 } else { 0 };
        let threshold = &mut self.experience.threshold;
        if self.losses == LOSSES {
            self.losses = 0;
            // Conflicts, not short transactions, may be what there is to blame.
            if self.failed < 0.1 {
                *threshold = (2.0 * *threshold).min(THRESHOLD.1);
            }
            self.lost_at = self.solo.or(self.cost).unwrap_or(f32::INFINITY);
            self.mode = Mode::Inline(end.saturating_add(self.inline_len));
            self.inline_len = (2 * self.inline_len).min(INLINE.1);
        } else if gain > 1.3 {
            *threshold = (*threshold / 1.1).max(THRESHOLD.0);
            self.inline_len = INLINE.0;
        }
    }
}

/// One worker alone may be as fast.
fn is_short(cost: f32) -> bool {
    cost < THRESHOLD.1
}

#[cfg(test)]
mod tests;
