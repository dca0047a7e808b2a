//! `counts`: instructions that one operation of our map takes, counted by valgrind: the same on a busy machine as on a quiet
//! one, so that a change for the worse fails a check and not only a reader's patience.
//!
//! Only what happens inside one function is counted, not starting, loading and drawing requests: their count differs from
//! run to run, since the map hashes with random keys, by more than the operations take. Counts say nothing of cache misses: what reads memory badly shows in
//! `side-by-side`, not here.

mod baseline;
mod counter;
mod options;
mod row;

pub use baseline::{Baseline, Verdict};
pub use options::Options;
pub use row::Row;

use std::fs;
use std::io::{Write, stdout};
use std::process::ExitCode;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::program::{Outcome, Progress};

/// Growth of a row, over its baseline, from which on the check fails.
pub const TOLERATED: f64 = 1.03;

/// The exit code of a check that could not be made.
const SKIPPED: u8 = 77;

/// Runs the program.
///
/// # Errors
///
/// No valgrind, a file that cannot be read or written, or a row that grew.
pub fn run(options: &Options) -> Outcome<ExitCode> {
    if let (Some(row), Some(operations)) = (options.row, options.operations) {
        row.perform(operations);
        return Ok(ExitCode::SUCCESS);
    }
    let recorded = match (&options.baseline, options.record) {
        (path, false) => {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Some(Baseline::parse(&text)?)
        }
        (_, true) => None,
    };
    let found = count(&options.rows())?;
    writeln!(stdout(), "{}", table(&found, recorded.as_ref()))?;
    match recorded {
        None => {
            fs::write(&options.baseline, found.text())
                .map_err(|error| format!("cannot write {}: {error}", options.baseline.display()))?;
            writeln!(stdout(), "recorded in {}", options.baseline.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Some(recorded) if recorded.tools != found.tools => {
            let (theirs, ours) = (&recorded.tools, &found.tools);
            writeln!(
                stdout(),
                "no check: recorded with {theirs}, counted with {ours}; record anew"
            )?;
            Ok(ExitCode::from(SKIPPED))
        }
        Some(recorded) => check(&recorded, &found),
    }
}

/// Counts `rows`, one after the other.
fn count(rows: &[Row]) -> Outcome<Baseline> {
    let progress = Progress::new(rows.len());
    let mut found = Baseline::empty();
    for row in rows {
        progress.begin(row.name());
        found.rows.push((*row, counter::per_unit(*row)?));
        progress.end();
    }
    progress.finish();
    Ok(found)
}

fn check(recorded: &Baseline, found: &Baseline) -> Outcome<ExitCode> {
    let is = |wanted: Verdict| {
        let rows = found.rows.iter();
        rows.filter(|(row, count)| recorded.judge(*row, *count) == wanted)
            .map(|(row, _)| row.name())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (grown, unknown) = (is(Verdict::Grown), is(Verdict::Unknown));
    if !unknown.is_empty() {
        return Err(format!("not in the baseline: {unknown}; record anew").into());
    }
    if !grown.is_empty() {
        return Err(format!("more instructions than recorded: {grown}").into());
    }
    Ok(ExitCode::SUCCESS)
}

fn table(found: &Baseline, recorded: Option<&Baseline>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["row", "instructions", "per", "recorded", "change", ""]);
    for column in [1, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (row, count) in &found.rows {
        let before = recorded.and_then(|recorded| recorded.count(*row));
        let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let verdict = recorded.map(|recorded| recorded.judge(*row, *count).name().to_owned());
        table.add_row([
            row.name().to_owned(),
            format!("{count:.1}"),
            row.unit().to_owned(),
            or_nothing(before.map(|before| format!("{before:.1}"))),
            or_nothing(before.map(|before| format!("{:+.2} %", (count / before - 1.0) * 100.0))),
            or_nothing(verdict),
        ]);
    }
    table
}
