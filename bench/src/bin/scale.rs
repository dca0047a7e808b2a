//! `scale`: what more threads bring, for epoch-store and its rivals, as tables, JSON and a page with plots. See `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::scale::{Options, run};
use clap::Parser;

// The same for everybody: what a Rust service that cares for speed runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Options::parse(), "mimalloc") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scale: {error}");
            ExitCode::FAILURE
        }
    }
}
