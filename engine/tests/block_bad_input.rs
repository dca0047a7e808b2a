//! Transactions and blocks that are wrong: what is wrong with one is told at its index, and the others, the store and the
//! executor go on as if nothing had happened.

mod blocks;

use blocks::by_hand::{contents, store, write};
use blocks::executors::{assert_runs, with_executors};
use engine::{
    Abort, Block, Ended, Error, Executor, Limit, MAX_KEY_LEN, Store, TransactionError, TxnLogic,
    View,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

type Run<T> = Result<T, Abort>;
type Outcome<T> = Result<T, TransactionError<Abort>>;

const TRANSACTIONS: u32 = 60;

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

/// Counts one further, in a chain through all transactions of a block.
fn count(view: &mut View<'_>) -> Run<u64> {
    let count = number(view.get("count")?);
    view.put("count", (count + 1).to_be_bytes())?;
    Ok(count)
}

/// Panics without the hook that prints.
fn panic_silently(text: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(text))
}

/// Executes a block in which every sixth transaction is bad, and the others count; then one more, of good ones.
fn among_good_ones(
    bad: impl Fn(u32, &mut View<'_>) -> Run<u64> + Sync,
    told: impl Fn(&Outcome<u64>) -> bool,
) {
    with_executors(|executor, store| {
        let is_bad = |index: u32| index % 6 == 3;
        let logic = |index: u32, view: &mut View<'_>| {
            if is_bad(index) {
                view.put("of a bad one", "v")?;
                return bad(index, view);
            }
            count(view)
        };
        let builder = Block::builder(store).read_budget(1_000).max_range_delete(3);
        let executed = executor.execute_with(&builder, TRANSACTIONS as usize, &logic).unwrap();
        assert_runs(&executed);
        let mut counted = 0;
        for (index, result) in (0..).zip(&executed.results) {
            if is_bad(index) {
                assert!(told(result), "{index}: {result:?}");
            } else {
                assert_eq!(*result.as_ref().unwrap(), counted, "{index}");
                counted += 1;
            }
        }
        assert_eq!(store.snapshot().len().unwrap(), 1, "of those that failed nothing is there");

        let good = |_: u32, view: &mut View<'_>| count(view);
        let results = executor.execute(store, 10, &good).unwrap().results;
        assert_eq!(*results[9].as_ref().unwrap(), counted + 9);
    });
}

#[test]
fn transactions_that_panic() {
    among_good_ones(
        |_, _| panic_silently("on purpose"),
        |result| match result {
            Err(TransactionError::Panicked(payload)) => {
                *payload.downcast_ref::<&str>().unwrap() == "on purpose"
            }
            _ => false,
        },
    );
}

#[test]
fn transactions_that_panic_in_the_middle_of_an_iteration() {
    among_good_ones(
        |_, view| {
            view.put("another", "v")?;
            let mut range = view.range(..);
            match range.next() {
                Some(_) => panic_silently("within"),
                None => Ok(0),
            }
        },
        |result| matches!(result, Err(TransactionError::Panicked(_))),
    );
}

#[test]
fn transactions_that_read_for_ever() {
    let is_told = |result: &Outcome<u64>| {
        matches!(result, Err(TransactionError::Logic(Abort::ReadBudget { max: 1_000 })))
    };
    among_good_ones(
        |_, view| loop {
            view.get("of nobody")?;
        },
        is_told,
    );
    among_good_ones(
        |_, view| loop {
            view.range(..).try_for_each(|entry| entry.map(|_| ()))?;
        },
        is_told,
    );
    // One that swallows the error ends the loop at last, and its outcome is the error all the same.
    among_good_ones(
        |_, view| {
            (0..2_000).for_each(|_| _ = view.contains("of nobody"));
            Ok(0)
        },
        is_told,
    );
}

#[test]
fn transactions_that_open_ranges_for_ever_and_read_none() {
    among_good_ones(
        |_, view| {
            (0..5_000).for_each(|_| drop(view.range("a".."z")));
            Err(Abort::Inconsistent)
        },
        |result| matches!(result, Err(TransactionError::Logic(Abort::Inconsistent))),
    );
}

