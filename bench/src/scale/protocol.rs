//! What a child process says, a line each: `at <workload> <threads> <quantity> <number>` or `note <workload> <text>`.

use super::{Place, Quantity, Workload};

/// Something a child process found.
#[derive(Debug, PartialEq)]
pub enum Line<'a> {
    /// A measured quantity.
    Figure(Place, Quantity, f64),
    /// A remark on a workload.
    Note(Workload, &'a str),
}

/// A figure as a line.
pub fn figure(at: Place, quantity: Quantity, figure: f64) -> String {
    format!("at {} {} {} {figure}\n", at.workload.name(), at.threads, quantity.name())
}

/// A remark as a line.
pub fn note(workload: Workload, note: &str) -> String {
    format!("note {} {}\n", workload.name(), note.replace('\n', " "))
}

/// Reads a line; `None` where it is none of ours.
pub fn decode(line: &str) -> Option<Line<'_>> {
    let (kind, rest) = line.split_once(' ')?;
    let (workload, rest) = rest.split_once(' ')?;
    let workload = Workload::from_name(workload)?;
    match kind {
        "note" => Some(Line::Note(workload, rest)),
        "at" => {
            let mut words = rest.split(' ');
            let threads = words.next()?.parse().ok()?;
            let quantity = Quantity::from_name(words.next()?)?;
            let figure = words.next()?.parse().ok()?;
            let is_all = words.next().is_none();
            is_all.then_some(Line::Figure(Place { workload, threads }, quantity, figure))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_the_way() {
        let at = Place { workload: Workload::MixEven, threads: 12 };
        let text = figure(at, Quantity::Slowest, 0.1 + 0.2);
        let wanted = Line::Figure(at, Quantity::Slowest, 0.1 + 0.2);
        assert_eq!(decode(text.trim_end()), Some(wanted));
        let text = note(Workload::Beside, "two\nlines");
        assert_eq!(decode(text.trim_end()), Some(Line::Note(Workload::Beside, "two lines")));
    }

    #[test]
    fn other_lines_are_not_taken_for_figures() {
        let others =
            ["", "hello", "at gets", "at gets x rate 1", "at gets 1 rate", "at gets 1 rate 1 2"];
        for line in others {
            assert_eq!(decode(line), None, "{line}");
        }
    }
}
