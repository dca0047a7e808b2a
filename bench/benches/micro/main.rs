//! `micro`: single operations under criterion, each beside its rivals, for a look while the code changes. The targets are judged
//! by `side-by-side`, which gives every contender a process of its own and goes round them; here they come one after the other.
//!
//! Criterion has the command line. What it does not know is said by the environment: [`setting`].

#![forbid(unsafe_code)]

mod setting;

mod turn;

mod points;

mod writes;

mod scans;

mod snapshots;

mod table;

mod overlay;

mod validate;

mod commit_if;

use std::process::ExitCode;
use std::time::Duration;

use bench::measure::Streams;
use criterion::Criterion;

// As in the other programs that measure.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// Not `criterion_main!`, which makes public functions without documentation.
fn main() -> ExitCode {
    let plan = match setting::plan() {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("micro: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Some sixty benchmarks: all of them in a few minutes. The command line says otherwise.
    let defaults = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
        .without_plots();
    let mut criterion = defaults.configure_from_args();
    let streams = Streams::new(plan);
    table::measure(&mut criterion, plan, &streams);
    overlay::measure(&mut criterion, plan);
    validate::measure(&mut criterion, plan);
    commit_if::measure(&mut criterion, plan, &streams);
    criterion.final_summary();
    ExitCode::SUCCESS
}
