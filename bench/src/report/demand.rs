//! What a row asks of us, and whether we gave it.

use super::{Results, Spread};
use crate::contender::Roster;
use crate::measure::{Cell, Unit};
use crate::workload::Case;

/// Which side of the limit is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most.
    AtMost,
    /// At least.
    AtLeast,
}

/// What a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Nothing: the limit is in the unit of the figure.
    Itself,
    /// The same figure of a rival.
    Rival(Roster),
    /// Another figure of ours.
    Own(Cell),
}

/// A limit on one of our figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Our figure.
    pub cell: Cell,
    /// Which side of the limit is right.
    pub bound: Bound,
    /// The limit, in units of the basis.
    pub limit: f64,
    /// What the figure is compared with.
    pub basis: Basis,
}

/// Whether a demand was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Met,
    /// It was not.
    Missed,
    /// A figure it needs was not measured.
    Unknown,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unknown => "not measured",
        }
    }

    /// The verdict on a row: the worst on its demands; `None` where nothing is asked.
    pub fn overall(judged: &[Judgement]) -> Option<Verdict> {
        let verdicts = || judged.iter().map(|one| one.verdict);
        if judged.is_empty() {
            None
        } else if verdicts().any(|verdict| verdict == Verdict::Missed) {
            Some(Verdict::Missed)
        } else if verdicts().any(|verdict| verdict == Verdict::Unknown) {
            Some(Verdict::Unknown)
        } else {
            Some(Verdict::Met)
        }
    }
}

/// A demand with what was measured against it.
#[derive(Clone, Copy, Debug)]
pub struct Judgement {
    /// What was asked.
    pub demand: Demand,
    /// Our figure, in units of the basis.
    pub found: Option<Spread>,
    /// Whether the median keeps to the limit.
    pub verdict: Verdict,
}

impl Demand {
    /// At most `limit` times what `rival` has.
    pub fn at_most(cell: Cell, limit: f64, rival: Roster) -> Demand {
        Demand { cell, bound: Bound::AtMost, limit, basis: Basis::Rival(rival) }
    }

    /// At least `limit` times what `rival` has.
    pub fn at_least(cell: Cell, limit: f64, rival: Roster) -> Demand {
        Demand { cell, bound: Bound::AtLeast, limit, basis: Basis::Rival(rival) }
    }

    /// At most `limit` times another figure of ours.
    pub fn at_most_own(cell: Cell, limit: f64, other: Cell) -> Demand {
        Demand { cell, bound: Bound::AtMost, limit, basis: Basis::Own(other) }
    }

    /// At least `limit` times another figure of ours.
    pub fn at_least_own(cell: Cell, limit: f64, other: Cell) -> Demand {
        Demand { cell, bound: Bound::AtLeast, limit, basis: Basis::Own(other) }
    }

    /// At most `limit`, in the unit of the figure.
    pub fn no_more(cell: Cell, limit: f64) -> Demand {
        Demand { cell, bound: Bound::AtMost, limit, basis: Basis::Itself }
    }

    /// At least `limit`, in the unit of the figure.
    pub fn no_less(cell: Cell, limit: f64) -> Demand {
        Demand { cell, bound: Bound::AtLeast, limit, basis: Basis::Itself }
    }

    /// Compares with what was measured.
    pub fn judge(self, case: Case, results: &Results) -> Judgement {
        let ours = (Roster::Ours, self.cell);
        let found = match self.basis {
            Basis::Itself => results.spread(case, Roster::Ours, self.cell),
            Basis::Rival(rival) => results.ratio(case, ours, (rival, self.cell)),
            Basis::Own(other) => results.ratio(case, ours, (Roster::Ours, other)),
        };
        let verdict = match (found, self.bound) {
            (None, _) => Verdict::Unknown,
            (Some(found), Bound::AtMost) if found.median <= self.limit => Verdict::Met,
            (Some(found), Bound::AtLeast) if found.median >= self.limit => Verdict::Met,
            _ => Verdict::Missed,
        };
        Judgement { demand: self, found, verdict }
    }

    /// The unit the limit and what is found are in.
    pub fn unit(self) -> Unit {
        match self.basis {
            Basis::Itself => self.cell.unit(),
            Basis::Rival(_) | Basis::Own(_) => Unit::Times,
        }
    }

    /// The demand in words: `<= 0.45x btree`.
    pub fn text(self) -> String {
        let sign = match self.bound {
            Bound::AtMost => "<=",
            Bound::AtLeast => ">=",
        };
        let limit = self.limit;
        match self.basis {
            Basis::Rival(rival) => format!("{sign} {limit}x {}", rival.name()),
            Basis::Own(other) => format!("{sign} {limit}x own {}", other.short_name()),
            Basis::Itself => match self.unit() {
                Unit::Times => format!("{sign} {limit}x"),
                Unit::Count => format!("{sign} {limit}"),
                unit => format!("{sign} {limit} {}", unit.name()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        results.add(Case::Fix, Roster::Ours, 0, Cell::Get, 40.0);
        results.add(Case::Fix, Roster::Btree, 0, Cell::Get, 100.0);
        results.add(Case::Fix, Roster::Ours, 0, Cell::MixEven, 4.0);
        results
    }

    #[test]
    fn a_demand_is_met_on_its_own_side_only() {
        let results = results();
        let judge = |demand: Demand| demand.judge(Case::Fix, &results).verdict;
        assert_eq!(judge(Demand::at_most(Cell::Get, 0.4, Roster::Btree)), Verdict::Met);
        assert_eq!(judge(Demand::at_most(Cell::Get, 0.3, Roster::Btree)), Verdict::Missed);
        assert_eq!(judge(Demand::no_less(Cell::MixEven, 3.0)), Verdict::Met);
        assert_eq!(judge(Demand::no_less(Cell::MixEven, 5.0)), Verdict::Missed);
        assert_eq!(judge(Demand::at_most(Cell::Miss, 1.0, Roster::Btree)), Verdict::Unknown);
    }

    #[test]
    fn a_row_is_as_good_as_its_worst_demand() {
        let results = results();
        let met = Demand::no_more(Cell::Get, 50.0).judge(Case::Fix, &results);
        let missed = Demand::no_more(Cell::Get, 30.0).judge(Case::Fix, &results);
        assert_eq!(Verdict::overall(&[met, missed]), Some(Verdict::Missed));
        assert_eq!(Verdict::overall(&[met]), Some(Verdict::Met));
        assert_eq!(Verdict::overall(&[]), None);
    }

    #[test]
    fn demands_read_as_in_the_targets() {
        assert_eq!(Demand::at_most(Cell::Get, 0.45, Roster::Btree).text(), "<= 0.45x btree");
        assert_eq!(Demand::no_more(Cell::GetMany, 60.0).text(), "<= 60 ns");
        assert_eq!(Demand::no_less(Cell::GetsScale, 1.6).text(), ">= 1.6x");
    }
}
