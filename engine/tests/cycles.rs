//! Serializable transactions leave no cycle of dependencies, and the checker finds the cycles that there are.
//!
//! `CYCLES_ROUNDS` sets how many histories are made, `SEED` repeats a run.

// A file of the same name stands beside this one, so the path must be said.
#[path = "cycles/mod.rs"]
mod cycles;
mod rng;

use cycles::check::{Dependency, Kind, check};
use cycles::faults::{self, Fault};
use cycles::record::{Shape, run};
use engine::Isolation;
use rng::random;

fn shape(isolation: Isolation, rng: &mut fastrand::Rng) -> Shape {
    let (threads, keys) = (rng.usize(2..=4), [4, 12, 40][rng.usize(..3)]);
    Shape { isolation, threads, transactions: 400 / threads, keys, seed: rng.u64(..) }
}

fn rounds() -> usize {
    let given = std::env::var("CYCLES_ROUNDS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(20)
}

#[test]
fn serializable_histories_have_no_cycles() {
    let mut rng = random();
    let (mut transactions, mut dependencies, mut conflicts) = (0, 0, 0);
    for _ in 0..rounds() {
        let shape = shape(Isolation::Serializable, &mut rng);
        let (history, refused) = run(&shape);
        let report = check(&history);
        if let Some(first) = report.violations.first() {
            let (count, first) = (report.violations.len(), first.explain(&history));
            panic!("{count} violations in {shape:?}; the first: {first}");
        }
        transactions += report.transactions;
        dependencies += report.dependencies;
        conflicts += refused;
    }
    println!("{transactions} transactions, {conflicts} conflicts, {dependencies} dependencies");
    assert!(conflicts > 0, "the transactions never met");
}

#[test]
fn under_snapshot_isolation_write_skew_is_found_and_nothing_worse() {
    let mut rng = random();
    let (mut skews, mut phantoms) = (0, 0);
    for _ in 0..rounds() {
        let mut shape = shape(Isolation::Snapshot, &mut rng);
        shape.keys = shape.keys.min(12);
        let (history, _) = run(&shape);
        for violation in check(&history).violations {
            let allowed = violation.kind == Kind::SeveralAnti;
            assert!(allowed, "{} in {shape:?}", violation.explain(&history));
            skews += 1;
            let in_range = violation.cycle.iter().any(|(_, why)| *why == Dependency::RwInRange);
            phantoms += usize::from(in_range);
        }
    }
    println!("{skews} cycles of write skew, {phantoms} of them through a range");
    assert!(skews > 0 && phantoms > 0, "under snapshot isolation there must be some");
}

#[test]
fn each_fault_that_is_seeded_is_found() {
    /// Histories that are damaged by each fault.
    const WANTED: usize = 3;
    let mut rng = random();
    for fault in Fault::ALL {
        let mut seeded = 0;
        for _ in 0..100 {
            let (mut history, _) = run(&shape(Isolation::Serializable, &mut rng));
            if !faults::seed(&mut history, fault, &mut rng) {
                continue;
            }
            let report = check(&history);
            let expected = match fault {
                Fault::DirtyRead => Kind::UnknownValue,
                Fault::SharedVersion => Kind::DuplicateVersion,
                Fault::LostUpdate | Fault::ReadSkew | Fault::Phantom => Kind::SingleAnti,
                Fault::Order => Kind::CircularFlow,
            };
            let first = report.violations.first().map(|first| first.explain(&history));
            assert!(report.has(&expected), "{fault:?} leads to {first:?}");
            seeded += 1;
            if seeded == WANTED {
                break;
            }
        }
        assert_eq!(seeded, WANTED, "{fault:?}");
    }
}
