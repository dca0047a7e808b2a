//! Those who execute blocks, all asked for the same.

use std::time::{Duration, Instant};

use super::locked::{self, LockedStore};
use super::program::Job;
use super::sequential::{self, Reference};
use super::state::Entries;

/// A block that was executed.
#[derive(Debug)]
pub struct Done<Out> {
    /// What each transaction said.
    pub outs: Vec<Out>,
    /// How long it took, until its writes are in the store.
    pub took: Duration,
    /// What it took besides.
    pub figures: Figures,
}

/// What executing blocks took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Transactions.
    pub transactions: u64,
    /// Runs of transactions, those in vain too.
    pub executions: u64,
    /// The most runs that one transaction took.
    pub most_runs: u64,
    /// Validations.
    pub validations: u64,
    /// Runs in vain, by cause.
    pub aborts: Vec<(&'static str, u64)>,
    /// Keys whose value the blocks changed, where it is told.
    pub changed: u64,
    /// Transactions that ran where they stood, without speculation, since they were too short for more.
    pub inlined: u64,
    /// Time to make the writes part of the store, where it is told.
    pub seal: Duration,
    /// Time of all threads in validation, where it is told.
    pub validating: Duration,
    /// Time at the frontier, where it is told.
    pub committing: Duration,
    /// Time of all threads without work, where it is told.
    pub idle: Duration,
}

impl Figures {
    /// Adds those of another block.
    pub fn add(&mut self, other: &Figures) {
        self.transactions += other.transactions;
        self.executions += other.executions;
        self.most_runs = self.most_runs.max(other.most_runs);
        self.validations += other.validations;
        self.changed += other.changed;
        self.inlined += other.inlined;
        self.seal += other.seal;
        self.validating += other.validating;
        self.committing += other.committing;
        self.idle += other.idle;
        for (cause, count) in &other.aborts {
            match self.aborts.iter_mut().find(|(known, _)| known == cause) {
                Some((_, sum)) => *sum += count,
                None => self.aborts.push((cause, *count)),
            }
        }
    }

    /// Runs for each transaction.
    pub fn runs_each(&self) -> f64 {
        self.executions as f64 / self.transactions.max(1) as f64
    }
}

/// Somebody who keeps a state and executes blocks on it.
pub trait Contender {
    /// The name in reports.
    fn name(&self) -> &'static str;

    /// Executes a block.
    ///
    /// # Errors
    /// It could not, and why.
    fn execute<J: Job>(&mut self, job: &J) -> Result<Done<J::Out>, String>;

    /// The whole state.
    fn entries(&self) -> Entries;

    /// Bytes that the state takes, if it counts them.
    fn bytes(&self) -> Option<u64> {
        None
    }
}

/// Sequential execution, and with it the measure of all others.
pub struct Sequential<R>(pub R);

impl<R: Reference> Contender for Sequential<R> {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn execute<J: Job>(&mut self, job: &J) -> Result<Done<J::Out>, String> {
        let begin = Instant::now();
        let outs = sequential::execute(job, &mut self.0);
        let took = begin.elapsed();
        let count = outs.len() as u64;
        let figures = Figures {
            transactions: count,
            executions: count,
            most_runs: count.min(1),
            ..Figures::default()
        };
        Ok(Done { outs, took, figures })
    }

    fn entries(&self) -> Entries {
        self.0.entries()
    }
}

/// The [locked baseline](locked).
pub struct Locked {
    store: LockedStore,
    threads: usize,
}

impl Locked {
    /// With so many threads, over these entries.
    pub fn new(threads: usize, base: &[(Vec<u8>, Vec<u8>)]) -> Locked {
        Locked { store: LockedStore::load(base), threads }
    }
}

impl Contender for Locked {
    fn name(&self) -> &'static str {
        "locked"
    }

    fn execute<J: Job>(&mut self, job: &J) -> Result<Done<J::Out>, String> {
        let begin = Instant::now();
        let (outs, runs) = locked::execute(&self.store, job, self.threads);
        let took = begin.elapsed();
        let figures = Figures {
            transactions: outs.len() as u64,
            executions: runs.executions,
            most_runs: 0,
            validations: runs.validations,
            aborts: vec![("stale", runs.stale), ("blocked", runs.blocked)],
            ..Figures::default()
        };
        Ok(Done { outs, took, figures })
    }

    fn entries(&self) -> Entries {
        self.store.entries()
    }
}
