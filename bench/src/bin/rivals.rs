//! `rivals`: situations in which stores of this kind behave very differently, shown on both sides. See `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::rivals::{Options, run};
use cap::Cap;
use clap::Parser;
use mimalloc::MiMalloc;

// Counts what is allocated, for every side alike.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

fn main() -> ExitCode {
    match run(&Options::parse(), "mimalloc", || ALLOCATOR.allocated() as u64) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rivals: {error}");
            ExitCode::FAILURE
        }
    }
}
