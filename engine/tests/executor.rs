//! Blocks run by the executor, beside the same transactions run one after the other.

use engine::{
    Abort, Block, Delta, Ended, Error, Executor, Limit, MergeId, Store, TransactionError, TxnLogic,
    View, execute_block,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What a transaction does with its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Moves coins from the first to the second.
    Transfer,
    /// Sums up the accounts from the first to the second.
    Sum,
    /// Deletes the second.
    Delete,
    /// Fails if the first has an odd number of coins.
    Fail,
    /// Panics if it has.
    Panic,
}

#[derive(Debug, Clone, Copy)]
struct Txn {
    deed: Deed,
    keys: (u8, u8),
    work: u32,
}

fn coins(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

fn run(txn: &Txn, view: &mut View<'_>) -> Result<u64, String> {
    let told = |abort: Abort| abort.to_string();
    let (from, to) = ([txn.keys.0], [txn.keys.1]);
    let own = coins(view.get(from).map_err(told)?);
    (0..txn.work).for_each(|_| std::hint::spin_loop());
    match txn.deed {
        Deed::Transfer => {
            view.put(from, (own.wrapping_sub(1)).to_be_bytes()).map_err(told)?;
            let other = coins(view.get(to).map_err(told)?);
            view.put(to, (other.wrapping_add(1)).to_be_bytes()).map_err(told)?;
        }
        Deed::Sum => {
            let mut sum = own;
            for entry in view.range([txn.keys.0]..=[txn.keys.0.max(txn.keys.1)]) {
                sum = sum.wrapping_add(coins(Some(entry.map_err(told)?.1)));
            }
            view.put(to, sum.to_be_bytes()).map_err(told)?;
        }
        Deed::Delete => view.delete(to).map_err(told)?,
        Deed::Fail | Deed::Panic if own % 2 == 1 => {
            view.put(to, [0; 8]).map_err(told)?;
            if txn.deed == Deed::Panic {
                std::panic::panic_any(own);
            }
            return Err(format!("odd: {own}"));
        }
        Deed::Fail | Deed::Panic => view.put(to, own.to_be_bytes()).map_err(told)?,
    }
    Ok(own)
}

struct Logic(Vec<Txn>);

/// Text, as an error that an abort can become.
#[derive(Debug, PartialEq, Eq)]
struct Failure(String);

impl From<Abort> for Failure {
    fn from(abort: Abort) -> Self {
        Self(abort.to_string())
    }
}

impl TxnLogic for Logic {
    type Out = u64;
    type Error = Failure;

    fn run(&self, index: u32, view: &mut View<'_>) -> Result<u64, Failure> {
        run(&self.0[index as usize], view).map_err(Failure)
    }
}

/// What a transaction came to, for comparison.
fn told(result: &Result<u64, TransactionError<Failure>>) -> String {
    match result {
        Ok(out) => format!("ok {out}"),
        Err(TransactionError::Logic(Failure(error))) => error.clone(),
        Err(TransactionError::Panicked(payload)) => {
            format!("panicked {}", payload.downcast_ref::<u64>().expect("its payload"))
        }
        Err(_) => unreachable!(),
    }
}

/// The same one after the other, over a plain map.
fn sequential(txns: &[Txn], state: &mut BTreeMap<u8, u64>) -> Vec<String> {
    let mut run = |txn: &Txn| {
        let (from, to) = txn.keys;
        let get = |state: &BTreeMap<u8, u64>, key| state.get(&key).copied().unwrap_or(0);
        let own = get(state, from);
        match txn.deed {
            Deed::Transfer => {
                state.insert(from, own.wrapping_sub(1));
                let other = get(state, to);
                state.insert(to, other.wrapping_add(1));
            }
            Deed::Sum => {
                let sum = state.range(from..=from.max(to)).map(|(_, &coins)| coins);
                let sum = sum.fold(own, u64::wrapping_add);
                state.insert(to, sum);
            }
            Deed::Delete => drop(state.remove(&to)),
            Deed::Fail if own % 2 == 1 => return format!("odd: {own}"),
            Deed::Panic if own % 2 == 1 => return format!("panicked {own}"),
            Deed::Fail | Deed::Panic => drop(state.insert(to, own)),
        }
        format!("ok {own}")
    };
    txns.iter().map(&mut run).collect()
}

fn block(rng: &mut fastrand::Rng, count: usize, keys: u8) -> Vec<Txn> {
    let deeds = [Deed::Transfer, Deed::Transfer, Deed::Sum, Deed::Delete, Deed::Fail, Deed::Panic];
    let mut txn = || Txn {
        deed: deeds[rng.usize(..deeds.len())],
        keys: (rng.u8(1..=keys), rng.u8(1..=keys)),
        work: if rng.u8(..8) == 0 { rng.u32(..5_000) } else { 0 },
    };
    (0..count).map(|_| txn()).collect()
}

fn silent() {
    std::panic::set_hook(Box::new(|_| ()));
}

fn executors() -> Vec<Executor> {
    let fixed = |workers, window, runs| {
        Executor::builder().workers(workers).window(window).max_runs(runs).fixed_pace().build()
    };
    vec![
        Executor::new(1),
        Executor::new(2),
        Executor::new(4),
        fixed(2, 1, 2),
        fixed(2, 3, 2),
        fixed(3, 8, 3),
        fixed(8, 64, 4),
    ]
}

#[test]
fn results_state_and_errors_are_those_of_running_in_order() {
    silent();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for executor in &mut executors() {
        let store = Store::in_memory();
        let mut state = BTreeMap::new();
        for round in 0..25 {
            let keys = [1, 2, 4, 12, 100][round % 5];
            let txns = block(&mut rng, 1 + round * 6, keys);
            let expected = sequential(&txns, &mut state);
            let logic = Logic(txns);
            let executed = executor.execute(&store, logic.0.len(), &logic).unwrap();
            let found: Vec<_> = executed.results.iter().map(told).collect();
            assert_eq!(found, expected, "seed {seed}, {executor:?}, round {round}");
            let stored: BTreeMap<u8, u64> = store
                .snapshot()
                .iter()
                .map(|entry| {
                    let (key, value) = entry.unwrap();
                    (key[0], coins(Some(&value)))
                })
                .collect();
            assert_eq!(stored, state, "seed {seed}, {executor:?}, round {round}");
            assert!(
                executed.stats.executions()
                    <= executed.results.len() as u64 * u64::from(executed.stats.max_runs)
            );
        }
    }
}

#[test]
fn merges_are_added_up_and_read_by_others() {
    for executor in &mut executors() {
        let store = Store::in_memory();
        let logic = |index: u32, view: &mut View<'_>| -> Result<Option<u64>, Abort> {
            view.merge(MergeId::ADD_U64, "pot", Delta::plus(1_u64))?;
            if index % 10 == 9 {
                return Ok(Some(coins(view.get("pot")?)));
            }
            Ok(None)
        };
        let executed = executor.execute(&store, 500, &logic).unwrap();
        for (index, result) in executed.results.iter().enumerate() {
            let expected = (index % 10 == 9).then_some(index as u64 + 1);
            assert_eq!(*result.as_ref().unwrap(), expected);
        }
        assert_eq!(coins(Some(&store.snapshot().get("pot").unwrap().unwrap())), 500);
    }
}

