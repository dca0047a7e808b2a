//! What a child process says on its standard output, a line each: `figure <cell> <number>` or
//! `note <cell> <text>`.

use std::fmt::Write as _;

use crate::measure::{Cell, Findings};

/// Something a child process found.
#[derive(Debug, PartialEq)]
pub enum Line<'a> {
    /// A measured quantity.
    Figure(Cell, f64),
    /// A remark on one.
    Note(Cell, &'a str),
}

/// Writes findings as lines.
pub fn encode(findings: &Findings) -> String {
    let mut text = String::new();
    for (cell, figure) in &findings.figures {
        let _ = writeln!(text, "figure {} {figure}", cell.name());
    }
    for (cell, note) in &findings.notes {
        let _ = writeln!(text, "note {} {}", cell.name(), note.replace('\n', " "));
    }
    text
}

/// Reads a line; `None` where it is none of ours.
pub fn decode(line: &str) -> Option<Line<'_>> {
    let (kind, rest) = line.split_once(' ')?;
    let (cell, rest) = rest.split_once(' ')?;
    let cell = Cell::from_name(cell)?;
    match kind {
        "figure" => Some(Line::Figure(cell, rest.parse().ok()?)),
        "note" => Some(Line::Note(cell, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_survive_the_way() {
        let mut findings = Findings::default();
        findings.figure(Cell::Get, 0.1 + 0.2);
        findings.note(Cell::Scan, "two\nlines");
        let text = encode(&findings);
        let lines: Vec<_> = text.lines().map(|line| decode(line).unwrap()).collect();
        assert_eq!(
            lines,
            [Line::Figure(Cell::Get, 0.1 + 0.2), Line::Note(Cell::Scan, "two lines")]
        );
    }

    #[test]
    fn other_lines_are_not_taken_for_findings() {
        for line in ["", "hello", "figure get_ns", "figure no_such_cell 1", "figure get_ns one"] {
            assert_eq!(decode(line), None, "{line}");
        }
    }
}
