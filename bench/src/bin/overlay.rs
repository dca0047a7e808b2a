//! `overlay`: layers of uncommitted writes beside a cache layer of the kind that chains use. See `--help`.

#![forbid(unsafe_code)]

use bench::layers::{Measured, ROWS, measure};
use clap::Parser;
use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Iterators, reads, flushes and frames of overlays, and of a locked cache: nanoseconds, median (min..max).
#[derive(Debug, Parser)]
struct Options {
    /// Samples of each row.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Groups of rows to measure: open, get, flush, frame [default: all].
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let is_known = |name: &String| ROWS.iter().any(|row| row.group == name);
    if let Some(unknown) = options.only.iter().find(|name| !is_known(name)) {
        eprintln!("overlay: there is no group {unknown:?}; there are open, get, flush and frame");
        return ExitCode::FAILURE;
    }
    let is_wanted =
        |group: &str| options.only.is_empty() || options.only.iter().any(|only| only == group);
    let measured = measure(options.rounds.max(1), is_wanted);
    println!("{:<70} {:>28} {:>34} {:>12}", "ns", "ours", "locked cache", "cache/ours");
    for row in &measured {
        println!("{:<70} {:>28} {:>34} {:>11.1}x", row.row.what, row.ours, row.cache, row.ratio());
    }
    let open: Vec<&Measured> = measured.iter().filter(|row| row.row.group == "open").collect();
    if let [few, many] = open[..] {
        let (ours, cache) = many.over(few);
        println!(
            "opening over 100,000 keys over opening over 1,000: ours {ours:.2}x (must: 2), cache {cache:.1}x"
        );
    }
    ExitCode::SUCCESS
}
