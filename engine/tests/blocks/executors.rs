//! Executors of several sizes, and blocks on them.

use engine::{Abort, Executor, Store, View};

/// Executes a scenario on executors of several sizes, each with a store of its own.
pub fn with_executors(scenario: impl Fn(&Executor, &Store)) {
    for (workers, max_runs) in [(1, 2), (2, 2), (2, 4), (4, 3), (8, 3)] {
        let executor = Executor::builder().workers(workers).max_runs(max_runs).build().unwrap();
        scenario(&executor, &Store::in_memory());
    }
    for window in [1, 3] {
        let executor = Executor::builder().workers(3).max_runs(3).window(window).build().unwrap();
        scenario(&executor, &Store::in_memory());
    }
}

/// Executes a block none of whose transactions fails.
pub fn execute<T: Send>(
    executor: &Executor,
    store: &Store,
    transactions: usize,
    logic: impl Fn(u32, &mut View<'_>) -> Result<T, Abort> + Sync,
) -> Vec<T> {
    todo!()
}
