//! What a block took.

use super::scheduler::{Pace, Tally};
use crate::HotKey;
use std::fmt;
use std::time::Duration;

/// What running a block took: runs by kind, aborts by cause, and time, added up over all workers.
///
/// ```
/// # use engine::{Abort, Executor, Store, View};
/// # let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put("k", [index as u8]) };
/// let stats = Executor::new(2).execute(&Store::in_memory(), 100, &logic)?.stats;
/// assert!(stats.executions() >= 100);
/// assert!(stats.executions() <= 100 * u64::from(stats.max_runs));
/// println!("{stats}");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ExecutionStats {
    /// Transactions that are final.
    pub transactions: u32,
    /// Workers that could have taken part.
    pub workers: usize,
    /// The most runs of one transaction.
    pub max_runs: u8,
    /// Runs that others could still disturb.
    pub speculative: u64,
    /// First runs of transactions of which all below were final: nothing was captured, nothing validated.
    pub direct: u64,
    /// Last runs, at the frontier, of transactions whose runs before did not count.
    pub repairs: u64,
    /// Runs that were repeated ahead of the frontier.
    pub early: u64,
    /// Aborts: the run had read what was then written.
    pub stale: u64,
    /// Aborts: the run met a value that its transaction was about to write again.
    pub blocked: u64,
    /// Aborts: the run found out itself, before its end, that what it had read had changed.
    pub stopped: u64,
    /// Aborts: a merge could not be made after all.
    pub refused: u64,
    /// Commits by one worker alone because transactions were too short for others to help.
    pub inlined: u32,
    /// Commits by one worker alone because each transaction depended on the one before.
    pub chained: u32,
    /// Transactions ahead of the frontier that could be begun, at the end.
    pub window: u16,
    /// Times that a worker slept, and for how long it had nothing to do.
    pub naps: u64,
    /// See above.
    pub idle: Duration,
    /// Time in validations at the frontier, from a sample.
    pub validating: Duration,
    /// Time in making transactions final, from a sample.
    pub committing: Duration,
    /// From the first run to the last commit.
    pub running: Duration,
    /// Time to bring the changes into the store.
    pub sealing: Duration,
    /// The keys that most validations of this block failed for, the hottest first; 16 at most. Counted for each look, also where
    /// several looked at one run.
    pub hottest_keys: Vec<HotKey>,
}

impl ExecutionStats {
    /// Sums of a block.
    pub(super) fn new(tally: &Tally, pace: Option<&Pace>) -> Self {
        Self {
            speculative: tally.speculative,
            direct: tally.direct,
            repairs: tally.repairs,
            early: tally.early + tally.resumed,
            stale: tally.stale,
            blocked: tally.blocked,
            stopped: tally.stopped,
            refused: tally.redone,
            inlined: pace.map_or(0, |pace| pace.inlined),
            chained: pace.map_or(0, |pace| pace.chained),
            naps: tally.naps,
            idle: tally.idle,
            validating: tally.validating,
            committing: tally.committing,
            ..Self::default()
        }
    }

    /// Runs of any kind.
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |_: u32, _: &mut View<'_>| -> Result<(), Abort> { Ok(()) };
    /// let stats = Executor::new(1).execute(&Store::in_memory(), 100, &logic)?.stats;
    /// assert_eq!(stats.executions(), 100);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn executions(&self) -> u64 {
        self.speculative + self.direct + self.repairs + self.refused
    }

    /// Runs whose outcome did not count, of any cause.
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |_: u32, _: &mut View<'_>| -> Result<(), Abort> { Ok(()) };
    /// let stats = Executor::new(1).execute(&Store::in_memory(), 100, &logic)?.stats;
    /// assert_eq!(stats.aborts(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn aborts(&self) -> u64 {
        self.stale + self.blocked + self.stopped + self.refused
    }
}

impl fmt::Display for ExecutionStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = self.executions() as f64 / f64::from(self.transactions.max(1));
        write!(
            f,
            "{} transactions, {per:.3} runs each, {} aborts ({} stale, {} blocked, {} stopped, {} refused), \
             {} inlined, {} chained, {:.3?} running, {:.3?} sealing",
            self.transactions,
            self.aborts(),
            self.stale,
            self.blocked,
            self.stopped,
            self.refused,
            self.inlined,
            self.chained,
            self.running,
            self.sealing
        )
    }
}
