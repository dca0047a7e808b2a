//! What each command does.

mod export;
mod get;
mod import;
mod scan;
mod stat;
mod verify;

pub use export::export;
pub use get::get;
pub use import::import;
pub use scan::scan;
pub use stat::stat;
pub use verify::verify;

use crate::failure::Failure;
use engine::{Stored, StoredSpace};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

/// The path that stands for input or output.
const STREAM: &str = "-";

fn is_stream(path: &Path) -> bool {
    path == Path::new(STREAM)
}

/// A space by its name; without one, the default space.
fn space<'s>(
    stored: &'s Stored,
    name: Option<&str>,
    dir: &Path,
) -> Result<StoredSpace<'s>, Failure> {
    let Some(name) = name else { return Ok(stored.default_space()) };
    stored.find_key_space(name).ok_or_else(|| {
        Failure::NotFound(format!("{}: there is no key space {name:?}", dir.display()))
    })
}

/// Prints what `write` writes.
fn print(
    write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut output = BufWriter::new(io::stdout().lock());
    write(&mut output)?;
    output.flush().map_err(|error| Failure::of_output(&error))
}

/// Prints a line.
fn line(output: &mut impl Write, text: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(output, "{text}").map_err(|error| Failure::of_output(&error))
}

/// Says what was done, where it cannot get between what was asked for. That nobody hears it is no failure.
pub fn tell(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}
