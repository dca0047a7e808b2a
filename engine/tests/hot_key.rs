//! Many threads at one key: nothing is lost, and nobody tries for ever.

use engine::{Error, Isolation, Retry, Store};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// After this something counts as stuck. No test passes or fails by less.
const WATCHDOG: Duration = Duration::from_secs(60);

const THREADS: u32 = 4;
const INCREMENTS: u32 = 500;

fn decode(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

/// Lets all threads meet once: the first attempt of each waits here until all have read the same.
struct Meeting {
    all: Barrier,
}

impl Meeting {
    fn new() -> Self {
        Self { all: Barrier::new(THREADS as usize) }
    }

    /// In attempt number `attempts` to change what was `read`.
    fn meet(&self, attempts: u32, read: u64) {
        // Nobody can have committed before all were here once, and nobody comes here twice.
        if attempts == 1 && read == 0 {
            self.all.wait();
        }
        std::thread::yield_now(); // so that threads meet on few processors too
    }
}

/// Runs `increment` from all threads; it returns how many attempts it took. Returns the sum of all, prints the most.
fn hammer(name: &str, increment: impl Fn() -> u32 + Sync) -> u32 {
    let (sum, most) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..INCREMENTS {
                    let attempts = increment();
                    sum.fetch_add(attempts, Ordering::Relaxed);
                    most.fetch_max(attempts, Ordering::Relaxed);
                }
            });
        }
    });
    let most = most.into_inner();
    println!("{name}: {THREADS} threads x {INCREMENTS} increments, at most {most} attempts");
    sum.into_inner()
}

/// Of those who meet one goes through, and nobody is refused so often that he gives up.
fn assert_met(attempts: u32) {
    assert!(attempts >= THREADS * INCREMENTS + THREADS - 1, "they met, and all went through?");
}

#[test]
fn no_update_is_lost() {
    let (store, meeting) = (Store::in_memory(), Meeting::new());
    let attempts = hammer("update", || {
        let mut attempts = 0;
        let change = |count: Option<&[u8]>| {
            attempts += 1;
            meeting.meet(attempts, decode(count));
            Some((decode(count) + 1).to_be_bytes().to_vec())
        };
        store.update("count", change).unwrap();
        attempts
    });
    let snapshot = store.snapshot();
    let count = decode(snapshot.get("count").unwrap().as_deref());
    assert_eq!(count, u64::from(THREADS * INCREMENTS));
    assert_met(attempts);
}

#[test]
fn no_update_in_a_key_space_is_lost() {
    let store = Store::in_memory();
    let (space, meeting) = (store.key_space("space").unwrap(), Meeting::new());
    let attempts = hammer("update in a key space", || {
        let mut attempts = 0;
        let change = |count: Option<&[u8]>| {
            attempts += 1;
            meeting.meet(attempts, decode(count));
            Some((decode(count) + 1).to_be_bytes().to_vec())
        };
        space.update("count", change).unwrap();
        attempts
    });
    let snapshot = store.snapshot();
    let value = snapshot.space(&space).unwrap().get("count").unwrap();
    assert_eq!(decode(value.as_deref()), u64::from(THREADS * INCREMENTS));
    assert!(!snapshot.contains("count").unwrap());
    assert_met(attempts);
}

#[test]
fn no_transaction_is_lost() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let (store, meeting) = (Store::in_memory(), Meeting::new());
        let retry = Retry::new().isolation(isolation);
        let attempts = hammer(&format!("transact, {isolation:?}"), || {
            let mut attempts = 0;
            let done: Result<(), Error> = store.transact_with(&retry, |txn| {
                attempts += 1;
                let count = decode(txn.get("count")?.as_deref());
                meeting.meet(attempts, count);
                txn.put("count", (count + 1).to_be_bytes())
            });
            done.unwrap();
            attempts
        });
        let snapshot = store.snapshot();
        let count = decode(snapshot.get("count").unwrap().as_deref());
        assert_eq!(count, u64::from(THREADS * INCREMENTS));
        assert_met(attempts);
    }
}

