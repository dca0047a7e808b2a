//! What can be asked of the program.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Parser;

use super::child::Part;
use super::workload::{Workload, ladder};
use crate::contender::Roster;
use crate::measure::Plan;
use crate::program::{Outcome, keys};
use crate::workload::Case;

/// Who takes part unless named: all that several threads may use.
const USUAL: [Roster; 10] = [
    Roster::Ours,
    Roster::Rwbtree,
    Roster::Skipmap,
    Roster::Artmap,
    Roster::Vartmap,
    Roster::Surrealmx,
    Roster::Imbl,
    Roster::Concread,
    Roster::Treeindex,
    Roster::Concmap,
];

/// Measures what more threads bring, for epoch-store and its rivals.
#[derive(Clone, Debug, Parser)]
#[command(name = "scale", version)]
pub struct Options {
    /// Numbers of threads [default: 1, 2, 4, ... all cores, and twice as many; with --quick 1,2]
    #[arg(long, value_name = "LIST", value_delimiter = ',',
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,

    /// Keys to load [default: 1000000, with --quick 10000]
    #[arg(long, value_name = "N", value_parser = keys)]
    keys: Option<usize>,

    /// Milliseconds a measurement [default: 100, with --quick 5]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    cell_ms: Option<u64>,

    /// Rounds, each through all contenders [default: 5, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    rounds: Option<u64>,

    /// Which keys: 16 random bytes, or 36 to 64 bytes with long shared prefixes
    #[arg(long, value_enum, default_value_t = Case::Fix)]
    case: Case,

    /// Workloads to measure [default: all]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    only: Vec<Workload>,

    /// Who takes part [default: all that several threads may use]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    contenders: Vec<Roster>,

    /// A smoke test: few keys, two threads, one short round
    #[arg(long)]
    pub quick: bool,

    /// Write everything, samples included, to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a page with plots to this file: it needs no other file and no network
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Seconds after which a contender's process is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,

    /// (child process) What to do
    #[arg(long, value_enum, hide = true)]
    pub part: Option<Part>,

    /// (child process) Number of the round
    #[arg(long, hide = true, default_value_t = 0)]
    pub round: u64,
}

impl Options {
    /// Refuses what the parser could not know to be wrong.
    ///
    /// # Errors
    ///
    /// More threads than keys: each writes keys of its own.
    pub fn check(&self) -> Outcome {
        let (threads, keys) = (self.threads(), self.plan(0).keys);
        match threads.iter().find(|threads| **threads > keys) {
            Some(most) => Err(format!("{most} threads need as many keys; there are {keys}").into()),
            None => Ok(()),
        }
    }

    /// The numbers of threads, ascending.
    pub fn threads(&self) -> Vec<usize> {
        let mut threads: Vec<usize> = self.threads.iter().map(|one| usize::from(*one)).collect();
        if threads.is_empty() && self.quick {
            threads = vec![1, 2];
        } else if threads.is_empty() {
            threads = ladder(available_parallelism().map_or(1, usize::from));
        }
        threads.sort_unstable();
        threads.dedup();
        threads
    }

    /// How much one child process does.
    pub fn plan(&self, round: u64) -> Plan {
        let (keys, cell_ms) = if self.quick { (10_000, 5) } else { (1_000_000, 100) };
        Plan {
            case: self.case,
            keys: self.keys.unwrap_or(keys),
            cell: Duration::from_millis(self.cell_ms.unwrap_or(cell_ms)),
            round,
        }
    }

    /// How many rounds.
    pub fn rounds(&self) -> u64 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 5 })
    }

    /// The workloads asked for, in the order they are measured.
    pub fn workloads(&self) -> Vec<Workload> {
        let wanted = |one: &Workload| self.only.is_empty() || self.only.contains(one);
        Workload::ALL.into_iter().filter(wanted).collect()
    }

    /// Who takes part, in the order of the roster.
    pub fn contenders(&self) -> Vec<Roster> {
        Roster::chosen(&self.contenders, &USUAL)
    }

    /// How long a child process may take.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }

    /// The command line of a child process.
    pub fn child_args(&self, part: Part, contender: Roster, round: u64) -> Vec<String> {
        let plan = self.plan(round);
        let list = |names: Vec<String>| names.join(",");
        let threads = self.threads().iter().map(usize::to_string).collect();
        let workloads = self.workloads().iter().map(|one| one.name().to_owned()).collect();
        [
            ("--part", part.name().to_owned()),
            ("--contenders", contender.name().to_owned()),
            ("--round", round.to_string()),
            ("--case", plan.case.name().to_owned()),
            ("--keys", plan.keys.to_string()),
            ("--cell-ms", plan.cell.as_millis().to_string()),
            ("--threads", list(threads)),
            ("--only", list(workloads)),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["scale"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn threads_are_sorted_and_told_once() {
        assert_eq!(parse("--threads 4,1,4,2").unwrap().threads(), [1, 2, 4]);
        assert_eq!(parse("--quick").unwrap().threads(), [1, 2]);
        assert_eq!(parse("").unwrap().threads()[0], 1);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["--threads 0", "--threads x", "--only nothing", "--case mixed", "--keys 1"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--threads 1024 --keys 1000").unwrap().check().is_err());
    }

    #[test]
    fn a_child_understands_what_it_is_told() {
        let options = parse("--quick --threads 1,3 --only puts,gets --case prefix").unwrap();
        let child = parse(&options.child_args(Part::Speed, Roster::Imbl, 3).join(" ")).unwrap();
        assert_eq!((child.part, child.round), (Some(Part::Speed), 3));
        assert_eq!(child.contenders(), [Roster::Imbl]);
        assert_eq!(child.threads(), [1, 3]);
        assert_eq!(child.workloads(), [Workload::Gets, Workload::Puts]);
        let (of_child, of_parent) = (child.plan(3), options.plan(3));
        assert_eq!((of_child.keys, of_child.case), (of_parent.keys, of_parent.case));
        assert_eq!(of_child.cell, of_parent.cell);
    }
}
