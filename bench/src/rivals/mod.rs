//! `rivals`: single situations, shown on both sides, in which stores of this kind behave very differently: an old reader, a
//! queue, an emptied store, the neighbour of a huge commit, many open snapshots, an iterator that sleeps, threads at one
//! key, and what a program may rely on.
//!
//! `side-by-side` compares how fast everyday work is; here is what a user meets on a bad day. `upkeep` holds our own map to
//! its promises, more closely and without anybody beside it.
//!
//! Each demonstration runs for each side in a process of its own, interleaved over the rounds. [`side`] is what a side has to
//! know, [`demonstration`] names them, the other files are one each.

mod conductor;
pub mod demonstration;
mod emptied;
mod history;
mod hot_key;
mod lifetime;
mod many_snapshots;
mod neighbour;
mod options;
mod queue;
pub mod side;
mod sleeper;
mod table;
mod ticks;

pub use demonstration::{Demonstration, Line, Size};
pub use options::Options;

use std::fs::File;
use std::io::{Write, stdout};

use serde_json::json;

use crate::program::Outcome;
use crate::report::{Machine, machine_json};

/// Tells how many bytes are allocated now.
pub type Allocated = fn() -> u64;

/// Runs the program. `allocator` is the crate of the binary's global allocator, `allocated` what it counts.
///
/// # Errors
///
/// A side of which nothing is shown, a report that cannot be written, or a demonstration that failed on one side (after all others were shown).
pub fn run(options: &Options, allocator: &str, allocated: Allocated) -> Outcome {
    options.check()?;
    if let (Some(demonstration), &[side]) = (options.demonstrate, options.sides().as_slice()) {
        for line in demonstration.show(side, Size { keys: options.keys, allocated }) {
            writeln!(stdout(), "{}", line.encode())?;
        }
        return Ok(());
    }
    let file = options.json.as_ref().map(|path| {
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
    });
    let file = file.transpose()?;
    let machine = Machine::survey(allocator);
    let shown = conductor::conduct(options)?;
    writeln!(stdout(), "{}", table::text(options, &machine, &shown))?;
    if let Some(mut file) = file {
        let report = json!({
            "program": "rivals",
            "machine": machine_json(&machine),
            "keys": options.keys,
            "rounds": options.rounds,
            "demonstrations": shown.json(),
            "failures": shown.failures,
        });
        serde_json::to_writer_pretty(&mut file, &report)?;
        file.write_all(b"\n")?;
    }
    if shown.failures.is_empty() { Ok(()) } else { Err(shown.failures.join("\n").into()) }
}