#[test]
fn blocks_of_no_transactions_and_of_fewer_than_workers() {
    for executor in &mut executors() {
        let store = Store::in_memory();
        for count in [0, 1, 2, 3] {
            let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> {
                view.put([count, index as u8], "v")
            };
            let executed = executor.execute(&store, count.into(), &logic).unwrap();
            assert_eq!(
                (executed.results.len(), executed.changed().len()),
                (count.into(), count.into())
            );
            assert_eq!(executed.ended, Ended::Complete);
        }
    }
}

#[test]
fn a_million_transactions() {
    let store = Store::in_memory();
    let logic = |index: u32, view: &mut View<'_>| -> Result<u32, Abort> {
        if index.is_multiple_of(1_000) {
            view.put(index.to_be_bytes(), "v")?;
        }
        Ok(index)
    };
    let executed = Executor::new(2).execute(&store, 1_000_000, &logic).unwrap();
    assert!(
        executed.results.iter().enumerate().all(|(at, out)| *out.as_ref().unwrap() == at as u32)
    );
    assert_eq!(executed.changed().len(), 1_000);
}

#[test]
fn limits_count_in_order_and_only_once() {
    struct Gas {
        left: AtomicU32,
        last: Limit,
    }
    impl TxnLogic for Gas {
        type Out = u32;
        type Error = Abort;
        fn run(&self, index: u32, view: &mut View<'_>) -> Result<u32, Abort> {
            let used = view.get("used")?.map_or(0, |used| used[0]);
            view.put("used", [used + 1])?;
            view.put([index as u8], "v")?;
            Ok(used.into())
        }
        fn limit(&self, _: u32, outcome: &Result<u32, TransactionError<Abort>>) -> Limit {
            assert!(outcome.is_ok());
            let left = self.left.fetch_sub(1, Ordering::Relaxed);
            if left == 1 { self.last } else { Limit::Go }
        }
    }
    for executor in &mut executors() {
        for (last, count) in [(Limit::StopAfter, 50), (Limit::StopBefore, 49)] {
            let store = Store::in_memory();
            let gas = Gas { left: AtomicU32::new(50), last };
            let executed = executor.execute(&store, 200, &gas).unwrap();
            assert_eq!((executed.results.len(), executed.ended), (count, Ended::Limit));
            assert_eq!(store.snapshot().get("used").unwrap().unwrap(), [count as u8]);
            assert_eq!(store.snapshot().len().unwrap(), count + 1);
        }
    }
}

