//! The baseline says what sequential execution says: a rival that is wrong is no rival.

use clap::ValueEnum;

use super::*;
use crate::blocks::sequential::{self, Ordered, Reference};
use crate::blocks::work::Pace;
use crate::blocks::workload::{Plan, Workload};

fn plan(workload: Workload, seed: u64) -> Plan {
    let accounts = 2 + seed % 30;
    let pace = Pace::fixed(10.0);
    Plan { workload, accounts, transactions: 120, ballast: 20, seed, micros: 1.0, pace }
}

#[test]
fn equals_sequential_execution_with_any_number_of_threads() {
    for seed in 0..12 {
        for workload in Workload::value_variants() {
            let plan = plan(*workload, seed);
            let base = plan.base();
            let (store, mut reference) = (LockedStore::load(&base), Ordered::load(&base));
            for number in 0..2 {
                let block = plan.block(number);
                let (outs, runs) = execute(&store, &block, 1 + seed as usize % 4);
                let wanted = sequential::execute(&block, &mut reference);
                assert_eq!(outs, wanted, "{workload:?}, seed {seed}, block {number}");
                assert!(runs.executions >= 120);
            }
            assert_eq!(store.entries(), reference.entries(), "{workload:?}, seed {seed}");
        }
    }
}

#[test]
fn an_empty_block_ends() {
    let store = LockedStore::load(&[]);
    let block = crate::blocks::program::Block::new(0);
    assert_eq!(execute(&store, &block, 3).0, Vec::<u64>::new());
}
