//! The table for people: one per key case.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_FULL;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Judgement, Machine, Results, Row, Spread, Verdict, machine};
use crate::contender::Roster;
use crate::measure::{Plan, Unit};

/// What stands where nothing was, or could be, measured.
const NOTHING: &str = "-";

/// The table of `plan`'s case: the `rows`, a column for each of the `contenders`, remarks below.
pub fn table(
    plan: &Plan,
    rows: &[Row],
    contenders: &[Roster],
    results: &Results,
    machine: &Machine,
) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_FULL).set_content_arrangement(ContentArrangement::Disabled);
    let names = contenders.iter().map(|contender| contender.name());
    let head = ["row"].into_iter().chain(names).chain(["ratio", "must", "aim", "verdict"]);
    table.set_header(head);
    for column in 1..=contenders.len() + 1 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut tally = Tally::default();
    for row in rows {
        table.add_row(line(plan, row, contenders, results, &mut tally));
    }
    let mut text = head_line(plan, machine);
    let _ = writeln!(text, "\n{table}\n");
    let _ = writeln!(text, "{}", tally.text());
    foot(plan, contenders, results, &mut text);
    text
}

fn head_line(plan: &Plan, machine: &Machine) -> String {
    format!(
        "## Case {}: {} keys, 32-byte values, {} ms a measurement\n\n\
         {machine}\n\
         Figures are medians over the rounds with min..max below. Ratios are of ours to the named \
         contender, of medians, with min..max of the rounds.\n",
        plan.case.name(),
        grouped(plan.keys as f64),
        plan.cell.as_millis(),
    )
}

fn line(
    plan: &Plan,
    row: &Row,
    contenders: &[Roster],
    results: &Results,
    tally: &mut Tally,
) -> Vec<String> {
    let unit = row.cell.unit();
    let label = match unit.name() {
        "" => row.label.clone(),
        unit => format!("{} [{unit}]", row.label),
    };
    let mut cells = vec![format!("{label}\n{}", row.id)];
    cells.extend(
        contenders.iter().map(|contender| spread(results.spread(plan.case, *contender, row.cell))),
    );
    cells.push(reference(plan, row, results));
    let judge = |demands: &[super::Demand]| -> Vec<Judgement> {
        demands.iter().map(|demand| demand.judge(plan.case, results)).collect()
    };
    let (must, aim) = (judge(&row.must), judge(&row.aim));
    cells.push(judged(&must));
    cells.push(judged(&aim));
    cells.push(verdict(&must, &aim));
    tally.count(Verdict::overall(&must), Verdict::overall(&aim));
    cells
}

fn reference(plan: &Plan, row: &Row, results: &Results) -> String {
    let Some(rival) = row.reference else { return NOTHING.to_owned() };
    match results.ratio(plan.case, (Roster::Ours, row.cell), (rival, row.cell)) {
        Some(ratio) => format!("{}x {}\n{}", figure(ratio.median), rival.name(), extent(ratio)),
        None => NOTHING.to_owned(),
    }
}

fn judged(judgements: &[Judgement]) -> String {
    if judgements.is_empty() {
        return NOTHING.to_owned();
    }
    let lines = judgements.iter().map(|one| match one.found {
        Some(found) if one.demand.unit() == Unit::Times => {
            format!("{}: {}x {}", one.demand.text(), figure(found.median), one.verdict.name())
        }
        _ => format!("{}: {}", one.demand.text(), one.verdict.name()),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn verdict(must: &[Judgement], aim: &[Judgement]) -> String {
    let word = |name: &str, judged: &[Judgement]| {
        Verdict::overall(judged).map(|verdict| format!("{name} {}", verdict.name()))
    };
    let lines: Vec<String> = [word("must", must), word("aim", aim)].into_iter().flatten().collect();
    if lines.is_empty() { NOTHING.to_owned() } else { lines.join("\n") }
}

fn foot(plan: &Plan, contenders: &[Roster], results: &Results, text: &mut String) {
    let _ = writeln!(text, "\nContenders:");
    for contender in contenders {
        let version = contender.package().and_then(machine::package_version).unwrap_or("std");
        let _ = writeln!(text, "- {} ({version}): {}", contender.name(), contender.caveat());
    }
    let _ = writeln!(text, "- memory: {}", crate::measure::MEMORY_METHOD);
    let mut notes = results.notes(plan.case).peekable();
    if notes.peek().is_some() {
        let _ = writeln!(text, "\nRemarks (of the last round that had one):");
    }
    for (cell, contender, note) in notes {
        let _ = writeln!(text, "- {} {}: {note}", contender.name(), cell.name());
    }
}

/// How many rows met what was asked.
#[derive(Default)]
struct Tally {
    must: [usize; 2],
    aim: [usize; 2],
    unknown: usize,
}

impl Tally {
    fn count(&mut self, must: Option<Verdict>, aim: Option<Verdict>) {
        for (verdict, [met, asked]) in [(must, &mut self.must), (aim, &mut self.aim)] {
            match verdict {
                Some(Verdict::Met) => (*met, *asked) = (*met + 1, *asked + 1),
                Some(Verdict::Missed) => *asked += 1,
                Some(Verdict::Unknown) => self.unknown += 1,
                None => {}
            }
        }
    }

    fn text(&self) -> String {
        let ([must, of_must], [aim, of_aim]) = (self.must, self.aim);
        format!(
            "must: {must} of {of_must} rows met; aim: {aim} of {of_aim} rows met; {} not measured",
            self.unknown
        )
    }
}

fn spread(spread: Option<Spread>) -> String {
    match spread {
        Some(spread) => format!("{}\n{}", figure(spread.median), extent(spread)),
        None => NOTHING.to_owned(),
    }
}

/// From the smallest to the largest.
pub fn extent(spread: Spread) -> String {
    format!("{}..{}", figure(spread.min), figure(spread.max))
}

/// A median with its extent behind it, where there was more than one round.
pub fn with_extent(spread: Spread) -> String {
    match spread.min == spread.max {
        true => figure(spread.median),
        false => format!("{} ({})", figure(spread.median), extent(spread)),
    }
}

/// Three digits that count, thousands grouped.
pub fn figure(number: f64) -> String {
    match number.abs() {
        size if size >= 99.95 => grouped(number),
        size if size >= 9.995 => format!("{number:.1}"),
        size if size >= 0.9995 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// A whole number with its thousands grouped.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (sign, digits) = digits.split_at(usize::from(digits.starts_with('-')));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_show_three_digits() {
        let shown = [0.0123, 0.98, 1.0, 27.46, 345.4, 1_234_567.0].map(figure);
        assert_eq!(shown, ["0.012", "0.980", "1.00", "27.5", "345", "1,234,567"]);
    }
}
