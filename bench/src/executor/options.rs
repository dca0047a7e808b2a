//! What can be asked of the program.

use std::path::PathBuf;

use clap::Parser;

use super::{Row, rows};
use crate::program::Outcome;
use crate::replay::Hints;

/// Measures the executor beside sequential execution and a locked baseline, on the rows of the project's targets.
#[derive(Clone, Debug, Parser)]
#[command(name = "executor", version)]
pub struct Options {
    /// Transactions a block [default: 10000, with --quick 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    transactions: Option<u64>,

    /// Blocks of each kind, in turns [default: 7, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    rounds: Option<u64>,

    /// Keys in the store that no transaction touches [default: 200000, with --quick 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    ballast: Option<u64>,

    /// Rows to measure, by the names under the labels in the table [default: all]
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    only: Vec<String>,

    /// Traces (*.jsonl.gz) for the rows about real blocks, which are not measured without
    #[arg(long, value_name = "DIR")]
    pub(super) traces: Option<PathBuf>,

    /// Nanoseconds that a transaction of a trace computes for each unit of gas
    #[arg(long, value_name = "NS", default_value_t = 1.0)]
    pub(super) ns_per_gas: f64,

    /// Whether our executor is told sender and recipient before it begins (of real blocks it always is)
    #[arg(long, value_enum, default_value_t = Hints::Off)]
    pub(super) hints: Hints,

    /// A smoke test: small blocks, one round
    #[arg(long)]
    quick: bool,

    /// Write everything, samples included, to this file
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

impl Options {
    /// Refuses what the parser could not know to be wrong.
    ///
    /// # Errors
    ///
    /// Names of rows that do not exist; a price of gas that is none.
    pub fn check(&self) -> Outcome {
        let all: Vec<&str> = rows().iter().map(|row| row.id).collect();
        if let Some(id) = self.only.iter().find(|id| !all.contains(&id.as_str())) {
            return Err(format!("there is no row `{id}`; the rows are {}", all.join(", ")).into());
        }
        if !(0.0..=1e6).contains(&self.ns_per_gas) {
            return Err("--ns-per-gas must be in 0..=1000000".into());
        }
        Ok(())
    }

    /// The rows asked for.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = rows();
        rows.retain(|row| self.only.is_empty() || self.only.iter().any(|id| id == row.id));
        rows
    }

    /// Transactions a block.
    pub fn transactions(&self) -> usize {
        self.transactions.unwrap_or(if self.quick { 1_000 } else { 10_000 }) as usize
    }

    /// Blocks of each kind.
    pub fn rounds(&self) -> u64 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 7 })
    }

    /// Keys that lie there.
    pub fn ballast(&self) -> u64 {
        self.ballast.unwrap_or(if self.quick { 1_000 } else { 200_000 })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["executor"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn rows_are_chosen_by_name() {
        assert_eq!(parse("--only chain,seal").unwrap().rows().len(), 2);
        assert_eq!(parse("").unwrap().rows().len(), rows().len());
        assert!(parse("--only no-such-row").unwrap().check().is_err());
        assert!(parse("--ns-per-gas -1").is_err());
        assert!(parse("--ns-per-gas=-1").unwrap().check().is_err());
    }
}