#[test]
fn transactions_that_name_keys_which_cannot_be() {
    let too_long = vec![b'k'; MAX_KEY_LEN + 1];
    let is_empty = |result: &Outcome<u64>| {
        matches!(result, Err(TransactionError::Logic(Abort::Map(epoch_store::Error::EmptyKey))))
    };
    let is_too_long = |result: &Outcome<u64>| match result {
        Err(TransactionError::Logic(Abort::Map(error))) => {
            matches!(error, epoch_store::Error::KeyTooLong { .. })
        }
        _ => false,
    };
    among_good_ones(|_, view| view.put("", "v").map(|()| 0), is_empty);
    among_good_ones(|_, view| view.delete("").map(|()| 0), is_empty);
    among_good_ones(|_, view| view.get("").map(|_| 0), is_empty);
    among_good_ones(|_, view| view.contains("").map(|_| 0), is_empty);
    among_good_ones(|_, view| view.get_many(&["count", ""]).map(|_| 0), is_empty);
    among_good_ones(|_, view| view.put(&too_long, "v").map(|()| 0), is_too_long);
    among_good_ones(|_, view| view.get(&too_long).map(|_| 0), is_too_long);
}

#[test]
fn a_refused_call_leaves_its_transaction_as_it_was() {
    let store = store(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
    let block = Block::builder(&store).max_range_delete(3).open(1).unwrap();
    let mut view = block.view(0, 1);
    view.put("e", "own").unwrap();
    view.put("", "v").unwrap_err();
    view.put(vec![0; MAX_KEY_LEN + 1], "v").unwrap_err();
    assert_eq!(view.delete_range(..).unwrap_err(), Abort::RangeTooLarge { max: 3 });
    assert_eq!(view.range(..).count(), 5, "nothing was deleted");
    view.delete_range("b"..="d").unwrap();
    assert_eq!(view.ended(), None);
    block.publish(view).unwrap();
    block.seal().unwrap();
    assert_eq!(contents(&store), [("a".into(), "1".into()), ("e".into(), "own".into())]);
}

#[test]
fn transactions_that_delete_more_than_they_may() {
    among_good_ones(
        |_, view| {
            for key in ["w", "x", "y", "z"] {
                view.put(key, "v")?;
            }
            view.delete_range("w"..)?;
            Ok(0)
        },
        |result| matches!(result, Err(TransactionError::Logic(Abort::RangeTooLarge { max: 3 }))),
    );
}

/// A run may see the writes of one transaction in part. One that then waits for a state which never comes has to end.
#[test]
fn transactions_that_loop_until_two_keys_agree() {
    with_executors(|executor, store| {
        let logic = |index: u32, view: &mut View<'_>| -> Run<u64> {
            let (left, right) = loop {
                let (left, right) = (number(view.get("left")?), number(view.get("right")?));
                if left == right {
                    break (left, right);
                }
            };
            view.put("left", u64::from(index).to_be_bytes())?;
            thread::yield_now();
            view.put("right", u64::from(index).to_be_bytes())?;
            Ok(left + right)
        };
        let results = executor.execute(store, 200, &logic).unwrap().results;
        for (index, result) in (0_u64..).zip(results) {
            assert_eq!(result.unwrap(), index.saturating_sub(1) * 2);
        }
    });
}

#[test]
fn transactions_that_swallow_what_their_view_says_and_go_on() {
    with_executors(|executor, store| {
        let logic = |_: u32, view: &mut View<'_>| -> Run<u64> {
            let count = view.get("count").map(number);
            thread::yield_now();
            let again = view.get("count").map(number);
            // Whatever a doomed run does from here on must not count.
            let next = count.clone().or(again.clone()).unwrap_or(1_000) + 1;
            let _swallowed = view.put("count", next.to_be_bytes());
            let _swallowed = view.delete_range("x"..);
            Ok(count.unwrap_or(7_000_000) + again.unwrap_or(7_000_000))
        };
        let results = executor.execute(store, 300, &logic).unwrap().results;
        for (index, result) in (0_u64..).zip(results) {
            assert_eq!(result.unwrap(), index * 2);
        }
        assert_eq!(store.snapshot().get("count").unwrap().unwrap(), 300_u64.to_be_bytes());
    });
}

#[test]
fn transactions_that_return_errors_of_aborts_they_never_met() {
    among_good_ones(
        |index, _| match index % 4 {
            0 => Err(Abort::Blocked { on: 0 }),
            1 => Err(Abort::Blocked { on: index }),
            2 => Err(Abort::Cancelled),
            _ => Err(Abort::Stale),
        },
        |result| matches!(result, Err(TransactionError::Logic(abort)) if abort.is_doom()),
    );
}

#[test]
fn a_block_whose_transactions_all_fail_is_no_commit() {
    with_executors(|executor, store| {
        store.put("k", "v").unwrap();
        let version = store.version();
        let logic = |index: u32, view: &mut View<'_>| -> Run<()> {
            view.delete("k")?;
            if index.is_multiple_of(2) { panic_silently("even") } else { view.put("", "odd") }
        };
        let executed = executor.execute(store, 50, &logic).unwrap();
        assert!(executed.results.iter().all(Result::is_err));
        assert!(executed.changed().is_empty());
        assert_eq!((store.version(), executed.version()), (version, version));
    });
}

