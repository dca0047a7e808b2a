//! `executor`: the executor's rows of the targets, measured beside sequential execution and a locked baseline in one
//! interleaved run. See `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::executor::{Options, run};
use clap::Parser;

// The same for everybody: sequential execution allocates little, the locked baseline most.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Options::parse(), "mimalloc") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("executor: {error}");
            ExitCode::FAILURE
        }
    }
}
