//! What was found: for each place, contender and quantity the figures of the rounds.

use std::collections::BTreeMap;

use super::Workload;
use crate::contender::Roster;
use crate::measure::Cell;
use crate::report::{Results, Spread};
use crate::workload::Case;

/// A workload, and how many threads did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The workload.
    pub workload: Workload,
    /// The threads.
    pub threads: usize,
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $quantity:ident = $name:literal;)*) => {
        /// Something that is measured at a place.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Quantity {
            $($(#[$doc])* $quantity,)*
        }

        impl Quantity {
            /// All of them.
            pub const ALL: &[Quantity] = &[$(Quantity::$quantity),*];

            /// The name between parent and child process, and in the JSON report.
            pub fn name(self) -> &'static str {
                match self { $(Quantity::$quantity => $name,)* }
            }
        }
    };
}

quantities! {
    /// Units of the workload a second, all threads together.
    Rate = "rate";
    /// Thousand commits a second of the writer beside scans.
    Writer = "writer";
    /// Median of the time of one operation, in nanoseconds.
    Middle = "p50_ns";
    /// 99th percentile of it.
    Slow = "p99_ns";
    /// 99.9th percentile of it.
    Slowest = "p999_ns";
    /// Attempts of updates that were in vain, per 1,000 updates.
    InVain = "in_vain_per_1000";
    /// Compare-and-swaps lost, per 1,000 operations.
    CasFailures = "cas_failures_per_1000";
    /// Commits published by another thread than their own, per 1,000 operations.
    Helped = "helped_per_1000";
    /// Commits refused after they were given a version, per 1,000 operations.
    Refused = "refused_per_1000";
}

impl Quantity {
    /// What decides how our map scales: counts, not times.
    pub const FRICTIONS: [Quantity; 4] =
        [Quantity::CasFailures, Quantity::Helped, Quantity::Refused, Quantity::InVain];

    /// The quantity of that name.
    pub fn from_name(name: &str) -> Option<Quantity> {
        Quantity::ALL.iter().copied().find(|one| one.name() == name)
    }
}

/// Everything that the child processes found.
#[derive(Default)]
pub struct Figures {
    samples: BTreeMap<(Place, Quantity, Roster), BTreeMap<u64, f64>>,
    notes: BTreeMap<(Workload, Roster), String>,
    /// Bytes an entry, and what is remarked on them.
    memory: Results,
    failures: Vec<String>,
}

impl Figures {
    /// Adds a figure.
    pub fn add(&mut self, at: Place, quantity: Quantity, who: Roster, round: u64, figure: f64) {
        self.samples.entry((at, quantity, who)).or_default().insert(round, figure);
    }

    /// Adds a remark; the latest on a workload stands.
    pub fn note(&mut self, workload: Workload, who: Roster, note: &str) {
        self.notes.insert((workload, who), note.to_owned());
    }

    /// Adds bytes an entry.
    pub fn add_memory(&mut self, case: Case, who: Roster, round: u64, cell: Cell, figure: f64) {
        self.memory.add(case, who, round, cell, figure);
    }

    /// Adds what went wrong with a child process.
    pub fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// What went wrong.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Remarks, by workload and contender.
    pub fn notes(&self) -> impl Iterator<Item = (Workload, Roster, &str)> {
        self.notes.iter().map(|((workload, who), note)| (*workload, *who, note.as_str()))
    }

    /// The figures of the rounds.
    pub fn samples(&self, at: Place, quantity: Quantity, who: Roster) -> Vec<f64> {
        let rounds = self.samples.get(&(at, quantity, who));
        rounds.into_iter().flat_map(|rounds| rounds.values().copied()).collect()
    }

    /// Their spread, or `None` where nothing was measured.
    pub fn spread(&self, at: Place, quantity: Quantity, who: Roster) -> Option<Spread> {
        Spread::of(self.samples(at, quantity, who))
    }

    /// Bytes an entry: the spread of `cell`.
    pub fn memory(&self, case: Case, who: Roster, cell: Cell) -> Option<Spread> {
        self.memory.spread(case, who, cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_that_of_the_rounds_of_one_place() {
        let mut figures = Figures::default();
        let at = |threads| Place { workload: Workload::Gets, threads };
        for (round, figure) in [3.0, 1.0, 2.0].into_iter().enumerate() {
            figures.add(at(2), Quantity::Rate, Roster::Ours, round as u64, figure);
        }
        figures.add(at(4), Quantity::Rate, Roster::Ours, 0, 9.0);
        let spread = figures.spread(at(2), Quantity::Rate, Roster::Ours);
        assert_eq!(spread, Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(figures.spread(at(2), Quantity::Rate, Roster::Imbl), None);
    }
}
