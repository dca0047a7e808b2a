//! The executor's rows of the targets: which spots each is about, and what is asked.

use super::spot::{Samples, Spot};
use super::survey::{Figure, Survey};
use crate::blocks::workload::Workload;
use crate::report::{Bound, Spread, Verdict, figure};

/// What of a spot a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// How many times as fast as sequential execution.
    SpeedUp,
    /// How many times as long as sequential execution.
    TimeOver,
    /// How many percent longer than sequential execution.
    Overhead,
    /// Transactions a second.
    Rate,
    /// Runs for each transaction.
    Runs,
    /// The most runs of one transaction.
    MostRuns,
    /// A figure that is measured by itself.
    Own(Figure),
}

impl Quantity {
    /// The unit.
    pub fn unit(self) -> &'static str {
        match self {
            Quantity::SpeedUp | Quantity::TimeOver => "x",
            Quantity::Overhead => "%",
            Quantity::Rate => "tx/s",
            Quantity::Runs | Quantity::MostRuns => "",
            Quantity::Own(figure) => figure.unit(),
        }
    }

    /// Of a spot's samples.
    pub fn of(self, samples: &Samples) -> Option<Spread> {
        let all = |figure: f64| Spread { median: figure, min: figure, max: figure };
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        match self {
            Quantity::SpeedUp => samples.speed_up(),
            Quantity::TimeOver => samples.time_over(),
            Quantity::Overhead => samples.time_over().map(|over| Spread {
                median: percent(over.median),
                min: percent(over.min),
                max: percent(over.max),
            }),
            Quantity::Rate => samples.rate(),
            Quantity::Runs => Some(all(samples.figures.runs_each())),
            Quantity::MostRuns => Some(all(samples.figures.most_runs as f64)),
            Quantity::Own(_) => None,
        }
    }
}

/// A limit on a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Which side of it is right.
    pub bound: Bound,
    /// The limit.
    pub at: f64,
}

impl Limit {
    fn judge(self, found: Option<f64>) -> Verdict {
        match (found, self.bound) {
            (None, _) => Verdict::Unknown,
            (Some(found), Bound::AtMost) if found <= self.at => Verdict::Met,
            (Some(found), Bound::AtLeast) if found >= self.at => Verdict::Met,
            _ => Verdict::Missed,
        }
    }

    /// In words, with the unit.
    pub fn text(self, unit: &str) -> String {
        let sign = match self.bound {
            Bound::AtMost => "<=",
            Bound::AtLeast => ">=",
        };
        format!("{sign} {}{}{unit}", figure(self.at), if unit.len() > 1 { " " } else { "" })
    }
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name for `--only`.
    pub id: &'static str,
    /// What it is, for readers.
    pub label: &'static str,
    /// What it shows.
    pub quantity: Quantity,
    /// Where: the worst of them counts.
    pub spots: Vec<Spot>,
    /// What the work is accepted on.
    pub must: Option<Limit>,
    /// What would make it the best in the field.
    pub aim: Option<Limit>,
}

/// A row with what was found.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The row.
    pub row: Row,
    /// The worst of its spots, where it has any.
    pub spot: Option<Spot>,
    /// What was found there.
    pub found: Option<Spread>,
    /// The same of the locked baseline, where it is a ratio to sequential execution.
    pub locked: Option<Spread>,
    /// Whether the musts are met.
    pub must: Option<Verdict>,
    /// Whether the aims are.
    pub aim: Option<Verdict>,
}

impl Row {
    fn new(id: &'static str, label: &'static str, quantity: Quantity, spots: Vec<Spot>) -> Row {
        Row { id, label, quantity, spots, must: None, aim: None }
    }

    fn at_least(mut self, must: f64, aim: f64) -> Row {
        self.must = Some(Limit { bound: Bound::AtLeast, at: must });
        self.aim = Some(Limit { bound: Bound::AtLeast, at: aim });
        self
    }

    fn at_most(mut self, must: f64, aim: f64) -> Row {
        self.must = Some(Limit { bound: Bound::AtMost, at: must });
        self.aim = Some(Limit { bound: Bound::AtMost, at: aim });
        self
    }