#[test]
fn a_million_tiny_transactions() {
    let transactions = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    for mut executor in [Executor::new(2), Executor::builder().workers(2).fixed_pace().build()] {
        let store = Store::in_memory();
        let logic = |index: u32, view: &mut View<'_>| -> Run<u64> {
            let key = (index % 1_000).to_be_bytes();
            let count = number(view.get(key)?);
            view.put(key, (count + 1).to_be_bytes())?;
            Ok(count)
        };
        let executed = executor.execute(&store, transactions, &logic).unwrap();
        assert_runs(&executed);
        for (index, result) in (0_u64..).zip(executed.results) {
            assert_eq!(result.unwrap(), index / 1_000);
        }
        assert_eq!(store.snapshot().len().unwrap(), 1_000);
    }
}

#[test]
fn a_block_that_is_too_large_is_refused() {
    let logic = |_: u32, _: &mut View<'_>| -> Run<()> { Ok(()) };
    let refused = Executor::new(1).execute(&Store::in_memory(), usize::MAX, &logic);
    assert!(matches!(refused.unwrap_err(), Error::BlockTooLarge { .. }));
}

#[test]
fn a_block_that_was_begun_by_hand_is_refused() {
    let store = store(&[]);
    let block = store.block(2).unwrap();
    write(&block, 0, 1, &[("k", Some("v"))]);
    block.commit_prefix(1).unwrap();
    let logic = |_: u32, _: &mut View<'_>| -> Run<()> { Ok(()) };
    assert!(matches!(Executor::new(2).run(block, &logic).unwrap_err(), Error::BlockInUse));
    assert!(contents(&store).is_empty());
}

#[test]
fn a_block_that_the_store_refuses_leaves_it_as_it_was() {
    let writes = |index: u32, view: &mut View<'_>| -> Run<()> {
        view.put("k", [0; 8])?;
        view.put(index.to_be_bytes(), vec![7; 4_000])
    };
    let of_batches = Store::builder().max_batch_len(50).open().unwrap();
    let of_memory = Store::builder().memory_limit(300_000).open().unwrap();
    for store in [of_batches, of_memory] {
        store.put("k", "before").unwrap();
        let mut executor = Executor::new(3);
        let error = executor.execute(&store, 200, &writes).unwrap_err();
        match error {
            Error::Map(epoch_store::Error::BatchTooLarge { .. }) => {}
            Error::Map(epoch_store::Error::MemoryLimit { .. }) => {}
            error => panic!("{error:?}"),
        }
        let snapshot = store.snapshot();
        assert_eq!(snapshot.len().unwrap(), 1);
        assert_eq!(snapshot.get("k").unwrap().unwrap(), "before");
        drop(snapshot);
        executor.execute(&store, 5, &writes).unwrap();
        assert_eq!(store.snapshot().len().unwrap(), 6);
    }
}

#[test]
fn a_store_that_is_closed_takes_no_block() {
    let store = store(&[("k", "v")]);
    let block = store.block(1).unwrap();
    write(&block, 0, 1, &[("k", None)]);
    store.close().unwrap();
    assert!(matches!(block.seal().unwrap_err(), Error::Closed));
    let logic = |_: u32, view: &mut View<'_>| view.delete("k");
    assert!(matches!(Executor::new(2).execute(&store, 3, &logic).unwrap_err(), Error::Closed));
}

#[test]
fn a_block_that_is_dropped_leaves_nothing() {
    let store = store(&[("k", "v")]);
    let version = store.version();
    let block = store.block(3).unwrap();
    write(&block, 0, 1, &[("k", None), ("l", Some("new"))]);
    block.commit_prefix(1).unwrap();
    drop(block);
    let logic = |_: u32, view: &mut View<'_>| view.delete("k");
    drop(Executor::new(2).run(store.block(3).unwrap(), &logic).unwrap());
    assert_eq!(store.version(), version);
    assert_eq!(contents(&store), [("k".into(), "v".into())]);
}

