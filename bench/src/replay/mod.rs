//! The program `replay`: blocks of transactions on the engine, every result compared with sequential execution.
//!
//! Generated chains (`generated`) or traces of real blocks (`recorded`, and as one chain `chained`); what they find goes
//! into `findings`, and from there into tables and a report for machines. `stored` is about one generated chain on a store that
//! outlives the process.

mod options;
mod findings;
mod generated;
mod recorded;
mod chained;
mod stored;
mod table;
mod json;

use std::fs::File;
use std::io::{Write as _, stdout};

pub use findings::{Block, Chain, Course, Findings, Held, Played, Stored};
pub use options::{Hints, Options};

use crate::blocks::ours::Setting;
use crate::blocks::work::Pace;
use crate::program::Outcome;
use crate::report::Machine;
use crate::traces::load_folder;

/// Runs the program. `allocator` is the crate of the binary's global allocator, for the report.
///
/// # Errors
///
/// A trace that cannot be read, a report that cannot be written; anything that differs from sequential execution, after
/// all is printed.
pub fn run(options: &Options, allocator: &str) -> Outcome {
    // A report that cannot be written should be known now, not at the end.
    let report = options.json.as_ref().map(|path| {
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
    });
    let report = report.transpose()?;
    let traces = options.traces.as_deref().map(load_folder).transpose()?;

    let machine = Machine::survey(allocator);
    let pace = Pace::measure();
    let setting = Setting { workers: options.workers(), is_hinted: options.hints == Hints::On };
    let mut findings = Findings::default();
    match &traces {
        None if options.store.is_some() => stored::run(options, setting, &mut findings)?,
        None => generated::run(&options.plans(pace), options, setting, &mut findings)?,
        Some(traces) if options.chain => {
            chained::run(traces, options, pace, setting, &mut findings)?;
        }
        Some(traces) => recorded::run(traces, options, pace, setting, &mut findings)?,
    }
    write!(stdout(), "{}", table::text(&findings, options, &machine))?;
    if let Some(mut report) = report {
        serde_json::to_writer_pretty(&mut report, &json::report(&findings, options, &machine))?;
        report.write_all(b"\n")?;
    }
    match &findings.differences[..] {
        [] => Ok(()),
        differences => Err(differences.join("\n").into()),
    }
}
