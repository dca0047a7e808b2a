//! The program `durable`: a store with a parent beside one without, and beside the parent's engine used by itself.
//!
//! `data` is what is written, `bare` the engines by themselves, `bed` the directories that all of it lies in. Measured are
//! `commits` to memory, `blocks` made durable, `reads` from memory and from below, `memory` within a budget (in a process of
//! its own), `opening`. What they find are `rows`, told by `text` and `json`.

mod options;
mod data;
mod bare;
mod bed;
mod rows;
mod commits;
mod blocks;
mod reads;
mod memory;
mod opening;
mod text;
mod json;

use std::fs::File;
use std::io::{Write as _, stdout};

pub use options::{Group, Options};
pub use rows::{Limit, Row, Rows};

use crate::program::{Outcome, Progress};
use crate::report::Machine;
use bed::Bed;

/// Runs the program. `allocator` is the crate of the binary's global allocator, for the report.
///
/// # Errors
///
/// A report or a directory that cannot be written; a store that refuses, or that does not have what was written.
pub fn run(options: &Options, allocator: &str) -> Outcome {
    if let Some(budget) = options.child {
        return memory::child(options, budget);
    }
    let report = options.json.as_ref().map(|path| {
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
    });
    let report = report.transpose()?;
    let bed = Bed::new(options.dir.as_deref())?;
    let machine = Machine::survey(allocator);
    let groups = options.groups();
    let progress = Progress::new(groups.len() * options.adapters().len());
    let mut rows = Rows::default();
    for group in groups {
        for adapter in options.adapters() {
            progress.begin(&format!("{} {}", group.name(), adapter.name()));
            match group {
                Group::Commits => commits::measure(adapter, options, &bed, &mut rows)?,
                Group::Blocks => blocks::measure(adapter, options, &bed, &mut rows)?,
                Group::Reads => reads::measure(adapter, options, &bed, &mut rows)?,
                Group::Memory => memory::measure(adapter, options, &bed, &mut rows)?,
                Group::Opening => opening::measure(adapter, options, &bed, &mut rows)?,
            }
            progress.end();
        }
    }
    progress.finish();
    write!(stdout(), "{}", text::text(&rows, options, &machine))?;
    if let Some(mut report) = report {
        serde_json::to_writer_pretty(&mut report, &json::report(&rows, options, &machine))?;
        report.write_all(b"\n")?;
    }
    Ok(())
}
