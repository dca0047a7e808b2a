//! `upkeep`: removal of dead keys, growth, release of snapshots: what was seen beside what is promised. See `--help`.

#![forbid(unsafe_code)]

use bench::upkeep::{ALL, Size};
use cap::Cap;
use clap::Parser;
use mimalloc::MiMalloc;
use std::process::ExitCode;

// Counts what is allocated: memory after removal is told exactly.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// What the map does besides reading and writing.
#[derive(Debug, Parser)]
struct Options {
    /// Keys, pops and versions.
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Demonstrations to run, by name [default: all].
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let known = |name: &String| ALL.iter().any(|(known, _)| known == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("upkeep: there is no demonstration {unknown:?}; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let size = Size { keys: options.keys.max(2_000), allocated: || ALLOCATOR.allocated() as u64 };
    let mut short = 0;
    for (name, run) in ALL {
        if options.only.is_empty() || options.only.iter().any(|only| only == name) {
            println!("# {name}");
            for line in run(size) {
                short += usize::from(line.is_short());
                println!("{line}");
            }
        }
    }
    println!("{short} lines short of what is promised");
    ExitCode::SUCCESS
}
