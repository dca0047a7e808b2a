//! Many threads at one key: nothing is lost, and nobody tries for ever.

use engine::{Error, Isolation, Retry, Store};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const THREADS: u32 = 4;
const INCREMENTS: u32 = 500;

fn decode(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

/// Runs `increment` from all threads; it returns how many attempts it took. Prints the most.
fn hammer(name: &str, increment: impl Fn() -> u32 + Sync) -> u32 {
    let most = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..INCREMENTS {
                    most.fetch_max(increment(), Ordering::Relaxed);
                }
            });
        }
    });
    let most = most.into_inner();
    println!("{name}: {THREADS} threads x {INCREMENTS} increments, at most {most} attempts");
    most
}

#[test]
fn no_update_is_lost() {
    let store = Store::in_memory();
    let most = hammer("update", || {
        let mut attempts = 0;
        let change = |count: Option<&[u8]>| {
            attempts += 1;
            std::thread::yield_now(); // so that threads meet on few processors too
            Some((decode(count) + 1).to_be_bytes().to_vec())
        };
        store.update("count", change).unwrap();
        attempts
    });
    let snapshot = store.snapshot();
    let count = decode(snapshot.get("count").unwrap().as_deref());
    assert_eq!(count, u64::from(THREADS * INCREMENTS));
    assert!(most > 1, "the threads never met");
    assert!(most < 200, "somebody tried {most} times");
}

#[test]
fn no_update_in_a_key_space_is_lost() {
    let store = Store::in_memory();
    let space = store.key_space("space").unwrap();
    hammer("update in a key space", || {
        let mut attempts = 0;
        let change = |count: Option<&[u8]>| {
            attempts += 1;
            Some((decode(count) + 1).to_be_bytes().to_vec())
        };
        space.update("count", change).unwrap();
        attempts
    });
    let snapshot = store.snapshot();
    let value = snapshot.space(&space).unwrap().get("count").unwrap();
    assert_eq!(decode(value.as_deref()), u64::from(THREADS * INCREMENTS));
    assert!(!snapshot.contains("count").unwrap());
}

#[test]
fn no_transaction_is_lost() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let store = Store::in_memory();
        let retry = Retry::new().isolation(isolation);
        let most = hammer(&format!("transact, {isolation:?}"), || {
            let mut attempts = 0;
            let done: Result<(), Error> = store.transact_with(&retry, |txn| {
                attempts += 1;
                let count = decode(txn.get("count")?.as_deref());
                std::thread::yield_now();
                txn.put("count", (count + 1).to_be_bytes())
            });
            done.unwrap();
            attempts
        });
        let snapshot = store.snapshot();
        let count = decode(snapshot.get("count").unwrap().as_deref());
        assert_eq!(count, u64::from(THREADS * INCREMENTS));
        assert!(most < 200, "somebody tried {most} times");
    }
}

/// One transaction that takes as long as many short ones of the others: without turns it would lose every time.
#[test]
fn a_long_transaction_gets_its_turn() {
    let store = Store::in_memory();
    let stop = AtomicBool::new(false);
    let attempts = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let one_more =
                        |count: Option<&[u8]>| Some((decode(count) + 1).to_be_bytes().to_vec());
                    store.update("count", one_more).unwrap();
                }
            });
        }
        let mut attempts = 0;
        let result: Result<(), Error> = store.transact(|txn| {
            attempts += 1;
            let count = decode(txn.get("count")?.as_deref());
            std::thread::sleep(Duration::from_millis(3));
            txn.put("count", (count + 1).to_be_bytes())
        });
        stop.store(true, Ordering::Relaxed);
        result.unwrap();
        attempts
    });
    println!("a transaction of 3 ms among updates of microseconds: {attempts} attempts");
    assert!(attempts < 100, "it took {attempts}");
}

/// A thread that sleeps while it is the elder delays others, and does not stop them.
#[test]
fn an_elder_that_sleeps_stops_nobody() {
    let store = Store::in_memory();
    let (sleeping, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut attempts = 0;
            let _conflict_or_not: Result<(), Error> =
                store.transact_with(&Retry::new().attempts(20), |txn| {
                    attempts += 1;
                    txn.get("count")?;
                    txn.put("other", "")?;
                    if attempts < 10 {
                        store.put("count", "conflict").map(|_version| ())?;
                    } else {
                        sleeping.store(true, Ordering::Relaxed);
                        while !stop.load(Ordering::Relaxed) {
                            std::thread::yield_now();
                        }
                    }
                    Ok(())
                });
        });
        while !sleeping.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        let begin = Instant::now();
        for _ in 0..10 {
            store.update("own", |_| Some(Vec::new())).unwrap();
        }
        let took = begin.elapsed();
        stop.store(true, Ordering::Relaxed);
        println!("10 updates beside an elder that sleeps: {took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
}

#[test]
fn attempts_are_bounded() {
    let store = Store::in_memory();
    let mut runs = 0;
    let result: Result<(), Error> = store.transact_with(&Retry::new().attempts(7), |txn| {
        runs += 1;
        txn.get("k")?;
        store.put("k", "somebody else's")?;
        txn.put("k", "mine")
    });
    assert!(matches!(result, Err(Error::RetriesExhausted { attempts: 7 })));
    assert_eq!(runs, 7);

    let mut runs = 0;
    let result = store.transact_with(&Retry::new().attempts(0), |_| {
        runs += 1;
        Ok::<_, Error>("at least once")
    });
    assert!(result.is_ok() && runs == 1);
}

#[test]
fn an_error_of_the_closure_ends_the_matter_and_commits_nothing() {
    #[derive(Debug)]
    enum Refusal {
        Poor,
        Store,
    }
    impl From<Error> for Refusal {
        fn from(_: Error) -> Self {
            Self::Store
        }
    }
    let store = Store::in_memory();
    let mut runs = 0;
    let result = store.transact(|txn| {
        runs += 1;
        txn.put("k", "v")?;
        if txn.contains("money")? { Ok(()) } else { Err(Refusal::Poor) }
    });
    assert!(matches!(result, Err(Refusal::Poor)) && runs == 1);
    assert!(!store.snapshot().contains("k").unwrap());
    let result: Result<(), Refusal> = store.transact(|txn| Ok(txn.put("", "")?));
    assert!(matches!(result, Err(Refusal::Store)));
}

#[test]
fn an_update_may_delete_and_may_find_nothing_to_do() {
    let store = Store::in_memory();
    let version = store.version();
    assert_eq!(store.update("k", |_| None).unwrap(), version);
    assert_eq!(store.version(), version, "nothing was there, and nothing is to be");
    store.update("k", |old| old.is_none().then(Vec::new)).unwrap();
    assert_eq!(store.snapshot().get("k").unwrap().unwrap(), "");
    store.update("k", |old| old.is_none().then(Vec::new)).unwrap();
    assert!(!store.snapshot().contains("k").unwrap());
    assert!(matches!(store.update("", |_| Some(Vec::new())), Err(Error::Map(_))));
}
