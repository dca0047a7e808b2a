//! What can be asked of the program.

use std::path::PathBuf;

use clap::Parser;

use super::Row;

/// Counts the instructions of single operations of our map, and compares them with recorded counts. Needs valgrind.
#[derive(Clone, Debug, Parser)]
#[command(name = "counts", version)]
pub struct Options {
    /// Rows to count [default: all]
    #[arg(value_enum)]
    only: Vec<Row>,

    /// The recorded counts
    #[arg(long, value_name = "FILE", default_value = "bench/counts-baseline.txt")]
    pub baseline: PathBuf,

    /// Record what is counted, in place of comparing
    #[arg(long, conflicts_with = "only")]
    pub record: bool,

    /// (under valgrind) The row to do
    #[arg(long, value_enum, hide = true, requires = "operations")]
    pub row: Option<Row>,

    /// (under valgrind) How many operations of it
    #[arg(long, hide = true, requires = "row")]
    pub operations: Option<u64>,
}

impl Options {
    /// The rows asked for.
    pub fn rows(&self) -> Vec<Row> {
        let wanted = |row: &Row| self.only.is_empty() || self.only.contains(row);
        Row::ALL.into_iter().filter(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_baseline_is_recorded_whole_or_not_at_all() {
        assert!(Options::try_parse_from(["counts", "get", "--record"]).is_err());
        assert!(Options::try_parse_from(["counts", "--record"]).is_ok());
    }
}
