//! What a huge commit does to those beside it: the same measurement as the rows `tail` of `side-by-side`.

use std::time::Duration;

use super::demonstration::{Line, Size};
use super::side::Side;
use crate::contender::Visitor;
use crate::measure::{Cell, Family, Findings, Job, Measure, Plan};
use crate::report::grouped;
use crate::workload::Case;

/// Makes one-key commits while a commit of three tenths of all keys is made.
pub fn neighbour<S: Side>(size: Size) -> Vec<Line> {
    let keys = size.keys as usize;
    let plan = Plan { case: Case::Prefix, keys, cell: Duration::from_millis(80), round: 0 };
    let mut found = Findings::default();
    let report = |findings| found.append(findings);
    let measure = Measure { job: Job::Stalls, wanted: &[Family::Tail], plan, report };
    measure.visit::<S>();
    let big = grouped(plan.big_commit() as f64);
    let lines = [
        (Cell::TailRaw, format!("one-key commit beside one of {big} keys: p99.9 of those made")),
        (Cell::Tail, "... p99.9, with those that would have been made".to_owned()),
        (Cell::TailMax, "... the longest".to_owned()),
        (Cell::TailCommit, "... the huge commit itself".to_owned()),
    ];
    let figure = |wanted: Cell| {
        found.figures.iter().find(|(cell, _)| *cell == wanted).map(|(_, figure)| *figure)
    };
    lines.into_iter().filter_map(|(cell, what)| Some(Line::of(what, figure(cell)?, "us"))).collect()
}
