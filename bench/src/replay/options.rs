//! What can be asked of the program.

use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::{Parser, ValueEnum};

use crate::adapter::Adapter;
use crate::blocks::work::Pace;
use crate::blocks::workload::{Plan, Workload};
use crate::traces::Transfers;

/// Most threads that an executor has.
const MAX_WORKERS: usize = 64;

/// Executes blocks of transactions on the engine, and compares every result with sequential execution.
///
/// Without --traces the blocks are generated; with it they are real ones. Exit status 1 when anything differs.
#[derive(Clone, Debug, Parser)]
#[command(name = "replay", version)]
pub struct Options {
    /// Threads that execute, at most 64 [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_WORKERS as i64))]
    workers: Option<u16>,

    /// Blocks of a chain, or repetitions of a trace [default: 10 blocks, 3 repetitions]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    blocks: Option<u64>,

    /// Transactions a block
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    transactions: u64,

    /// What the transactions do [default: all]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    workload: Vec<Workload>,

    /// Microseconds that a transaction computes
    #[arg(long, value_name = "US", default_value_t = 10.0, value_parser = micros)]
    work_us: f64,

    /// Accounts to choose from
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(2..=10_000_000))]
    accounts: u64,

    /// Keys in the store that no transaction touches
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    ballast: u64,

    /// What is generated is a function of it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Also run the locked baseline
    #[arg(long)]
    pub(super) baseline: bool,

    /// Replay the traces (*.jsonl.gz) of this folder
    #[arg(long, value_name = "DIR")]
    pub(super) traces: Option<PathBuf>,

    /// Replay the traces as one chain over one store, with snapshots of older blocks held and read meanwhile
    #[arg(long, requires = "traces")]
    pub(super) chain: bool,

    /// How plain transfers of a trace are replayed
    #[arg(long, value_enum, default_value_t = Ways::Both, requires = "traces")]
    transfers: Ways,

    /// Nanoseconds that a transaction of a trace computes for each unit of gas
    #[arg(long, value_name = "NS", default_value_t = 1.0, value_parser = micros, requires = "traces")]
    pub(super) ns_per_gas: f64,

    /// Whether the executor is told sender and recipient before it begins
    #[arg(long, value_enum, default_value_t = Hints::On)]
    pub(super) hints: Hints,

    /// Execute one generated chain on a store that is kept in this directory: from its first block on, or behind the last that is
    /// there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["traces", "baseline"])]
    pub(super) store: Option<PathBuf>,

    /// The engine that keeps the store
    #[arg(long, value_enum, default_value_t = Adapter::Redb, requires = "store")]
    pub(super) adapter: Adapter,

    /// Write everything to this file
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

/// Choice of how plain transfers are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ways {
    /// The recipient is read and written
    Plain,
    /// The recipient is added to
    Added,
    /// One after the other
    Both,
}

/// Whether hints are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hints {
    /// They are
    On,
    /// They are not
    Off,
}

/// A number that is not negative, and not out of this world.
fn micros(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1e6).contains(&number) {
        Ok(number)
    } else {
        Err("must be in 0..=1000000".to_owned())
    }
}

impl Options {
    /// Threads that execute.
    pub fn workers(&self) -> usize {
        match self.workers {
            Some(workers) => workers.into(),
            None => available_parallelism().map_or(1, usize::from).min(MAX_WORKERS),
        }
    }

    /// Blocks of a chain.
    pub fn blocks(&self) -> u64 {
        self.blocks.unwrap_or(10)
    }

    /// How often a trace is replayed.
    pub fn repetitions(&self) -> u64 {
        self.blocks.unwrap_or(3)
    }

    /// The chains asked for.
    pub fn plans(&self, pace: Pace) -> Vec<Plan> {
        let all = Workload::value_variants();
        let wanted = if self.workload.is_empty() { all } else { &self.workload };
        let plan = |workload: &Workload| Plan {
            workload: *workload,
            accounts: self.accounts,
            transactions: self.transactions as usize,
            ballast: self.ballast,
            seed: self.seed,
            micros: self.work_us,
            pace,
        };
        wanted.iter().map(plan).collect()
    }

    /// The one chain asked for; the mixed one, if none is.
    ///
    /// # Errors
    /// Several are.
    pub fn plan(&self, pace: Pace) -> Result<Plan, String> {
        let plans = self.plans(pace);
        let plan = match self.workload.len() {
            0 => plans.into_iter().find(|plan| plan.workload == Workload::Mixed),
            1 => plans.into_iter().next(),
            _ => None,
        };
        plan.ok_or_else(|| "--store takes one --workload".to_owned())
    }

    /// The ways of replaying transfers that are asked for.
    pub fn transfers(&self) -> &'static [Transfers] {
        match self.transfers {
            Ways::Plain => &[Transfers::Plain],
            Ways::Added => &[Transfers::Added],
            Ways::Both => &Transfers::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["replay"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn all_workloads_unless_some_are_named() {
        let count = |line: &str| parse(line).unwrap().plans(Pace::fixed(1.0)).len();
        assert_eq!(count(""), Workload::value_variants().len());
        assert_eq!(count("--workload hot,chain"), 2);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "--workers 0",
            "--workers 65",
            "--blocks 0",
            "--transactions -1",
            "--workload none",
            "--work-us -1",
            "--work-us nan",
            "--accounts 1",
            "--chain",
            "--ns-per-gas x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
