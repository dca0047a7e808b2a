//! Counts that were recorded, and the comparison with them.

use std::fmt::Write as _;

use super::{Row, TOLERATED, counter};
use crate::program::Outcome;
use clap::ValueEnum;

/// Counts by row, and what they were counted with.
#[derive(Debug, PartialEq)]
pub struct Baseline {
    /// Compiler, valgrind, architecture: another of them gives other counts of the same source.
    pub tools: String,
    /// Instructions a unit.
    pub rows: Vec<(Row, f64)>,
}

/// What a count is beside the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As many, within what is tolerated.
    Same,
    /// Fewer by more than that.
    Shrunk,
    /// More by more than that.
    Grown,
    /// None was recorded.
    Unknown,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Shrunk => "less: record anew",
            Verdict::Grown => "GROWN",
            Verdict::Unknown => "not recorded",
        }
    }
}

impl Baseline {
    /// No counts yet, with the tools of now.
    pub fn empty() -> Baseline {
        let valgrind = counter::version().unwrap_or_else(|| "no valgrind".to_owned());
        let tools = format!(
            "{}, {}, {}, {valgrind}",
            env!("BENCH_RUSTC"),
            env!("BENCH_FLAGS"),
            std::env::consts::ARCH
        );
        Baseline { tools, rows: Vec::new() }
    }

    /// The recorded count of `row`.
    pub fn count(&self, row: Row) -> Option<f64> {
        self.rows.iter().find(|(one, _)| *one == row).map(|(_, count)| *count)
    }

    /// Compares.
    pub fn judge(&self, row: Row, count: f64) -> Verdict {
        match self.count(row) {
            None => Verdict::Unknown,
            Some(before) if count > before * TOLERATED => Verdict::Grown,
            Some(before) if count * TOLERATED < before => Verdict::Shrunk,
            Some(_) => Verdict::Same,
        }
    }

    /// The file that holds it.
    pub fn text(&self) -> String {
        let mut text = format!("tools {}\n", self.tools);
        for (row, count) in &self.rows {
            let _ = writeln!(text, "{} {count:.1}", row.name());
        }
        text
    }

    /// Reads such a file.
    ///
    /// # Errors
    ///
    /// A line that is none of it.
    pub fn parse(text: &str) -> Outcome<Baseline> {
        let mut baseline = Baseline { tools: String::new(), rows: Vec::new() };
        for line in text.lines() {
            let wrong = || format!("not a line of a baseline: {line:?}");
            let (name, rest) = line.split_once(' ').ok_or_else(wrong)?;
            if name == "tools" {
                baseline.tools = rest.to_owned();
            } else {
                let row = Row::from_str(name, false).map_err(|_| wrong())?;
                baseline.rows.push((row, rest.parse().map_err(|_| wrong())?));
            }
        }
        Ok(baseline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_survives_its_file() {
        let rows = vec![(Row::Get, 321.5), (Row::Commit, 40_000.0)];
        let baseline = Baseline { tools: "rustc 1, valgrind 2".to_owned(), rows };
        assert_eq!(Baseline::parse(&baseline.text()).unwrap(), baseline);
        for broken in ["get", "get many", "fly 3"] {
            assert!(Baseline::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn growth_beyond_the_tolerated_is_told() {
        let baseline = Baseline { tools: String::new(), rows: vec![(Row::Get, 100.0)] };
        let judged = [102.9, 103.1, 96.0, 100.0].map(|count| baseline.judge(Row::Get, count));
        assert_eq!(judged, [Verdict::Same, Verdict::Grown, Verdict::Shrunk, Verdict::Same]);
        assert_eq!(baseline.judge(Row::Scan, 1.0), Verdict::Unknown);
    }
}
