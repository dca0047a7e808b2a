//! `durable`: what a parent on a disk costs and what it gives, beside a store without one and beside its engine used by
//! itself. See `--help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use bench::durable::{Options, run};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Options::parse(), "mimalloc") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("durable: {error}");
            ExitCode::FAILURE
        }
    }
}
