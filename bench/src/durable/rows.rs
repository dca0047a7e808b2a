//! What was found, and what is asked. All quantities are such that less is better: times and bytes.

use super::Group;
use crate::adapter::Adapter;
use crate::report::{Spread, Verdict};

/// A limit on the ratio of ours to what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// So many times as much, at most.
    AtMost(f64),
    /// So many times as fast, at least: the ratio is turned round.
    AtLeast(f64),
}

/// One thing that was measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which measurement it comes from.
    pub group: Group,
    /// On which adapter.
    pub adapter: Adapter,
    /// Its name in reports.
    pub id: &'static str,
    /// What it is, for readers.
    pub label: &'static str,
    /// The unit.
    pub unit: &'static str,
    /// Ours, by round.
    pub ours: Vec<f64>,
    /// What ours is compared with, and its samples by round.
    pub beside: Option<(&'static str, Vec<f64>)>,
    /// What is asked.
    pub must: Option<Limit>,
}

impl Row {
    /// Ours over what it is compared with, of medians, within the spread of the rounds; or, where speed is asked for, the other
    /// way round.
    pub fn ratio(&self) -> Option<Spread> {
        let (_, beside) = self.beside.as_ref()?;
        let (ours, theirs) = (Spread::of(self.ours.clone())?, Spread::of(beside.clone())?);
        let turned = matches!(self.must, Some(Limit::AtLeast(_)));
        let ratio = |ours: f64, theirs: f64| if turned { theirs / ours } else { ours / theirs };
        let middle = ratio(ours.median, theirs.median);
        let rounds = self.ours.iter().zip(beside).map(|(ours, theirs)| ratio(*ours, *theirs));
        let rounds = Spread::of(rounds.collect())?;
        Some(Spread { median: middle, min: rounds.min.min(middle), max: rounds.max.max(middle) })
    }

    /// Whether it is what is asked.
    pub fn verdict(&self) -> Option<Verdict> {
        let (must, ratio) = (self.must?, self.ratio());
        let is_met = ratio.map(|ratio| match must {
            Limit::AtMost(most) => ratio.median <= most,
            Limit::AtLeast(least) => ratio.median >= least,
        });
        Some(match is_met {
            None => Verdict::Unknown,
            Some(true) => Verdict::Met,
            Some(false) => Verdict::Missed,
        })
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Rows(Vec<Row>);

impl Rows {
    /// Adds one.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// In the order in which they were measured.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.0.iter()
    }

    /// The one with this name.
    pub fn find(&self, adapter: Adapter, id: &str) -> Option<&Row> {
        self.0.iter().find(|row| row.adapter == adapter && row.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(must: Limit) -> Row {
        Row {
            group: Group::Reads,
            adapter: Adapter::Redb,
            id: "row",
            label: "a row",
            unit: "ns",
            ours: vec![10.0, 12.0, 11.0],
            beside: Some(("other", vec![10.0, 10.0, 10.0])),
            must: Some(must),
        }
    }

    #[test]
    fn a_limit_has_its_side() {
        for (must, verdict) in [
            (Limit::AtMost(1.2), Verdict::Met),
            (Limit::AtMost(1.05), Verdict::Missed),
            (Limit::AtLeast(0.9), Verdict::Met),
            (Limit::AtLeast(0.95), Verdict::Missed),
        ] {
            assert_eq!(row(must).verdict(), Some(verdict), "{must:?}");
        }
        assert_eq!(row(Limit::AtMost(1.2)).ratio().map(|ratio| ratio.max), Some(1.2));
    }
}
