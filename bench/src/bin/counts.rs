//! `counts`: instructions that single operations of our map take, compared with recorded counts. See `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::counts::{Options, run};
use clap::Parser;

// As in the other programs: instructions of the allocator are counted too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("counts: {error}");
            ExitCode::FAILURE
        }
    }
}