/// One transaction that takes as long as many short ones of the others: without turns it would lose every time, whatever the
/// machine is busy with.
#[test]
fn a_long_transaction_gets_its_turn() {
    let store = Store::in_memory();
    let stop = AtomicBool::new(false);
    let (result, attempts) = std::thread::scope(|scope| {
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
        let result: Result<(), Error> = store.transact_with(&Retry::new().attempts(3_000), |txn| {
            attempts += 1;
            let count = decode(txn.get("count")?.as_deref());
            std::thread::sleep(Duration::from_millis(3));
            txn.put("count", (count + 1).to_be_bytes())
        });
        stop.store(true, Ordering::Relaxed);
        (result, attempts)
    });
    println!("a transaction of 3 ms among updates of microseconds: {attempts} attempts");
    result.expect("it has lost each of many times");
}

/// Makes itself the elder by conflicts with itself, and then does `as_elder`, in its eleventh attempt.
fn become_elder(store: &Store, as_elder: impl Fn()) -> Result<(), Error> {
    let mut attempts = 0;
    store.transact_with(&Retry::new().attempts(11), |txn| {
        attempts += 1;
        txn.get("count")?;
        txn.put("other", "")?;
        if attempts <= 10 {
            store.put("count", "conflict").map(|_version| ())?;
        } else {
            as_elder();
        }
        Ok(())
    })
}

/// Of a time that is waited at least, a busy machine makes more and never less.
#[test]
fn others_hold_back_for_an_elder_and_no_longer_than_it_is_one() {
    let store = Store::in_memory();
    let update = || {
        let begin = Instant::now();
        store.update("own", |_| Some(Vec::new())).unwrap();
        begin.elapsed()
    };
    let as_elder = || {
        let held_back = std::thread::scope(|scope| scope.spawn(update).join().unwrap());
        assert!(held_back >= Duration::from_millis(15), "{held_back:?}");
    };
    become_elder(&store, as_elder).unwrap();
    // The fastest of many: whoever is the elder no more holds up none of them.
    let fastest = (0..100).map(|_| update()).min().unwrap();
    assert!(fastest < Duration::from_millis(15), "{fastest:?}");
}

/// A thread that sleeps while it is the elder delays others, and does not stop them.
#[test]
fn an_elder_that_sleeps_stops_nobody() {
    let store = Store::in_memory();
    let (sleeping, sleeps) = channel();
    let (wake, woken) = channel();
    let own = store.clone();
    let elder = std::thread::spawn(move || {
        become_elder(&own, || {
            sleeping.send(()).unwrap();
            woken.recv().unwrap();
        })
    });
    sleeps.recv_timeout(WATCHDOG).expect("it becomes the elder");
    let (done, ended) = channel();
    let other = store.clone();
    std::thread::spawn(move || {
        for _ in 0..10 {
            other.update("own", |_| Some(Vec::new())).unwrap();
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(WATCHDOG).expect("it stops somebody");
    wake.send(()).unwrap();
    elder.join().unwrap().expect("nobody has written what it read");
}

/// A run that panics is over: what it wrote is gone, and it is the elder no more.
#[test]
fn a_panic_in_a_run_discards_it_and_holds_up_nobody() {
    let store = Store::in_memory();
    let run = || become_elder(&store, || panic!("in the run"));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"in the run"));
    assert!(!store.snapshot().contains("other").unwrap());
    store.maintain();
    assert_eq!(store.stats().open_snapshots, 0, "its snapshot is closed");
    let update = |_| {
        let begin = Instant::now();
        store.update("own", |_| Some(Vec::new())).unwrap();
        begin.elapsed()
    };
    let fastest = (0..100).map(update).min().unwrap();
    assert!(fastest < Duration::from_millis(15), "{fastest:?}");
    let change = |_: Option<&[u8]>| -> Option<Vec<u8>> { panic!("in the change") };
    let update = || store.update("own", change);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(update)).is_err());
    assert_eq!(store.snapshot().get("own").unwrap().unwrap(), "");
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
    let space = store.key_space("space").unwrap();
    for new in [None, Some(Vec::new())] {
        assert!(matches!(store.update("", |_| new.clone()), Err(Error::Map(_))));
        assert!(matches!(space.update("", |_| new.clone()), Err(Error::Map(_))));
    }
}