    /// Only what must be.
    fn no_aim(mut self) -> Row {
        self.aim = None;
        self
    }

    /// Looks for the worst spot, and judges it.
    pub fn judge(&self, survey: &Survey) -> Judged {
        let is_worse = |found: Spread, than: Spread| match self.must.map(|must| must.bound) {
            Some(Bound::AtLeast) => found.median < than.median,
            _ => found.median > than.median,
        };
        let mut worst: Option<(Spot, Spread)> = None;
        for spot in &self.spots {
            let found = survey.samples.get(spot).and_then(|samples| self.quantity.of(samples));
            if let Some(found) = found
                && worst.is_none_or(|(_, worst)| is_worse(found, worst))
            {
                worst = Some((*spot, found));
            }
        }
        let found = match self.quantity {
            Quantity::Own(figure) => survey.figure(figure),
            _ => worst.map(|(_, found)| found),
        };
        let spot = worst.map(|(spot, _)| spot);
        let locked = match self.quantity {
            Quantity::SpeedUp => spot.and_then(|spot| survey.samples[&spot].locked_speed_up()),
            _ => None,
        };
        let judge = |limit: Limit| limit.judge(found.map(|found| found.median));
        let (must, aim) = (self.must.map(judge), self.aim.map(judge));
        Judged { row: self.clone(), spot, found, locked, must, aim }
    }
}

/// The numbers of accounts that are asked about.
const ACCOUNTS: [u64; 5] = [2, 10, 100, 1_000, 10_000];

/// The two shapes of transactions that are asked about.
const SHAPES: [Workload; 2] = [Workload::Transfers, Workload::Wide];

fn spots(workloads: &[Workload], accounts: &[u64], micros: &[u32], workers: usize) -> Vec<Spot> {
    let mut spots = Vec::new();
    for &workload in workloads {
        for &accounts in accounts {
            let all = micros.iter().map(|&micros| Spot { workload, accounts, micros, workers });
            spots.extend(all);
        }
    }
    spots
}

/// All rows, in the order of the targets.
pub fn rows() -> Vec<Row> {
    use Workload::{Range, Transfers, Wide};
    let mut rows = vec![
        Row::new(
            "overhead",
            "1 worker, 10 us of work, 8 reads and 5 writes: overhead",
            Quantity::Overhead,
            spots(&[Wide], &ACCOUNTS, &[10], 1),
        )
        .at_most(8.0, 4.0),
        Row::new(
            "idle-narrow",
            "1 worker, no work, 2 reads and 2 writes: time over sequential",
            Quantity::TimeOver,
            spots(&[Transfers], &ACCOUNTS, &[0], 1),
        )
        .at_most(2.5, 1.7),
        Row::new(
            "idle-wide",
            "1 worker, no work, 8 reads and 5 writes: time over sequential",
            Quantity::TimeOver,
            spots(&[Wide], &ACCOUNTS, &[0], 1),
        )
        .at_most(2.0, 1.4),
        Row::new(
            "speed-up",
            "2 workers, 10 us, 100 accounts or more: speed-up",
            Quantity::SpeedUp,
            spots(&SHAPES, &ACCOUNTS[2..], &[10], 2),
        )
        .at_least(1.65, 1.88),
        Row::new(
            "ten-accounts",
            "2 workers, 10 us, 10 accounts: speed-up",
            Quantity::SpeedUp,
            spots(&SHAPES, &[10], &[10], 2),
        )
        .at_least(1.3, 1.45),
        Row::new(
            "chain",
            "2 workers, 10 us, one chain (2 accounts): speed-up",
            Quantity::SpeedUp,
            spots(&SHAPES, &[2], &[10], 2),
        )
        .at_least(0.92, 0.97),
        Row::new(
            "any-short",
            "2 workers, 1 us of work, any accounts: speed-up",
            Quantity::SpeedUp,
            spots(&SHAPES, &ACCOUNTS, &[1], 2),
        )
        .at_least(0.8, 1.0),
        Row::new(
            "any",
            "2 workers, 2 to 50 us of work, any accounts: speed-up",
            Quantity::SpeedUp,
            spots(&SHAPES, &ACCOUNTS, &[2, 5, 10, 50], 2),
        )
        .at_least(0.9, 1.0),
    ];
    let ranges: Vec<Spot> =
        [1, 2].iter().flat_map(|&workers| spots(&[Range], &[2], &[0], workers)).collect();
    rows.extend([
        Row::new(
            "range",
            "scan of 10 keys and 1 write, no work, 1 and 2 workers",
            Quantity::Rate,
            ranges.clone(),
        )
        .at_least(300_000.0, 600_000.0),
        Row::new(
            "range-ratio",
            "the same over a sequential BTreeMap: speed-up",
            Quantity::SpeedUp,
            ranges,
        )
        .at_least(0.25, 0.4),
        Row::new(
            "validate",
            "validation of a scan of 100 keys after 1,000 transactions with 10 writes",
            Quantity::Own(Figure::Validate),
            vec![],
        )
        .at_most(8.0, 3.0),
    ]);
    rows.extend(run_rows());
    rows.extend([
        Row::new("seal", "seal, 1 worker, per changed key", Quantity::Own(Figure::Seal), vec![])
            .at_most(300.0, 150.0),
        Row::new(
            "blocks-plain",
            "real blocks, 2 workers, transfers as they stand: speed-up of the sum",
            Quantity::Own(Figure::BlocksPlain),
            vec![],
        )
        .at_least(1.3, 1.45),
        Row::new(
            "blocks-added",
            "real blocks, 2 workers, transfers as additions: speed-up of the sum",
            Quantity::Own(Figure::BlocksAdded),
            vec![],
        )
        .at_least(1.4, 1.55),
    ]);
    rows
}

