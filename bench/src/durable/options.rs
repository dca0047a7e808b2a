//! What can be asked of the program.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::adapter::Adapter;

/// Measures a store with a parent on a disk: beside one without, and beside the parent's engine used by itself.
#[derive(Clone, Debug, Parser)]
#[command(name = "durable", version)]
pub struct Options {
    /// Keys in the store; memory and opening have some more
    #[arg(long, value_name = "N", default_value_t = 200_000,
          value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub(super) keys: u64,

    /// Rounds, each through all that are compared
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(super) rounds: u64,

    /// The adapters
    #[arg(long, value_enum, default_value_t = Adapters::Both)]
    adapter: Adapters,

    /// What is measured [default: all]
    #[arg(long, value_enum, value_name = "GROUPS", value_delimiter = ',')]
    only: Vec<Group>,

    /// Where files are written, in a directory that is removed in the end [default: that of the system for such]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,

    /// Write everything, samples included, to this file
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,

    /// (child process) The memory budget in bytes
    #[arg(long, hide = true, requires = "dir")]
    pub(super) child: Option<u64>,
}

/// Choice of adapters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Adapters {
    /// redb
    Redb,
    /// fjall
    Fjall,
    /// One after the other
    Both,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Commits to memory, with and without a parent
    Commits,
    /// Blocks made durable
    Blocks,
    /// Reads from memory, and from the parent
    Reads,
    /// Four times as much data as memory is allowed
    Memory,
    /// Opening what was kept
    Opening,
}

impl Group {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Group::Commits => "commits",
            Group::Blocks => "blocks",
            Group::Reads => "reads",
            Group::Memory => "memory",
            Group::Opening => "opening",
        }
    }
}

impl Options {
    /// The groups asked for.
    pub fn groups(&self) -> Vec<Group> {
        let all = Group::value_variants().iter().copied();
        all.filter(|group| self.only.is_empty() || self.only.contains(group)).collect()
    }

    /// The adapters asked for.
    pub fn adapters(&self) -> Vec<Adapter> {
        match self.adapter {
            Adapters::Redb => vec![Adapter::Redb],
            Adapters::Fjall => vec![Adapter::Fjall],
            Adapters::Both => Adapter::ALL.to_vec(),
        }
    }

    /// Writes of a block: 5,000, unless there are few keys.
    pub fn block_len(&self) -> usize {
        5_000.min(self.keys as usize / 4)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["durable"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn everything_unless_something_is_named() {
        let options = parse("").unwrap();
        assert_eq!((options.groups().len(), options.adapters().len()), (5, 2));
        let options = parse("--only reads,memory --adapter redb --keys 1000").unwrap();
        assert_eq!(options.groups(), [Group::Reads, Group::Memory]);
        assert_eq!((options.adapters(), options.block_len()), (vec![Adapter::Redb], 250));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["--keys 10", "--rounds 0", "--adapter none", "--only none", "--child 5"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
