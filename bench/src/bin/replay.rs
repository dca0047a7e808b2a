//! `replay`: blocks of transactions, generated or real, executed by the engine and compared with sequential execution. See
//! `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::replay::{Options, run};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Options::parse(), "mimalloc") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}
