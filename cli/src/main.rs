//! `engine`: looks into stores that are kept on a disk, and makes and restores their backups. See `--help`.
//!
//! Ends with 0 if it did what was asked; 1 if there is no such thing, or what is there is damaged; 2 if the question was
//! wrong, or could not be answered.

#![forbid(unsafe_code)]

mod arguments;
mod bytes;
mod failure;
mod place;
mod progress;
mod commands;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        // Whoever read the output has heard enough.
        Ok(()) | Err(Failure::Unheard) => ExitCode::SUCCESS,
        Err(failure) => {
            commands::tell(format_args!("engine: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Stat(stat) => commands::stat(stat),
        Command::Get(get) => commands::get(get),
        Command::Scan(scan) => commands::scan(scan),
        Command::Export(export) => commands::export(export),
        Command::Import(import) => commands::import(import),
        Command::Verify(verify) => commands::verify(verify),
    }
}
