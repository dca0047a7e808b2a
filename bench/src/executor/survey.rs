//! Measures everything that some rows need, once.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Quantity, Row};
use super::spot::{Engines, Samples, Spot, measure};
use super::{Options, direct};
use crate::blocks::contender::{Contender, Sequential};
use crate::blocks::ours::{Ours, Setting};
use crate::blocks::sequential::{Reference, Strings};
use crate::blocks::work::Pace;
use crate::program::{Outcome, Progress};
use crate::report::Spread;
use crate::traces::player::Player;
use crate::traces::{Trace, Transfers, expected, final_hash};

/// A figure that is about no spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Microseconds to validate a scan.
    Validate,
    /// Nanoseconds to seal a changed key.
    Seal,
    /// The speed-up of all traces, transfers as they stand.
    BlocksPlain,
    /// The speed-up of all traces, transfers as additions.
    BlocksAdded,
}

impl Figure {
    /// The unit.
    pub fn unit(self) -> &'static str {
        match self {
            Figure::Validate => "us",
            Figure::Seal => "ns",
            Figure::BlocksPlain | Figure::BlocksAdded => "x",
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Figure::Validate => "validate_us",
            Figure::Seal => "seal_ns",
            Figure::BlocksPlain => "blocks_plain_speed_up",
            Figure::BlocksAdded => "blocks_added_speed_up",
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The spots.
    pub samples: BTreeMap<Spot, Samples>,
    /// The other figures, a sample a round.
    pub figures: BTreeMap<Figure, Vec<f64>>,
    /// Where somebody differed from sequential execution.
    pub differences: Vec<String>,
}

impl Survey {
    /// The spread of a figure, if it was measured.
    pub fn figure(&self, figure: Figure) -> Option<Spread> {
        Spread::of(self.figures.get(&figure)?.clone())
    }
}

/// Measures what `rows` need.
///
/// # Errors
/// A block that cannot be executed at all.
pub fn survey(rows: &[Row], options: &Options, traces: &[Trace]) -> Outcome<Survey> {
    let pace = Pace::measure();
    let spots: BTreeSet<Spot> = rows.iter().flat_map(|row| row.spots.iter().copied()).collect();
    let own = |row: &Row| match row.quantity {
        Quantity::Own(figure) => Some(figure),
        _ => None,
    };
    let own: BTreeSet<Figure> = rows.iter().filter_map(own).collect();
    let progress = Progress::new(spots.len() + own.len());
    let mut survey = Survey::default();
    let mut engines = Engines::new();
    for spot in spots {
        progress.begin(&spot.to_string());
        let samples = measure(spot, options, pace, &mut engines, &mut survey.differences)?;
        survey.samples.insert(spot, samples);
        progress.end();
    }
    drop(engines);
    for figure in own {
        progress.begin(figure.name());
        let samples = match figure {
            Figure::Validate => direct::validate(options)?,
            Figure::Seal => direct::seal(options)?,
            Figure::BlocksPlain => real(traces, Transfers::Plain, options, pace, &mut survey)?,
            Figure::BlocksAdded => real(traces, Transfers::Added, options, pace, &mut survey)?,
        };
        survey.figures.insert(figure, samples);
        progress.end();
    }
    progress.finish();
    Ok(survey)
}

/// Rounds through all traces: the sum of sequential times over the sum of ours. Nothing without traces.
fn real(
    traces: &[Trace],
    transfers: Transfers,
    options: &Options,
    pace: Pace,
    survey: &mut Survey,
) -> Outcome<Vec<f64>> {
    let mut ours = Ours::new(Setting { workers: 2, is_hinted: true });
    let rounds = if traces.is_empty() { 0 } else { options.rounds() };
    let mut samples = Vec::new();
    for round in 0..rounds {
        let (mut sequential_sum, mut our_sum) = (0.0, 0.0);
        for trace in traces {
            // A unit of gas may be less than a round: a hundred thousand are not.
            let per_gas = f64::from(pace.rounds(options.ns_per_gas * 1e5)) / 1e5;
            let player = Player::new(trace, transfers, per_gas);
            let base = player.base();
            let mut sequential = Sequential(Strings::load(&base));
            ours.load(&base)?;
            let (first, second);
            // Each is first as often as the other.
            if (round + trace.block).is_multiple_of(2) {
                first = sequential.execute(&player)?;
                second = ours.execute(&player)?;
            } else {
                second = ours.execute(&player)?;
                first = sequential.execute(&player)?;
            }
            sequential_sum += first.took.as_secs_f64();
            our_sum += second.took.saturating_sub(second.figures.seal).as_secs_f64();
            let wanted = expected(trace, transfers);
            let entries = ours.entries();
            let end = final_hash(entries.iter().map(|(key, value)| (&key[..], &value[..])));
            if !player.differing(&second.outs, &wanted).is_empty() || end != wanted.end {
                let (block, transfers) = (trace.block, transfers.name());
                survey
                    .differences
                    .push(format!("block {block}, transfers {transfers}: other results"));
            }
        }
        samples.push(sequential_sum / our_sum);
    }
    Ok(samples)
}
