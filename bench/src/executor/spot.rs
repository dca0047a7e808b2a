//! One place of the matrix: blocks of one kind, executed in turns by everybody.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::Options;
use crate::blocks::contender::{Contender, Done, Figures, Locked, Sequential};
use crate::blocks::ours::{Ours, Setting};
use crate::blocks::program::{Block, Job};
use crate::blocks::sequential::{Ordered, Points, Reference};
use crate::blocks::work::Pace;
use crate::blocks::workload::{Plan, Workload};
use crate::replay::Hints;
use crate::report::Spread;

/// What is executed, and by how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// What the transactions do.
    pub workload: Workload,
    /// Accounts to choose from.
    pub accounts: u64,
    /// Microseconds that a transaction computes.
    pub micros: u32,
    /// Threads.
    pub workers: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.workload.name())?;
        if self.workload.has_accounts() {
            write!(f, " {}", self.accounts)?;
        }
        write!(f, ", {} us, {} w", self.micros, self.workers)
    }
}

/// What was measured of a spot: a figure a round.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Milliseconds a block, sequentially.
    pub sequential: Vec<f64>,
    /// Milliseconds a block, ours, without the seal.
    pub ours: Vec<f64>,
    /// Milliseconds a block that the seal took besides: bringing what has changed into the store, as one commit.
    pub seal: Vec<f64>,
    /// Milliseconds a block, the locked baseline's.
    pub locked: Vec<f64>,
    /// What our blocks took besides, together.
    pub figures: Figures,
    /// Transactions a block.
    pub transactions: u64,
}

/// The ratio of the medians, within the spread of the ratios of the rounds.
fn ratio(above: &[f64], below: &[f64]) -> Option<Spread> {
    let rounds = Spread::of(above.iter().zip(below).map(|(up, low)| up / low).collect())?;
    let middle = Spread::of(above.to_vec())?.median / Spread::of(below.to_vec())?.median;
    Some(Spread { median: middle, min: rounds.min.min(middle), max: rounds.max.max(middle) })
}

impl Samples {
    /// How many times as fast as sequential execution we are.
    pub fn speed_up(&self) -> Option<Spread> {
        ratio(&self.sequential, &self.ours)
    }

    /// The same with the seal: of whoever waits for each block to be in the store.
    pub fn speed_up_with_seal(&self) -> Option<Spread> {
        let whole: Vec<f64> =
            self.ours.iter().zip(&self.seal).map(|(run, seal)| run + seal).collect();
        ratio(&self.sequential, &whole)
    }

    /// How many times as long as sequential execution we take.
    pub fn time_over(&self) -> Option<Spread> {
        ratio(&self.ours, &self.sequential)
    }

    /// How many times as fast as sequential execution the locked baseline is.
    pub fn locked_speed_up(&self) -> Option<Spread> {
        ratio(&self.sequential, &self.locked)
    }

    /// Transactions a second, ours.
    pub fn rate(&self) -> Option<Spread> {
        let rates = self.ours.iter().map(|millis| self.transactions as f64 * 1e3 / millis);
        Spread::of(rates.collect())
    }
}

/// How long the locked baseline may take for a spot. Where it copies ranges it would take the better part of an hour.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who executes a block first, second and last: each comes behind each other as often, and finds the caches that it left.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [2, 0, 1], [1, 2, 0], [0, 2, 1], [1, 0, 2], [2, 1, 0]];

/// Engines by number of workers: their threads live on between blocks, as they do in use.
pub type Engines = HashMap<usize, Ours>;

/// Measures a spot.
///
/// # Errors
/// A block that cannot be executed at all.
pub fn measure(
    spot: Spot,
    options: &Options,
    pace: Pace,
    engines: &mut Engines,
    differences: &mut Vec<String>,
) -> Result<Samples, String> {
    let plan = Plan {
        workload: spot.workload,
        accounts: spot.accounts,
        transactions: options.transactions(),
        ballast: options.ballast(),
        seed: 5,
        micros: spot.micros.into(),
        pace,
    };
    let base = plan.base();
    let setting = Setting { workers: spot.workers, is_hinted: options.hints == Hints::On };
    let ours = engines.entry(spot.workers).or_insert_with(|| Ours::new(setting));
    ours.load(&base)?;
    let locked = Locked::new(spot.workers, &base);
    let samples = Samples { transactions: plan.transactions as u64, ..Samples::default() };
    let mut turns = Turns { spot, samples, differences };
    if spot.workload.scans() {
        turns.take(&plan, options.rounds(), Sequential(Ordered::load(&base)), ours, locked)?;
    } else {
        turns.take(&plan, options.rounds(), Sequential(Points::load(&base)), ours, locked)?;
    }
    Ok(turns.samples)
}

struct Turns<'a> {
    spot: Spot,
    samples: Samples,
    differences: &'a mut Vec<String>,
}

impl Turns<'_> {
    /// Everybody executes block after block, each round another one first. The first block of all is not counted: threads
    /// wake, and memory is asked for.
    fn take<R: Reference>(
        &mut self,
        plan: &Plan,
        rounds: u64,
        mut sequential: Sequential<R>,
        ours: &mut Ours,
        locked: Locked,
    ) -> Result<(), String> {
        let mut locked = Some(locked);
        let mut spent = Duration::ZERO;
        for round in 0..=rounds {
            let block = plan.block(round);
            let mut outs: [Option<Vec<u64>>; 3] = [None, None, None];
            for who in ORDERS[round as usize % ORDERS.len()] {
                let done = match (who, &mut locked) {
                    (0, _) => sequential.execute(&block)?,
                    (1, _) => ours.execute(&block)?,
                    (_, None) => continue,
                    (_, Some(locked)) => {
                        let done = locked.execute(&block)?;
                        spent += done.took;
                        done
                    }
                };
                outs[who] = Some(self.note(who, round, done));
            }
            self.compare(round, &block, &outs);
            if locked.is_some() && spent > PATIENCE {
                locked = None;
                // That it was the first block makes no difference to who takes so long.
                if round == 0 {
                    self.samples.locked.push(spent.as_secs_f64() * 1e3);
                }
            }
        }
        let end = sequential.entries();
        let ends = [("ours", Some(ours.entries())), ("locked", locked.map(|one| one.entries()))];
        for (who, entries) in ends {
            if entries.is_some_and(|entries| entries != end) {
                self.differences.push(format!("{}: {who} ends in another state", self.spot));
            }
        }
        Ok(())
    }

    fn note(&mut self, who: usize, round: u64, done: Done<u64>) -> Vec<u64> {
        if round > 0 {
            let of = match who {
                0 => &mut self.samples.sequential,
                1 => &mut self.samples.ours,
                _ => &mut self.samples.locked,
            };
            let seal = if who == 1 { done.figures.seal } else { Duration::ZERO };
            of.push(done.took.saturating_sub(seal).as_secs_f64() * 1e3);
            if who == 1 {
                self.samples.seal.push(seal.as_secs_f64() * 1e3);
            }
        }
        if who == 1 {
            self.samples.figures.add(&done.figures);
        }
        done.outs
    }

    fn compare(&mut self, round: u64, block: &Block, outs: &[Option<Vec<u64>>; 3]) {
        for (who, name) in [(1, "ours"), (2, "locked")] {
            if outs[who].is_some() && outs[who] != outs[0] {
                let count = block.transactions();
                self.differences.push(format!(
                    "{}, round {round}: {name} has other results in a block of {count}",
                    self.spot
                ));
            }
        }
    }
}
