//! The tables for people.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Limit, Options, Row, Rows};
use crate::adapter::Adapter;
use crate::report::{Machine, Spread, Verdict, extent, figure, grouped};

/// Everything as text.
pub fn text(rows: &Rows, options: &Options, machine: &Machine) -> String {
    let mut text = format!(
        "## Durability: {} keys of 32 bytes with values of 128, blocks of {} writes, {} rounds\n\n\
         {machine}\n\
         Figures are medians over the rounds with min..max; less is better in all rows. ratio: ours over the other; where the must \
         is >=, how many times as fast.\n\n",
        grouped(options.keys as f64),
        grouped(options.block_len() as f64),
        options.rounds,
    );
    let _ = writeln!(text, "{}\n", measured(rows));
    let judged: Vec<Verdict> = rows.iter().filter_map(Row::verdict).collect();
    let met = judged.iter().filter(|verdict| **verdict == Verdict::Met).count();
    let _ = writeln!(text, "must: {met} of {} rows met", judged.len());
    if options.adapters().len() > 1 {
        let _ = writeln!(text, "\n{}", choice(rows));
    }
    text
}

fn table(head: &[&str], right: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    for column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn measured(rows: &Rows) -> Table {
    let head = ["row", "what", "parent", "ours", "", "the other", "ratio", "must"];
    let mut table = table(&head, 3..7);
    for row in rows.iter() {
        let beside = row.beside.as_ref();
        table.add_row([
            row.id.to_owned(),
            row.label.to_owned(),
            row.adapter.name().to_owned(),
            spread(Spread::of(row.ours.clone()), row.unit),
            beside.map_or(String::new(), |(name, _)| format!("beside {name}")),
            spread(beside.and_then(|(_, samples)| Spread::of(samples.clone())), row.unit),
            spread(row.ratio(), "x"),
            must(row),
        ]);
    }
    table
}

fn spread(spread: Option<Spread>, unit: &str) -> String {
    match spread {
        Some(spread) if spread.min == spread.max => format!("{} {unit}", figure(spread.median)),
        Some(spread) => format!("{} {unit} ({})", figure(spread.median), extent(spread)),
        None => "-".to_owned(),
    }
}

fn must(row: &Row) -> String {
    let verdict = row.verdict().map_or("", Verdict::name);
    match row.must {
        Some(Limit::AtMost(most)) => format!("<= {most}x: {verdict}"),
        Some(Limit::AtLeast(least)) => format!(">= {least}x: {verdict}"),
        None => "-".to_owned(),
    }
}

/// What the choice between the adapters depends on.
const CHOICE: [(&str, &str); 8] = [
    ("durable-p50", "block made durable, p50"),
    ("durable-max", "block made durable, the longest"),
    ("pipelined", "block, pipelined"),
    ("get-below", "get of an evicted key"),
    ("scan-below", "scan of evicted keys, an entry"),
    ("disk", "on the disk, an entry"),
    ("open", "opening, a million entries"),
    ("open-budget", "opening with a budget, a million"),
];

fn choice(rows: &Rows) -> Table {
    let names = Adapter::ALL.map(Adapter::name);
    let head: Vec<&str> = ["which parent"].into_iter().chain(names).collect();
    let mut table = table(&head, 1..head.len());
    for (id, label) in CHOICE {
        let of = |adapter| {
            let row = rows.find(adapter, id)?;
            Some(spread(Spread::of(row.ours.clone()), row.unit))
        };
        let cells = Adapter::ALL.map(|adapter| of(adapter).unwrap_or_else(|| "-".to_owned()));
        table.add_row([label.to_owned()].into_iter().chain(cells));
    }
    table
}
