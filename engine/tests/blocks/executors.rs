//! Blocks on executors of several sizes.

use super::adapter::{Append, OnView, state_of, store_of};
use super::program::{Failure, Notes, Payload, Program, run};
use super::sequential::{Done, Ended, Limited, Limits, State, execute as in_order};
use engine::{
    Abort, Block, CancelHandle, Executed, Executor, Limit, MergeId, Store, TransactionError,
    TxnLogic, View,
};
use std::sync::atomic::{AtomicU32, Ordering};

/// How an executor is built.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub workers: usize,
    pub max_runs: u8,
    /// Always this far ahead; or as the executor thinks best.
    pub window: Option<u16>,
}

impl Setting {
    pub fn build(self) -> Executor {
        let builder = Executor::builder().workers(self.workers).max_runs(self.max_runs);
        match self.window {
            Some(window) => builder.window(window).fixed_pace().build(),
            None => builder.build(),
        }
    }

    /// 1 to 8 workers, 2 to 4 runs, windows of 1 to 8 or what the executor thinks best.
    pub fn random(random: &mut fastrand::Rng) -> Self {
        let window = if random.u8(..4) == 0 { None } else { Some(random.u16(1..=8)) };
        Self { workers: random.usize(1..=8), max_runs: random.u8(2..=4), window }
    }
}

/// Runs a scenario on executors of several sizes, each with a store of its own.
pub fn with_executors(scenario: impl Fn(&mut Executor, &Store)) {
    let settings = [(1, 2, None), (2, 2, None), (4, 3, None), (8, 4, None)];
    let fixed = [(1, 2, 4), (2, 2, 64), (2, 3, 2), (3, 3, 1), (4, 4, 8), (8, 3, 64)];
    let fixed = fixed.map(|(workers, max_runs, window)| (workers, max_runs, Some(window)));
    for (workers, max_runs, window) in settings.into_iter().chain(fixed) {
        let setting = Setting { workers, max_runs, window };
        println!("{setting:?}");
        scenario(&mut setting.build(), &Store::in_memory());
    }
}

/// Executes a block none of whose transactions fails, and checks how often they were run.
pub fn execute<T: Send>(
    executor: &mut Executor,
    store: &Store,
    transactions: usize,
    logic: impl Fn(u32, &mut View<'_>) -> Result<T, Abort> + Sync,
) -> Vec<T> {
    let executed = executor.execute(store, transactions, &logic).unwrap();
    assert_runs(&executed);
    assert_eq!(executed.results.len(), transactions);
    executed.results.into_iter().map(|result| result.unwrap()).collect()
}

/// All together, transactions were run no more often than they may be.
pub fn assert_runs<O, E>(executed: &Executed<O, E>) {
    let (stats, transactions) = (&executed.stats, executed.results.len() as u64);
    if executed.ended == engine::Ended::Complete {
        let most = transactions * u64::from(stats.max_runs);
        assert!((transactions..=most).contains(&stats.executions()), "{stats:?}");
    }
}

impl From<Abort> for Failure {
    fn from(abort: Abort) -> Self {
        Self::Run(abort.to_string())
    }
}

/// Programs as the logic of a block.
struct Logic<'p> {
    programs: &'p [Program],
    limits: Limits,
    cancel: CancelHandle,
    append: MergeId,
    max_runs: u32,
    runs: Vec<AtomicU32>,
    /// The index that the limit is asked about next.
    asked: AtomicU32,
}

impl TxnLogic for Logic<'_> {
    type Out = Notes;
    type Error = Failure;

    fn run(&self, index: u32, view: &mut View<'_>) -> Result<Notes, Failure> {
        let before = self.runs[index as usize].fetch_add(1, Ordering::Relaxed);
        if before >= self.max_runs {
            // Not as a panic of the transaction: that would be its result.
            eprintln!("transaction {index} is run {} times, of {}", before + 1, self.max_runs);
            std::process::abort();
        }
        let cancel = || self.cancel.cancel();
        let mut target = OnView { view, append: self.append, cancel };
        run(&self.programs[index as usize], &mut target)
    }

    fn hints(&self, index: u32, hints: &mut Vec<u64>) {
        hints.extend(self.programs[index as usize].hints.iter().copied().map(u64::from));
    }

    fn limit(&self, index: u32, result: &Result<Notes, TransactionError<Failure>>) -> Limit {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        assert_eq!(turn, index, "asked about each, once and in order");
        match (self.limits.after)(index as usize, &ended(result)) {
            Limited::Go => Limit::Go,
            Limited::StopAfter => Limit::StopAfter,
            Limited::StopBefore => Limit::StopBefore,
        }
    }
}

fn ended(result: &Result<Notes, TransactionError<Failure>>) -> Ended {
    match result {
        Ok(notes) => Ended::Returned(notes.clone()),
        Err(TransactionError::Logic(failure)) => Ended::Failed(failure.clone()),
        Err(TransactionError::Panicked(payload)) => match payload.downcast_ref::<Payload>() {
            Some(payload) => Ended::Panicked(payload.0),
            None => panic!("a panic that is no program's: {result:?}"),
        },
        Err(error) => panic!("not known: {error:?}"),
    }
}

/// Executes programs on an executor, over a store with this base, and compares all that comes of it with the oracle.
pub fn check(
    executor: &mut Executor,
    max_runs: u8,
    base: &State,
    programs: &[Program],
    limits: Limits,
) {
    let store = store_of(base);
    check_on(executor, max_runs, &store, base, programs, limits);
}

/// The same over a store that has `base` already. Returns the state after the block.
pub fn check_on(
    executor: &mut Executor,
    max_runs: u8,
    store: &Store,
    base: &State,
    programs: &[Program],
    limits: Limits,
) -> State {
    let mut builder = Block::builder(store).max_range_delete(limits.range_delete);
    let append = builder.merge_op(Append);
    let logic = Logic {
        append,
        programs,
        limits,
        cancel: executor.cancel_handle(),
        max_runs: max_runs.into(),
        runs: programs.iter().map(|_| AtomicU32::new(0)).collect(),
        asked: AtomicU32::new(0),
    };
    let version = store.version();
    let executed = executor.execute_with(&builder, programs.len(), &logic).unwrap();
    assert_runs(&executed);

    let found: Vec<_> = executed.results.iter().map(ended).collect();
    // A block that was cancelled comes to what was final by then: one could not tell in advance how much.
    let cut = executed.ended == engine::Ended::Cancelled;
    let programs = if cut { &programs[..found.len()] } else { programs };
    let expected = in_order(base, programs, limits);
    assert_eq!(found, expected.ended);
    assert_eq!(state_of(store), expected.state);
    let changed = executed.changed().iter();
    let changed: Vec<_> = changed.map(|(k, v)| (k.to_vec(), v.map(<[u8]>::to_vec))).collect();
    assert_eq!(changed, expected.changes(base));
    assert_eq!(executed.version(), store.version());
    assert_eq!(
        store.version() == version,
        changed.is_empty(),
        "one commit, if there is something to it"
    );
    let Done { state, .. } = expected;
    state
}
