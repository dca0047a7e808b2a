//! What can be asked of the program.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::demonstration::{Demonstration, SIDES};
use crate::contender::Roster;
use crate::program::Outcome;

/// Shows situations in which stores of this kind behave very differently, on both sides.
#[derive(Clone, Debug, Parser)]
#[command(name = "rivals", version)]
pub struct Options {
    /// Demonstrations to show [default: all]
    #[arg(value_enum)]
    only: Vec<Demonstration>,

    /// Keys of the largest demonstration; the others are in proportion
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(2_000..=10_000_000))]
    pub keys: u64,

    /// Rounds, each through all sides
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u64).range(1..=100))]
    pub rounds: u64,

    /// Sides to show: ours, surrealmx, artmap [default: all]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    sides: Vec<Roster>,

    /// Write everything, samples included, to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Seconds after which a side's process is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,

    /// (child process) What to show
    #[arg(long, value_enum, hide = true)]
    pub demonstrate: Option<Demonstration>,
}

impl Options {
    /// Refuses what the parser could not know to be wrong.
    ///
    /// # Errors
    ///
    /// A side without demonstrations.
    pub fn check(&self) -> Outcome {
        match self.sides.iter().find(|side| !SIDES.contains(side)) {
            None => Ok(()),
            Some(side) => {
                let names = SIDES.map(Roster::name).join(", ");
                Err(format!("nothing is shown of {}; there are {names}", side.name()).into())
            }
        }
    }

    /// The demonstrations asked for.
    pub fn demonstrations(&self) -> Vec<Demonstration> {
        let wanted = |one: &&Demonstration| self.only.is_empty() || self.only.contains(one);
        Demonstration::value_variants().iter().filter(wanted).copied().collect()
    }

    /// Who is shown.
    pub fn sides(&self) -> Vec<Roster> {
        Roster::chosen(&self.sides, &SIDES)
    }

    /// How long a child process may take.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }

    /// The command line of a child process.
    pub fn child_args(&self, demonstration: Demonstration, side: Roster) -> Vec<String> {
        let keys = self.keys.to_string();
        let (what, who) = (demonstration.name(), side.name());
        ["--demonstrate", what, "--sides", who, "--keys", &keys].map(str::to_owned).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["rivals"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
        assert!(parse("nothing").is_err() && parse("--keys 1").is_err());
    }

    #[test]
    fn a_child_understands_what_it_is_told() {
        let options = parse("--keys 5000").unwrap();
        for demonstration in options.demonstrations() {
            let child =
                parse(&options.child_args(demonstration, Roster::Artmap).join(" ")).unwrap();
            assert_eq!((child.demonstrate, child.keys), (Some(demonstration), 5_000));
            assert_eq!(child.sides(), [Roster::Artmap]);
        }
    }
}
