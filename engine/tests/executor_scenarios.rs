//! Blocks on the executor: the scenarios of the reference suite for schedulers, each with 1 to 8 workers, and what that
//! suite's scheduler gets wrong.

mod blocks;

use blocks::by_hand::contents;
use engine::{Abort, Executed, Executor, Store, View};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

type Run<T> = std::result::Result<T, Abort>;

/// Executes a block on executors of several sizes, each over a store of its own, and checks the bound of its runs.
fn with_executors(scenario: impl Fn(&Executor, Store)) {
    for (workers, max_runs) in [(1, 2), (2, 2), (2, 4), (4, 3), (8, 3)] {
        let executor = Executor::builder().workers(workers).max_runs(max_runs).build();
        scenario(&executor, Store::in_memory());
    }
    // Without the parallel half for short transactions, and with a window of one.
    for window in [1, 3] {
        let executor = Executor::builder().workers(3).max_runs(3).window(window).build();
        scenario(&executor, Store::in_memory());
    }
}

/// Executes a block all of whose transactions return a value.
fn execute<T: Send>(
    executor: &Executor,
    store: &Store,
    transactions: usize,
    logic: impl Fn(u32, &mut View<'_>) -> Run<T> + Sync,
) -> Vec<T> {
    let executed = executor.execute(store, transactions, &logic).unwrap();
    assert_runs(executor, &executed, transactions);
    executed.into_results().into_iter().map(|outcome| outcome.unwrap()).collect()
}

fn assert_runs<O, E>(executor: &Executor, executed: &Executed<O, E>, transactions: usize) {
    let statistics = executed.statistics();
    let most = transactions as u64 * u64::from(executor.max_runs());
    assert!(statistics.runs >= transactions as u64 && statistics.runs <= most, "{statistics:?}");
}

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

#[test]
fn h01_no_transactions() {
    with_executors(|executor, store| {
        let version = store.version();
        assert!(execute(executor, &store, 0, |_, _| Ok(())).is_empty());
        assert_eq!(store.version(), version, "an empty block is no commit");
    });
}