#[test]
fn a_transaction_that_reads_for_ever_has_an_error_and_the_others_go_on() {
    for executor in &mut executors() {
        let store = Store::in_memory();
        let builder = Block::builder(&store).read_budget(1_000);
        let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> {
            view.put([index as u8], "v")?;
            if index == 7 {
                // Swallows what it is told, and says that all is well.
                while view.ended().is_none() {
                    let _swallowed = view.get("k");
                }
            }
            Ok(())
        };
        let executed = executor.execute_with(&builder, 20, &logic).unwrap();
        let error = executed.results[7].as_ref().unwrap_err();
        assert!(matches!(error, TransactionError::Logic(Abort::ReadBudget { max: 1_000 })));
        assert_eq!(executed.changed().len(), 19);
    }
}

#[test]
fn cancelled_from_outside_in_the_middle_of_a_transaction() {
    for executor in &mut executors() {
        let store = Store::in_memory();
        let cancel = executor.cancel_handle();
        let is_there = AtomicBool::new(false);
        let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> {
            view.put([index as u8], "v")?;
            if index == 60 {
                is_there.store(true, Ordering::Relaxed);
                while !view.should_stop() {
                    std::thread::yield_now();
                }
            }
            Ok(())
        };
        let executed = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_there.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                cancel.cancel();
            });
            executor.execute(&store, 200, &logic).unwrap()
        });
        assert_eq!(executed.ended, Ended::Cancelled);
        assert!(executed.results.len() <= 60, "{}", executed.results.len());
        assert_eq!(executed.changed().len(), executed.results.len());
        let again =
            |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "w") };
        assert_eq!(
            executor.execute(&store, 100, &again).unwrap().results.len(),
            100,
            "the next block runs"
        );
    }
}

