//! The tables for people.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Judged, Limit, Options, Survey};
use crate::replay::Hints;
use crate::report::{Machine, Spread, Verdict, extent, figure};

/// Everything as text.
pub fn text(judged: &[Judged], survey: &Survey, options: &Options, machine: &Machine) -> String {
    let mut text = format!(
        "## Executor: blocks of {} transactions, 32-byte keys and values, {} keys beside them, {} rounds, {} hints\n\n\
         {machine}\n\
         Figures are medians over the rounds with min..max. A row shows the worst of its spots. Sequential execution: an ahash \
         HashMap with keys and values inline, for scans a BTreeMap, whose writes are its state at once. Ours are brought into the store as one \
         commit in the end: that is the row `seal`, and in no other row; the second table has it in `seal ms` and `with seal x`.\n\n",
        options.transactions(),
        options.ballast(),
        options.rounds(),
        if options.hints == Hints::On { "with" } else { "without" },
    );
    let _ = writeln!(text, "{}\n", rows(judged));
    let _ = writeln!(text, "{}\n", tally(judged));
    if !survey.samples.is_empty() {
        let _ = writeln!(text, "{}\n", spots(survey));
    }
    for difference in &survey.differences {
        let _ = writeln!(text, "DIFFERENT: {difference}");
    }
    text
}

fn table(head: &[&str], right_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    for column in right_from..head.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn spread(spread: Option<Spread>) -> String {
    match spread {
        Some(spread) => format!("{} ({})", figure(spread.median), extent(spread)),
        None => "-".to_owned(),
    }
}

fn limit(limit: Option<Limit>, verdict: Option<Verdict>, unit: &str) -> String {
    match (limit, verdict) {
        (Some(limit), Some(verdict)) => format!("{}: {}", limit.text(unit), verdict.name()),
        _ => "-".to_owned(),
    }
}

fn rows(judged: &[Judged]) -> Table {
    let mut table = table(&["row", "ours", "locked", "worst spot", "must", "aim"], 6);
    for one in judged {
        let unit = one.row.quantity.unit();
        let label = match unit {
            "" => one.row.label.to_owned(),
            unit => format!("{} [{unit}]", one.row.label),
        };
        table.add_row([
            format!("{label}\n{}", one.row.id),
            spread(one.found),
            spread(one.locked),
            one.spot.map_or("-".to_owned(), |spot| spot.to_string()),
            limit(one.row.must, one.must, unit),
            limit(one.row.aim, one.aim, unit),
        ]);
    }
    table
}

fn tally(judged: &[Judged]) -> String {
    let count = |of: &dyn Fn(&Judged) -> Option<Verdict>| {
        let asked = judged.iter().filter(|one| of(one).is_some()).count();
        let met = judged.iter().filter(|one| of(one) == Some(Verdict::Met)).count();
        (met, asked)
    };
    let ((must, of_must), (aim, of_aim)) = (count(&|one| one.must), count(&|one| one.aim));
    let unknown = judged.iter().filter(|one| one.must == Some(Verdict::Unknown)).count();
    format!(
        "must: {must} of {of_must} rows met; aim: {aim} of {of_aim} rows met; {unknown} not measured"
    )
}

fn spots(survey: &Survey) -> Table {
    let head = [
        "spot",
        "sequential ms",
        "ours ms",
        "ours x",
        "seal ms",
        "with seal x",
        "locked ms",
        "locked x",
        "runs",
        "most",
        "in vain",
    ];
    let mut table = table(&head, 1);
    for (spot, samples) in &survey.samples {
        let some = samples.figures.aborts.iter().filter(|(_, count)| *count > 0);
        let aborts: Vec<String> = some.map(|(cause, count)| format!("{cause} {count}")).collect();
        let median =
            |of: &[f64]| Spread::of(of.to_vec()).map_or("-".to_owned(), |one| figure(one.median));
        table.add_row([
            spot.to_string(),
            median(&samples.sequential),
            median(&samples.ours),
            spread(samples.speed_up()),
            median(&samples.seal),
            spread(samples.speed_up_with_seal()),
            median(&samples.locked),
            spread(samples.locked_speed_up()),
            figure(samples.figures.runs_each()),
            samples.figures.most_runs.to_string(),
            if aborts.is_empty() { "-".to_owned() } else { aborts.join(", ") },
        ]);
    }
    table
}
