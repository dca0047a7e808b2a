//! The side-by-side program: a parent that plans, and one child process for each contender, job,
//! case and round.
//!
//! A process of its own is what keeps contenders apart: no allocator state, no epoch collector, no
//! worker thread of one is there while another is measured. Rounds go through all contenders
//! before the next begins, so a machine that slows down slows all of them.

mod child;
mod conductor;
mod options;
mod process;
mod progress;
pub(crate) mod protocol;

use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};

pub use options::{Cases, Options, keys};
pub use process::{Ended, run_child};
pub use progress::Progress;

use crate::report::{Machine, json, table};

/// Whatever ends a run early.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Runs the program. `allocator` is the crate of the binary's global allocator, for the report.
///
/// # Errors
///
/// Options that contradict each other, a report file that cannot be written, or a contender whose
/// measurements failed (after everything else was measured and printed).
pub fn run(options: &Options, allocator: &str) -> Outcome {
    if let Some(job) = options.job {
        return child::run(job, options);
    }
    options.check()?;
    // A report that cannot be written should be known now, not after the measurements.
    let report = options.json.as_ref().map(|path| {
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
    });
    let report = report.transpose()?;

    let machine = Machine::survey(allocator);
    let results = conductor::conduct(options)?;
    let contenders = options.contenders();
    let cases: Vec<_> = options
        .cases()
        .map(|case| {
            let plan = options.plan(case, 0);
            let rows = options.rows(&plan);
            (plan, rows)
        })
        .collect();
    for (plan, rows) in &cases {
        let text = table(plan, rows, &contenders, &results, &machine);
        writeln!(stdout(), "{text}")?;
    }
    if let Some(mut report) = report {
        let all = json(&machine, options.rounds(), &contenders, &cases, &results);
        serde_json::to_writer_pretty(&mut report, &all)?;
        report.write_all(b"\n")?;
    }
    match results.failures() {
        [] => Ok(()),
        failures => Err(failures.join("\n").into()),
    }
}
