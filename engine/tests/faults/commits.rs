//! Commits that the parent refuses, or does not answer.

use crate::ground::{Ground, batch, not_durable, of_parent, until, watchdog};
use crate::history::contents;
use engine::{
    Durability, Error, Fault, FaultyParent, Overflow, Parent, ParentBatch, ParentError,
    ParentErrorKind, ParentSnapshot, Store, Version,
};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What may become of a commit, and what is said of it.
const FAULTS: [(Fault, ParentErrorKind); 4] = [
    (Fault::Refused(ParentErrorKind::Io), ParentErrorKind::Io),
    (Fault::Refused(ParentErrorKind::Full), ParentErrorKind::Full),
    (Fault::Refused(ParentErrorKind::Denied), ParentErrorKind::Denied),
    (Fault::Unanswered, ParentErrorKind::Io),
];

/// One commit of several fails, each in turn; with everything in memory, and with as little as can be.
pub fn any_commit_may_fail<G: Ground>() {
    let _watchdog = watchdog("any_commit_may_fail");
    for (fault, kind) in FAULTS {
        for (at, budget) in [(1, None), (2, Some(0)), (3, None), (4, Some(0))] {
            let ground = G::new();
            let builder = Store::builder();
            let builder = budget.map_or(builder.clone(), |bytes| builder.memory_budget(bytes));
            let (store, faults) = ground.faulty(builder);
            for number in 1..=5 {
                if number == at {
                    faults.every_commit(fault);
                }
                let key = format!("k{number}");
                let result = store.commit_with(&batch(&key, "v"), Durability::Durable);
                if number == at {
                    let (version, told) = not_durable(result.unwrap_err());
                    assert_eq!(told, kind);
                    assert!(version <= store.version());
                    faults.heal();
                } else {
                    result.unwrap();
                }
                assert!(store.snapshot().contains(&key).unwrap(), "it is committed in any case");
            }
            let before = contents(&store.snapshot(), &store);
            let durable = store.durable_version().unwrap();
            drop(store);
            let again = ground.store();
            assert_eq!(contents(&again.snapshot(), &again), before, "{fault:?} at {at}");
            assert!(again.version() >= durable);
        }
    }
}

/// Nobody asks for another attempt.
pub fn it_goes_on_by_itself<G: Ground>() {
    let _watchdog = watchdog("it_goes_on_by_itself");
    let ground = G::new();
    let (store, faults) = ground.faulty(Store::builder());
    faults.every_commit(Fault::Refused(ParentErrorKind::Full));
    let version = store.put("k", "v").unwrap();
    until("several attempts", || faults.commits() >= 3);
    assert_eq!(store.durable_version(), Some(Version::ZERO));
    assert!(store.undurable_bytes() > 0);
    faults.heal();
    until("it is durable", || store.durable_version() >= Some(version));
    assert_eq!(store.undurable_bytes(), 0);
    store.wait_durable(version).unwrap();
}

/// Threads that wait when the fault comes are all woken, and each is told of its own version.
pub fn a_commit_that_waits_is_told<G: Ground>() {
    let _watchdog = watchdog("a_commit_that_waits_is_told");
    let ground = G::new();
    let (store, faults) = ground.faulty(Store::builder());
    faults.every_commit(Fault::Refused(ParentErrorKind::Io));
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..3 {
                    let batch = batch(&format!("{thread} {number}"), "");
                    let told = store.commit_with(&batch, Durability::Durable).unwrap_err();
                    let (version, kind) = not_durable(told);
                    assert_eq!(kind, ParentErrorKind::Io);
                    assert_eq!(not_durable(store.flush().unwrap_err()).1, ParentErrorKind::Io);
                    assert!(not_durable(store.wait_durable(version).unwrap_err()).0 == version);
                }
            });
        }
    });
    assert_eq!(store.snapshot().len().unwrap(), 18);
    faults.heal();
    store.flush().unwrap();
    drop(store);
    assert_eq!(ground.store().snapshot().len().unwrap(), 18);
}

pub fn beyond_the_bound_writes_are_refused<G: Ground>() {
    let _watchdog = watchdog("beyond_the_bound_writes_are_refused");
    for overflow in [Overflow::Refuse, Overflow::Wait] {
        let ground = G::new();
        let (store, faults) = ground.faulty(Store::builder().undurable_limit(5_000, overflow));
        store.put("before", "").unwrap();
        store.flush().unwrap();
        faults.every_commit(Fault::Refused(ParentErrorKind::Full));
        // Otherwise the bound may be met before the fault.
        store.put("first", "").unwrap();
        store.flush().unwrap_err();
        let mut made = 0;
        let refused = loop {
            match store.put(format!("k{made}"), [1; 1_000]) {
                Ok(_) => made += 1,
                Err(error) => break error,
            }
        };
        let Error::UndurableLimit { undurable, limit: 5_000, cause: Some(cause) } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((cause.kind(), undurable <= 5_000), (ParentErrorKind::Full, true));
        assert!((1..5).contains(&made), "{made}");
        let refused = store.transact(|transaction| transaction.put("x", [1; 2_000])).unwrap_err();
        assert!(matches!(refused, Error::UndurableLimit { .. }), "{refused}");
        // Nothing of what was refused is there, and all else is.
        assert_eq!(store.snapshot().len().unwrap(), made + 2);
        faults.heal();
        store.flush().unwrap();
        store.put("after", [1; 1_000]).unwrap();
        store.close().unwrap();
        drop(store);
        assert_eq!(ground.store().snapshot().len().unwrap(), made + 3);
    }
}

