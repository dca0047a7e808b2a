//! The program `executor`: the executor's rows of the targets, measured beside sequential execution and the locked baseline.
//!
//! `spot` is one place of the matrix (what transactions do, accounts, work, workers), `rows` what is asked of which spots,
//! `survey` measures all that the rows need, round by round, `text` and `json` tell it.

mod options;
mod spot;
mod direct;
mod rows;
mod survey;
mod text;
mod json;

use std::fs::File;
use std::io::{Write as _, stdout};

pub use options::Options;
pub use rows::{Judged, Limit, Quantity, Row, rows};
pub use spot::{Samples, Spot};
pub use survey::{Survey, survey};

use crate::program::Outcome;
use crate::report::Machine;
use crate::traces::load_folder;

/// Runs the program. `allocator` is the crate of the binary's global allocator, for the report.
///
/// # Errors
///
/// Options that name what is not there, a report that cannot be written, traces that cannot be read; a result that differs from
/// sequential execution, after all is printed.
pub fn run(options: &Options, allocator: &str) -> Outcome {
    options.check()?;
    let report = options.json.as_ref().map(|path| {
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
    });
    let report = report.transpose()?;
    let traces = options.traces.as_deref().map(load_folder).transpose()?.unwrap_or_default();
    let machine = Machine::survey(allocator);
    let rows = options.rows();
    let survey = survey(&rows, options, &traces)?;
    let judged: Vec<Judged> = rows.iter().map(|row| row.judge(&survey)).collect();
    write!(stdout(), "{}", text::text(&judged, &survey, options, &machine))?;
    if let Some(mut report) = report {
        let all = json::report(&judged, &survey, options, &machine);
        serde_json::to_writer_pretty(&mut report, &all)?;
        report.write_all(b"\n")?;
    }
    match &survey.differences[..] {
        [] => Ok(()),
        differences => Err(differences.join("\n").into()),
    }
}
