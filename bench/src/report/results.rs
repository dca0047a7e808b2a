//! All samples of a run.

use std::collections::BTreeMap;

use crate::contender::Roster;
use crate::measure::Cell;
use crate::measure::timing::median;
use crate::workload::Case;

/// One contender's samples of one cell, by round.
type Samples = BTreeMap<u64, f64>;

/// What the child processes found.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(Case, Cell, Roster), Samples>,
    notes: BTreeMap<(Case, Cell, Roster), String>,
    failures: Vec<String>,
}

/// The middle of some samples, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Results {
    /// Adds a sample.
    pub fn add(&mut self, case: Case, contender: Roster, round: u64, cell: Cell, figure: f64) {
        self.samples.entry((case, cell, contender)).or_default().insert(round, figure);
    }

    /// Adds a remark. The latest on a cell stands.
    pub fn note(&mut self, case: Case, contender: Roster, cell: Cell, note: &str) {
        self.notes.insert((case, cell, contender), note.to_owned());
    }

    /// Adds what went wrong with a child process.
    pub fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// What went wrong.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Remarks on the cells of `case`.
    pub fn notes(&self, case: Case) -> impl Iterator<Item = (Cell, Roster, &str)> {
        self.notes
            .iter()
            .filter(move |((of, _, _), _)| *of == case)
            .map(|((_, cell, contender), note)| (*cell, *contender, note.as_str()))
    }

    /// The samples of a cell, by round.
    pub fn samples(&self, case: Case, contender: Roster, cell: Cell) -> impl Iterator<Item = f64> {
        self.samples.get(&(case, cell, contender)).into_iter().flat_map(|all| all.values().copied())
    }

    /// The spread of a cell, or `None` where it was not measured.
    pub fn spread(&self, case: Case, contender: Roster, cell: Cell) -> Option<Spread> {
        Spread::of(self.samples(case, contender, cell).collect())
    }

    /// One cell over another: the ratio of the medians, within the spread of the ratios of the
    /// rounds.
    pub fn ratio(
        &self,
        case: Case,
        above: (Roster, Cell),
        below: (Roster, Cell),
    ) -> Option<Spread> {
        let of = |(contender, cell)| self.samples.get(&(case, cell, contender));
        let (upper, lower) = (of(above)?, of(below)?);
        let by_round =
            upper.iter().filter_map(|(round, up)| Some(up / lower.get(round)?)).collect();
        let middle = self.spread(case, above.0, above.1)?.median
            / self.spread(case, below.0, below.1)?.median;
        let rounds = Spread::of(by_round)?;
        Some(Spread { median: middle, min: rounds.min.min(middle), max: rounds.max.max(middle) })
    }
}

impl Spread {
    /// The spread of `samples`; `None` of none.
    pub fn of(mut samples: Vec<f64>) -> Option<Spread> {
        let median = median(&mut samples)?;
        Some(Spread { median, min: *samples.first()?, max: *samples.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_medians_with_the_spread_of_the_rounds() {
        let mut results = Results::default();
        for (round, (ours, theirs)) in [(10.0, 20.0), (12.0, 20.0), (14.0, 10.0)].iter().enumerate()
        {
            results.add(Case::Fix, Roster::Ours, round as u64, Cell::Get, *ours);
            results.add(Case::Fix, Roster::Btree, round as u64, Cell::Get, *theirs);
        }
        let ratio = results
            .ratio(Case::Fix, (Roster::Ours, Cell::Get), (Roster::Btree, Cell::Get))
            .unwrap();
        assert_eq!(ratio, Spread { median: 0.6, min: 0.5, max: 1.4 });
        assert!(
            results
                .ratio(Case::Fix, (Roster::Ours, Cell::Get), (Roster::Btree, Cell::Miss))
                .is_none()
        );
    }
}
