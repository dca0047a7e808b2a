//! `side-by-side`: the storage rows of the targets, measured for epoch-store and its rivals in one
//! interleaved run. See `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::program::{Options, run};
use clap::Parser;

// What a Rust service that cares for speed runs with; the rivals gain more from it than we do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Options::parse(), "mimalloc") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side-by-side: {error}");
            ExitCode::FAILURE
        }
    }
}