#[test]
fn views_of_transactions_that_are_not_open_are_refused() {
    let store = store(&[]);
    let (block, other) = (store.block(2).unwrap(), store.block(2).unwrap());
    let mut beyond = block.view(2, 1);
    assert_eq!(beyond.get("k").unwrap_err(), Abort::NotOpen { index: 2 });
    assert_eq!(beyond.put("k", "v").unwrap_err(), Abort::NotOpen { index: 2 });
    assert!(beyond.range(..).next().unwrap().is_err());
    assert!(block.publish(beyond).is_err());
    assert!(block.publish(other.view(0, 1)).is_err(), "of another block");
    block.mark_estimate(7);
    block.commit_prefix(7).unwrap_err();
    assert_ne!(block.validate(7), engine::Verdict::Valid);

    let mut early = block.view(0, 2);
    early.put("k", "late").unwrap();
    write(&block, 0, 1, &[("k", Some("v"))]);
    block.commit_prefix(1).unwrap();
    assert!(block.publish(early).is_err(), "committed meanwhile");
    write(&block, 1, 1, &[]);
    block.seal().unwrap();
    assert_eq!(contents(&store), [("k".into(), "v".into())]);
}

/// What a limit throws is the caller's; nothing is committed, and the executor can be used again.
#[test]
fn a_limit_that_panics() {
    struct Bad;
    impl TxnLogic for Bad {
        type Out = u64;
        type Error = Abort;
        fn run(&self, _: u32, view: &mut View<'_>) -> Run<u64> {
            count(view)
        }
        fn limit(&self, index: u32, _: &Outcome<u64>) -> Limit {
            if index == 20 { panic_silently("limit") } else { Limit::Go }
        }
    }
    with_executors(|executor, store| {
        let thrown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            executor.execute(store, 50, &Bad).map(|executed| executed.results.len())
        }));
        assert_eq!(*thrown.unwrap_err().downcast_ref::<&str>().unwrap(), "limit");
        assert!(store.snapshot().is_empty().unwrap());
        let good = |_: u32, view: &mut View<'_>| count(view);
        assert_eq!(executor.execute(store, 10, &good).unwrap().results.len(), 10);
    });
}

#[test]
fn a_block_that_is_cancelled_from_outside_keeps_what_was_final() {
    with_executors(|executor, store| {
        let cancel = executor.cancel_handle();
        let reached = AtomicU32::new(0);
        let logic = |index: u32, view: &mut View<'_>| -> Run<u64> {
            reached.fetch_max(index, Ordering::Relaxed);
            thread::sleep(Duration::from_micros(20));
            count(view)
        };
        let executed = thread::scope(|scope| {
            scope.spawn(|| {
                while reached.load(Ordering::Relaxed) < 40 {
                    thread::yield_now();
                }
                cancel.cancel();
            });
            executor.execute(store, 1_000_000, &logic).unwrap()
        });
        assert_eq!(executed.ended, Ended::Cancelled);
        let len = executed.results.len() as u64;
        assert!(len < 1_000_000);
        for (index, result) in (0_u64..).zip(executed.results) {
            assert_eq!(result.unwrap(), index);
        }
        let count_of = |store: &Store| number(store.snapshot().get("count").unwrap().as_deref());
        assert_eq!(count_of(store), len);

        let results = executor.execute(store, 10, &logic).unwrap().results;
        assert_eq!(results.len(), 10, "the next block is not cancelled");
        assert_eq!(count_of(store), len + 10);
    });
}

/// A transaction that never ends by itself, and asks whether it should.
#[test]
fn a_cancelled_transaction_that_only_computes_is_told_when_it_asks() {
    with_executors(|executor, store| {
        let cancel = executor.cancel_handle();
        let logic = |index: u32, view: &mut View<'_>| -> Run<u64> {
            if index == 5 {
                cancel.cancel();
                while !view.should_stop() {
                    std::hint::spin_loop();
                }
            }
            count(view)
        };
        let began = Instant::now();
        let executed = executor.execute(store, 1_000, &logic).unwrap();
        assert_eq!(executed.ended, Ended::Cancelled);
        assert!(executed.results.len() <= 5);
        assert!(began.elapsed() < Duration::from_secs(20));
    });
}

/// A result that panics when it is dropped, as those of abandoned runs are: the block comes to all or to nothing, the panic is
/// the caller's, and the executor can be used again.
#[test]
fn results_that_panic_when_dropped() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic_silently("dropped");
            }
        }
    }
    with_executors(|executor, store| {
        let logic = |_: u32, view: &mut View<'_>| -> Run<Bad> {
            count(view)?;
            thread::yield_now();
            Ok(Bad)
        };
        let executed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let executed = executor.execute(store, 60, &logic).unwrap();
            std::mem::forget(executed.results);
        }));
        let counted = number(store.snapshot().get("count").unwrap().as_deref());
        assert_eq!(counted, if executed.is_ok() { 60 } else { 0 });

        let good = |_: u32, view: &mut View<'_>| count(view);
        assert_eq!(executor.execute(store, 10, &good).unwrap().results.len(), 10);
    });
}