/// Nobody who waits for room is forgotten.
pub fn writers_that_wait_for_room_are_let_in<G: Ground>() {
    let watchdog = watchdog("writers_that_wait_for_room_are_let_in");
    let ground = G::new();
    let (store, faults) = ground.faulty(Store::builder().undurable_limit(3_000, Overflow::Wait));
    faults.every_commit(Fault::Slow(Duration::from_millis(1)));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    store.put(format!("{thread} {number}"), [1; 900]).unwrap();
                }
            });
        }
    });
    watchdog.alive();
    store.close().unwrap();
    assert_eq!((store.undurable_bytes(), store.snapshot().len().unwrap()), (0, 200));
}

/// What cannot be made, or read, is an error of opening; and nothing is spoiled by it.
pub fn opening_fails_and_succeeds_later<G: Ground>() {
    let ground = G::new();
    let open = |set: &dyn Fn(&engine::Faults)| {
        let (parent, faults) = FaultyParent::new(ground.open());
        set(&faults);
        Store::builder().memory_budget(0).parent(parent).open().map(drop)
    };
    let full = |faults: &engine::Faults| {
        faults.at_commit(1, Fault::Refused(ParentErrorKind::Full));
    };
    assert_eq!(of_parent(open(&full).unwrap_err()), ParentErrorKind::Full);
    let unanswered = |faults: &engine::Faults| faults.at_commit(1, Fault::Unanswered);
    assert_eq!(of_parent(open(&unanswered).unwrap_err()), ParentErrorKind::Io);
    let store = ground.store();
    store.key_space("space").unwrap().put("k", "v").unwrap();
    store.close().unwrap();
    drop(store);
    let snapshots = |faults: &engine::Faults| faults.snapshots(ParentErrorKind::Denied);
    assert_eq!(of_parent(open(&snapshots).unwrap_err()), ParentErrorKind::Denied);
    let reads = |faults: &engine::Faults| faults.reads(ParentErrorKind::Damaged);
    assert_eq!(of_parent(open(&reads).unwrap_err()), ParentErrorKind::Damaged);
    open(&|_| ()).unwrap();
    assert_eq!(ground.open().durable_version().unwrap(), Version::from(1));
    let again = ground.store();
    let space = again.key_space("space").unwrap();
    assert!(again.snapshot().space(&space).unwrap().contains("k").unwrap());
}

/// A parent that panics when it is to commit this batch.
struct Panics<P> {
    parent: P,
    left: AtomicU32,
}

impl<P: Parent> Parent for Panics<P> {
    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        assert!(self.left.fetch_sub(1, Ordering::Relaxed) > 0, "a panic that was asked for");
        self.parent.commit(batch)
    }

    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.parent.snapshot()
    }

    fn max_key_len(&self) -> usize {
        self.parent.max_key_len()
    }

    fn max_value_len(&self) -> usize {
        self.parent.max_value_len()
    }

    fn path(&self) -> Option<&Path> {
        self.parent.path()
    }

    fn close(&self) -> Result<(), ParentError> {
        self.parent.close()
    }
}

/// The store says that nothing more becomes durable, to all who wait, and to those who wait for room.
pub fn a_parent_that_panics_is_the_end_of_writing<G: Ground>() {
    let _watchdog = watchdog("a_parent_that_panics_is_the_end_of_writing");
    for budget in [None, Some(0)] {
        let ground = G::new();
        let parent = Panics { parent: ground.open(), left: AtomicU32::new(3) };
        let builder = Store::builder().parent(parent).undurable_limit(2_000, Overflow::Wait);
        let builder = budget.map_or(builder.clone(), |bytes| builder.memory_budget(bytes));
        let store = builder.open().unwrap();
        // The first was the format.
        store.commit_with(&batch("told", ""), Durability::Durable).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    let is_over = |error: &Error| match error {
                        Error::NotDurable { cause, .. } => cause.is_none(),
                        Error::UndurableLimit { cause, .. } => cause.is_none(),
                        error => matches!(error, Error::Closed),
                    };
                    for number in 0..4 {
                        let batch = batch(&format!("{thread} {number}"), [1; 900]);
                        if let Err(error) = store.commit_with(&batch, Durability::Durable) {
                            assert!(is_over(&error), "{error:?}");
                        }
                    }
                });
            }
        });
        assert!(store.snapshot().contains("told").unwrap());
        store.put("more", [0; 900]).unwrap_err();
        let told = store.close();
        assert!(matches!(told, Err(Error::NotDurable { cause: None, .. })), "{told:?}");
        drop(store);
        assert!(ground.store().snapshot().contains("told").unwrap());
    }
}

/// A limit that was met while the parent failed: what is in memory beyond the budget leaves it when the parent works.
pub fn memory_that_was_full_is_given_back<G: Ground>() {
    let _watchdog = watchdog("memory_that_was_full_is_given_back");
    for (is_read, size) in [(false, 1), (true, 1), (false, 1_000), (true, 1_000)] {
        let ground = G::new();
        let builder = Store::builder().memory_budget(10_000).memory_limit(100_000);
        let (store, faults) = ground.faulty(builder);
        match is_read {
            true => faults.snapshots(ParentErrorKind::Io),
            false => faults.every_commit(Fault::Refused(ParentErrorKind::Io)),
        }
        let put = |number: u32| store.put(number.to_be_bytes(), vec![0; size]);
        let made = (0..100_000).find(|number| put(*number).is_err()).unwrap();
        faults.heal();
        until("there is room", || {
            store.flush().unwrap();
            put(made).is_ok()
        });
        assert_eq!(store.snapshot().len().unwrap(), made as usize + 1);
    }
}