#[test]
fn a_panic_of_the_hooks_is_the_caller_s_and_nothing_is_committed() {
    silent();
    struct Hooks(&'static str);
    impl TxnLogic for Hooks {
        type Out = ();
        type Error = Abort;
        fn run(&self, index: u32, view: &mut View<'_>) -> Result<(), Abort> {
            view.put([index as u8], "v")
        }
        fn hints(&self, index: u32, _: &mut Vec<u64>) {
            assert!(self.0 != "hints" || index != 30, "on purpose");
        }
        fn limit(&self, index: u32, _: &Result<(), TransactionError<Abort>>) -> Limit {
            assert!(self.0 != "limit" || index != 30, "on purpose");
            Limit::Go
        }
    }
    for executor in &mut executors() {
        let store = Store::in_memory();
        for hook in ["hints", "limit"] {
            let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                executor.execute(&store, 100, &Hooks(hook)).map(|executed| executed.results.len())
            }));
            assert!(unwound.is_err(), "{hook}");
        }
        assert!(store.snapshot().is_empty().unwrap());
        assert_eq!(executor.execute(&store, 100, &Hooks("")).unwrap().results.len(), 100);
    }
}

#[test]
fn values_of_outcomes_are_dropped_once_each() {
    static ALIVE: AtomicU32 = AtomicU32::new(0);
    struct Token;
    impl Token {
        fn new() -> Self {
            ALIVE.fetch_add(1, Ordering::Relaxed);
            Self
        }
    }
    impl Drop for Token {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    for executor in &mut executors() {
        let logic = |index: u32, view: &mut View<'_>| -> Result<Token, Abort> {
            let token = Token::new();
            let count = coins(view.get("k")?);
            view.put("k", (count + 1).to_be_bytes())?;
            if index.is_multiple_of(7) { Err(Abort::Inconsistent) } else { Ok(token) }
        };
        let executed = executor.execute(&Store::in_memory(), 300, &logic).unwrap();
        assert_eq!(ALIVE.load(Ordering::Relaxed), executed.results.iter().flatten().count() as u32);
        drop(executed);
        assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_block_that_was_touched_is_refused() {
    let store = Store::in_memory();
    let logic = |_: u32, _: &mut View<'_>| -> Result<(), Abort> { Ok(()) };
    let block = store.block(3).unwrap();
    block.truncate(1);
    assert!(matches!(Executor::new(1).run(block, &logic), Err(Error::BlockInUse)));
    let executed = Executor::new(1).execute(&store, usize::MAX, &logic);
    assert!(matches!(executed, Err(Error::BlockTooLarge { .. })));
}

#[test]
fn a_run_can_be_dropped_and_its_keys_are_named() {
    let store = Store::in_memory();
    let mut executor = Executor::builder().workers(2).window(64).fixed_pace().build();
    let logic = |_: u32, view: &mut View<'_>| -> Result<(), Abort> {
        let hot = coins(view.get("hot")?);
        std::thread::sleep(Duration::from_micros(50));
        view.put("hot", (hot + 1).to_be_bytes())
    };
    let run = executor.run(store.block(200).unwrap(), &logic).unwrap();
    assert!(run.stats.aborts() > 0, "{}", run.stats);
    assert_eq!(
        (&run.stats.hottest_keys[0].key[..], run.stats.hottest_keys.len()),
        (&b"hot"[..], 1)
    );
    assert!(run.stats.hottest_keys[0].conflicts <= run.stats.aborts());
    drop(run);
    assert!(store.snapshot().is_empty().unwrap());
}

#[test]
fn two_workers_share_long_transactions() {
    let store = Store::in_memory();
    let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> {
        std::thread::sleep(Duration::from_millis(1));
        view.put(index.to_be_bytes(), "v")
    };
    let began = Instant::now();
    execute_block(&store, &[(); 100], 4, |index, (), view| logic(index, view)).unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(80),
        "{:?}, 100 ms of sleep shared by four",
        began.elapsed()
    );
}
