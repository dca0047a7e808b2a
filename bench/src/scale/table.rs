//! The tables for people.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Place, Quantity, Run, Workload};
use crate::measure::{Cell, MEMORY_METHOD};
use crate::report::{Spread, figure, grouped, package_version, with_extent};

/// What stands where nothing was, or could be, measured.
const NOTHING: &str = "-";

/// All tables of a run.
pub fn text(run: &Run<'_>) -> String {
    let mut text = head(run);
    for workload in run.options.workloads() {
        rates(run, workload, &mut text);
    }
    frictions(run, &mut text);
    memory(run, &mut text);
    foot(run, &mut text);
    text
}

fn head(run: &Run<'_>) -> String {
    let (plan, machine) = (run.options.plan(0), &run.machine);
    format!(
        "## Threads, case {}: {} keys, 32-byte values, {} ms a measurement, rounds: {}\n\n\
         {machine}\n\
         Rates are of all threads together: medians over the rounds (min..max). Times are of single \
         operations, medians of the rounds' percentiles: p50 / p99 / p99.9.\n",
        plan.case.name(),
        grouped(plan.keys as f64),
        plan.cell.as_millis(),
        run.options.rounds(),
    )
}

fn rates(run: &Run<'_>, workload: Workload, text: &mut String) {
    let _ = writeln!(text, "\n### {} ({})\n", workload.title(), workload.detail());
    let mut table = by_threads(run, workload.unit());
    let mut times = by_threads(run, &format!("time of {}", workload.operation()));
    for who in run.options.contenders() {
        let cells = |quantity: Quantity| -> Vec<Option<Spread>> {
            let at = |threads| Place { workload, threads };
            let threads = run.options.threads().into_iter();
            threads.map(|threads| run.figures.spread(at(threads), quantity, who)).collect()
        };
        let rates = cells(Quantity::Rate);
        if rates.iter().all(Option::is_none) {
            continue;
        }
        add(&mut table, who.name(), rates.into_iter().map(spread));
        let writer = cells(Quantity::Writer);
        if writer.iter().any(Option::is_some) {
            let name = format!("{}: its writer, thousand commits a second", who.name());
            add(&mut table, &name, writer.into_iter().map(spread));
        }
        let [middle, slow, slowest] =
            [Quantity::Middle, Quantity::Slow, Quantity::Slowest].map(cells);
        let line = middle.into_iter().zip(slow).zip(slowest).map(percentiles);
        add(&mut times, who.name(), line);
    }
    let _ = writeln!(text, "{table}\n{times}");
}

/// The counts of our map that decide how it scales; a line for each that was ever above zero.
fn frictions(run: &Run<'_>, text: &mut String) {
    let mut table = by_threads(run, "ours, per 1,000 operations");
    for (workload, quantity, cells) in run.frictions() {
        let name = format!("{}: {}", workload.name(), friction(quantity));
        add(&mut table, &name, cells.into_iter().map(spread));
    }
    let _ = writeln!(
        text,
        "\n### What decides how ours scales (what is not listed was zero)\n\n{table}"
    );
}

/// What a count is called in tables and on the page.
pub fn friction(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::CasFailures => "compare-and-swaps lost",
        Quantity::Helped => "commits published by others",
        Quantity::Refused => "commits refused",
        Quantity::InVain => "attempts in vain",
        other => other.name(),
    }
}

fn memory(run: &Run<'_>, text: &mut String) {
    let case = run.options.plan(0).case;
    let mut table =
        new_table(vec!["bytes an entry".to_owned(), "loaded".to_owned(), "overwritten".to_owned()]);
    for who in run.options.contenders() {
        let cells = [Cell::MemoryLoaded, Cell::MemoryOverwritten];
        add(
            &mut table,
            who.name(),
            cells.map(|cell| spread(run.figures.memory(case, who, cell))).into_iter(),
        );
    }
    let _ = writeln!(text, "\n### Memory ({MEMORY_METHOD})\n\n{table}");
}

fn foot(run: &Run<'_>, text: &mut String) {
    let _ = writeln!(text, "\nContenders:");
    for who in run.options.contenders() {
        let version = who.package().and_then(package_version).unwrap_or("std");
        let _ = writeln!(text, "- {} ({version}): {}", who.name(), who.caveat());
    }
    for (index, (workload, who, note)) in run.figures.notes().enumerate() {
        if index == 0 {
            let _ = writeln!(text, "\nRemarks (of the last round that had one):");
        }
        let _ = writeln!(text, "- {} {}: {note}", who.name(), workload.name());
    }
}

fn by_threads(run: &Run<'_>, what: &str) -> Table {
    let threads = run.options.threads();
    let names = threads.iter().map(|threads| match threads {
        1 => "1 thread".to_owned(),
        many if *many > run.machine.cores => format!("{many} (shared cores)"),
        many => many.to_string(),
    });
    new_table([what.to_owned()].into_iter().chain(names).collect())
}

fn new_table(head: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    let columns = head.len();
    table.set_header(head);
    for column in 1..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn add(table: &mut Table, name: &str, cells: impl Iterator<Item = String>) {
    table.add_row([name.to_owned()].into_iter().chain(cells));
}

fn spread(spread: Option<Spread>) -> String {
    spread.map_or(NOTHING.to_owned(), with_extent)
}

fn percentiles(
    ((middle, slow), slowest): ((Option<Spread>, Option<Spread>), Option<Spread>),
) -> String {
    let each = [middle, slow, slowest]
        .map(|one| one.map_or(NOTHING.to_owned(), |spread| duration(spread.median)));
    each.join(" / ")
}

/// A time with the unit that suits it.
pub fn duration(nanos: f64) -> String {
    match nanos {
        _ if nanos < 1e3 => format!("{nanos:.0} ns"),
        _ if nanos < 1e6 => format!("{} us", figure(nanos / 1e3)),
        _ if nanos < 1e9 => format!("{} ms", figure(nanos / 1e6)),
        _ => format!("{} s", figure(nanos / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let shown = [38.0, 1_500.0, 27_460_000.0, 2e9].map(duration);
        assert_eq!(shown, ["38 ns", "1.50 us", "27.5 ms", "2.00 s"]);
    }
}