/// How often transactions run: what decides how it scales, and can be counted with more workers than cores.
fn run_rows() -> Vec<Row> {
    use Workload::Transfers;
    let many: Vec<Spot> = [4, 8, 16, 32, 64]
        .into_iter()
        .flat_map(|workers| spots(&[Transfers], &[10, 1_000], &[10], workers))
        .collect();
    vec![
        Row::new(
            "most-runs-few",
            "1 and 2 workers: most runs of a transaction",
            Quantity::MostRuns,
            [1, 2].iter().flat_map(|&workers| spots(&SHAPES, &ACCOUNTS, &[10], workers)).collect(),
        )
        .at_most(2.0, 2.0)
        .no_aim(),
        Row::new(
            "most-runs-many",
            "4 to 64 workers: most runs of a transaction",
            Quantity::MostRuns,
            many.clone(),
        )
        .at_most(3.0, 3.0)
        .no_aim(),
        Row::new("runs-many", "4 to 64 workers: runs per transaction", Quantity::Runs, many),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_row_is_about_something() {
        let rows = rows();
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), rows.len());
        for row in rows {
            assert_eq!(
                row.spots.is_empty(),
                matches!(row.quantity, Quantity::Own(_)),
                "{}",
                row.id
            );
        }
    }

    #[test]
    fn the_worst_spot_counts() {
        let row = rows().into_iter().find(|row| row.id == "ten-accounts").unwrap();
        let mut survey = Survey::default();
        let samples = |ours: f64| Samples {
            sequential: vec![3.0, 2.0, 4.0],
            ours: vec![ours; 3],
            ..Samples::default()
        };
        survey.samples.insert(row.spots[0], samples(2.0));
        assert_eq!(row.judge(&survey).must, Some(Verdict::Met));
        survey.samples.insert(row.spots[1], samples(2.4));
        let judged = row.judge(&survey);
        assert_eq!((judged.must, judged.spot), (Some(Verdict::Missed), Some(row.spots[1])));
        assert!((judged.found.unwrap().median - 1.25).abs() < 1e-9);
        assert_eq!(row.judge(&Survey::default()).must, Some(Verdict::Unknown));
    }
}
