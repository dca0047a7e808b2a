//! The tables for people.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::Options;
use super::conductor::{AllShown, Shown};
use super::demonstration::TICK;
use crate::contender::Roster;
use crate::report::{Machine, Spread, package_version, with_extent};

/// A table for each demonstration.
pub fn text(options: &Options, machine: &Machine, all: &AllShown) -> String {
    let mut text = format!(
        "{} ({} cores), {}, {}, {}, {}, allocator {} (counting), commit {}\n\
         Medians over the rounds (min..max); rounds: {}. Every demonstration, side and round has a process of its own.\n",
        machine.cpu,
        machine.cores,
        machine.system,
        machine.rustc,
        machine.profile,
        machine.flags,
        machine.allocator,
        machine.commit,
        options.rounds,
    );
    let sides = options.sides();
    for demonstration in options.demonstrations() {
        let mut table = Table::new();
        table.load_style(ASCII_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let names = sides.iter().map(|side| {
            let version = side.package().and_then(package_version).unwrap_or("std");
            format!("{} {version}", side.name())
        });
        table.set_header([String::new()].into_iter().chain(names));
        for column in 1..=sides.len() {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for shown in all.of(demonstration) {
            let cells = sides.iter().map(|side| cell(shown, *side));
            table.add_row([label(shown)].into_iter().chain(cells));
        }
        let _ = writeln!(text, "\n## {}\n\n{table}", demonstration.title());
    }
    text
}

fn label(shown: &Shown) -> String {
    match shown.unit.as_str() {
        "" | TICK => shown.what.clone(),
        unit => format!("{} [{unit}]", shown.what),
    }
}

fn cell(shown: &Shown, side: Roster) -> String {
    match shown.spread(side) {
        None => "-".to_owned(),
        Some(spread) if shown.unit == TICK => tick(spread).to_owned(),
        Some(spread) => with_extent(spread),
    }
}

/// Right is what was right in every round.
fn tick(spread: Spread) -> &'static str {
    if spread.min == 1.0 { "yes" } else { "NO" }
}
