//! `scale`: what more threads bring, for every contender and kind of work.
//!
//! The same program for two cores and for sixty-four: threads go from one to all cores in doublings, and once to twice as
//! many. A parent starts one child process for each contender and round ([`child`]); a child loads the map once and measures
//! every workload with every number of threads. What comes of it is printed as tables, and written as JSON and as
//! one page of HTML with its plots inside ([`page`]).
//!
//! [`workload`] is what is asked, [`operations`] how a thread asks it, [`stopwatch`] how the time is taken, [`figures`] what
//! was found.

pub mod child;
mod conductor;
pub mod figures;
mod json;
pub mod operations;
mod options;
pub mod page;
mod protocol;
pub mod stopwatch;
mod table;
pub mod workload;

pub use figures::{Figures, Place, Quantity};
pub use options::Options;
pub use workload::Workload;

use std::fs::File;
use std::io::{Write, stdout};
use std::path::Path;

use crate::contender::Roster;
use crate::program::Outcome;
use crate::report::{Machine, Spread};

/// All that the reports are made from.
pub struct Run<'a> {
    /// Where and with what it was measured.
    pub machine: Machine,
    /// What was asked for.
    pub options: &'a Options,
    /// What was found.
    pub figures: Figures,
}

impl Run<'_> {
    /// What our map counted, by number of threads: each count that was ever above zero.
    fn frictions(&self) -> Vec<(Workload, Quantity, Vec<Option<Spread>>)> {
        let mut counts = Vec::new();
        for workload in self.options.workloads() {
            for quantity in Quantity::FRICTIONS {
                let at = |threads| Place { workload, threads };
                let of = |threads| self.figures.spread(at(threads), quantity, Roster::Ours);
                let found: Vec<Option<Spread>> =
                    self.options.threads().into_iter().map(of).collect();
                if found.iter().flatten().any(|spread| spread.max > 0.0) {
                    counts.push((workload, quantity, found));
                }
            }
        }
        counts
    }
}

/// Runs the program. `allocator` is the crate of the binary's global allocator, for the reports.
///
/// # Errors
///
/// Options that contradict each other, a report that cannot be written, or a contender whose measurements failed (after
/// everything else was measured and reported).
pub fn run(options: &Options, allocator: &str) -> Outcome {
    if let Some(part) = options.part {
        return child::run(part, options);
    }
    options.check()?;
    // A report that cannot be written should be known now, not after the measurements.
    let json_file = options.json.as_deref().map(create).transpose()?;
    let html_file = options.html.as_deref().map(create).transpose()?;

    let machine = Machine::survey(allocator);
    let figures = conductor::conduct(options)?;
    let run = Run { machine, options, figures };
    writeln!(stdout(), "{}", table::text(&run))?;
    if let Some(mut file) = json_file {
        serde_json::to_writer_pretty(&mut file, &json::report(&run))?;
        file.write_all(b"\n")?;
    }
    if let Some(mut file) = html_file {
        file.write_all(page::html(&run).as_bytes())?;
    }
    match run.figures.failures() {
        [] => Ok(()),
        failures => Err(failures.join("\n").into()),
    }
}

fn create(path: &Path) -> Outcome<File> {
    File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()).into())
}
