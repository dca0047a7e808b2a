//! What can be asked of the program.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::Outcome;
use crate::contender::Roster;
use crate::measure::{Job, Plan};
use crate::report::{Row, rows};
use crate::workload::{Case, MAX_KEYS};

/// Fewest keys that leave every row something to measure.
const MIN_KEYS: usize = 1_000;

/// Measures epoch-store beside its rivals, on the rows of the project's targets.
#[derive(Clone, Debug, Parser)]
#[command(name = "side-by-side", version)]
pub struct Options {
    /// Keys to load [default: 1000000, with --quick 100000]
    #[arg(long, value_name = "N", value_parser = keys)]
    keys: Option<usize>,

    /// Milliseconds a measurement
    #[arg(long, value_name = "MS", default_value_t = 80,
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    cell_ms: u64,

    /// Rounds, each through all contenders [default: 5, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    rounds: Option<u64>,

    /// Which keys
    #[arg(long, value_enum, default_value_t = Cases::Both)]
    case: Cases,

    /// Rows to measure, by the names under the labels in the table [default: all]
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    only: Vec<String>,

    /// Who takes part [default: all but redb and fjall]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    contenders: Vec<Roster>,

    /// A smoke test: fewer keys, one round
    #[arg(long)]
    quick: bool,

    /// Write everything, samples included, to this file
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,

    /// Seconds after which a contender's process is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,

    /// (child process) What to run
    #[arg(long, value_enum, hide = true)]
    pub(super) job: Option<Job>,

    /// (child process) Number of the round
    #[arg(long, hide = true, default_value_t = 0)]
    pub(super) round: u64,
}

/// Choice of key cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cases {
    /// 16 random bytes
    Fix,
    /// 36 to 64 bytes with long shared prefixes
    Prefix,
    /// One after the other
    Both,
}

fn keys(text: &str) -> Result<usize, String> {
    let keys: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    if (MIN_KEYS..=MAX_KEYS).contains(&keys) {
        Ok(keys)
    } else {
        Err(format!("must be in {MIN_KEYS}..={MAX_KEYS}"))
    }
}

impl Options {
    /// Refuses what the parser could not know to be wrong.
    ///
    /// # Errors
    ///
    /// Names of rows that do not exist.
    pub fn check(&self) -> Outcome {
        let all: Vec<&str> = rows(&self.plan(Case::Fix, 0)).iter().map(|row| row.id).collect();
        match self.only.iter().find(|id| !all.contains(&id.as_str())) {
            None => Ok(()),
            Some(id) => {
                Err(format!("there is no row `{id}`; the rows are {}", all.join(", ")).into())
            }
        }
    }

    /// The work of one child process.
    pub fn plan(&self, case: Case, round: u64) -> Plan {
        let keys = self.keys.unwrap_or(if self.quick { 100_000 } else { 1_000_000 });
        Plan { case, keys, cell: Duration::from_millis(self.cell_ms), round }
    }

    /// How many rounds.
    pub fn rounds(&self) -> u64 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 5 })
    }

    /// Which cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = Case> + use<> {
        let cases: &[Case] = match self.case {
            Cases::Fix => &[Case::Fix],
            Cases::Prefix => &[Case::Prefix],
            Cases::Both => &[Case::Fix, Case::Prefix],
        };
        cases.iter().copied()
    }

    /// Who takes part, in the order of the roster.
    pub fn contenders(&self) -> Vec<Roster> {
        let wanted = |one: &Roster| match self.contenders[..] {
            [] => one.is_default(),
            _ => self.contenders.contains(one),
        };
        Roster::ALL.into_iter().filter(wanted).collect()
    }

    /// The rows asked for.
    pub fn rows(&self, plan: &Plan) -> Vec<Row> {
        let mut rows = rows(plan);
        rows.retain(|row| self.only.is_empty() || self.only.iter().any(|id| id == row.id));
        rows
    }

    /// How long a child process may take.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }

    /// The command line that has a child process do `job` for `contender`.
    pub fn child_args(&self, job: Job, contender: Roster, case: Case, round: u64) -> Vec<String> {
        let plan = self.plan(case, round);
        let mut args: Vec<String> = Vec::new();
        let mut add = |name: &str, value: String| args.extend([name.to_owned(), value]);
        add("--job", job.name().to_owned());
        add("--contenders", contender.name().to_owned());
        add("--case", case.name().to_owned());
        add("--round", round.to_string());
        add("--keys", plan.keys.to_string());
        add("--cell-ms", self.cell_ms.to_string());
        if !self.only.is_empty() {
            add("--only", self.only.join(","));
        }
        args
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["side-by-side"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn quick_is_a_default_that_can_be_overridden() {
        let options = parse("--quick --keys 2000").unwrap();
        assert_eq!((options.plan(Case::Fix, 0).keys, options.rounds()), (2_000, 1));
        let options = parse("").unwrap();
        assert_eq!((options.plan(Case::Fix, 0).keys, options.rounds()), (1_000_000, 5));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "--keys 10",
            "--keys x",
            "--rounds 0",
            "--cell-ms 0",
            "--contenders nobody",
            "--case mixed",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--only get,no-such-row").unwrap().check().is_err());
        assert!(parse("--only get,scan").unwrap().check().is_ok());
    }

    #[test]
    fn a_child_understands_what_it_is_told() {
        let options = parse("--quick --only get,scan --cell-ms 7").unwrap();
        let args = options.child_args(Job::Main, Roster::Artmap, Case::Prefix, 3);
        let child = parse(&args.join(" ")).unwrap();
        assert_eq!(child.job, Some(Job::Main));
        assert_eq!(child.contenders(), [Roster::Artmap]);
        assert_eq!(child.cases().collect::<Vec<_>>(), [Case::Prefix]);
        assert_eq!(child.round, 3);
        assert_eq!(child.rows(&child.plan(Case::Prefix, 3)).len(), 2);
    }
}
