//! A key's record gives way to a newer one, or is taken out of the hash, while tables are replaced.
//!
//! *Invariants* (I-40, I-41, I-42; rules 14, 15, 16). Once the record of a key that is written again has been put in, the hash
//! leads to it, whatever movers and slow inserters of the sealed one do. A record that is removed a grace period after it
//! was sealed and dropped from the list does not come back, so that it can be freed after another.
//!
//! The list is left out: who holds a key's new record has seen the old one sealed, as the list would have shown him. The first
//! table has two slots in a model, and a chunk is one slot.
//!
//! *Phases.* A node that is retired when the record is out of the list, and runs the next phase when it is buried, stands for the
//! wait of a sweeper: it is buried at the earliest moment that the contract of the reclaimer allows.
//!
//! *Bound*: two threads with preemption bound 3 to 5, or 2 where one swings twice; three threads with 2.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::RecordRef;
use epoch_store::internals::hash::Front;
use epoch_store::internals::reclaim::{Grace, Node, Pinned, Quarantine, QuarantinePin};
use epoch_store::internals::sync::seeded;
use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom_tests::{Actor, Chains, Model, actor, mutants_die, pin, race, record};
use std::ptr::NonNull;
use std::sync::OnceLock;

struct Hashes {
    domain: Quarantine,
    front: Front,
    tally: Tally,
    /// The root: at this stamp the newest record has a version.
    root: AtomicU64,
    key: [u8; 1],
    hash: u64,
    /// The records of the key, oldest first, made by who uses them first. The first is in the hash.
    records: [OnceLock<Chains>; 3],
}

impl Hashes {
    /// A front that knows one key, whose probe begins at slot 0.
    fn with_one() -> Arc<Self> {
        let front = Front::default();
        let mut keys = (0..=u8::MAX).map(|key| [key]);
        let key = keys.find(|key| front.hash(key) & 1 == 0).expect("half of all keys begin there");
        let hashes = Self {
            domain: Quarantine::default(),
            hash: front.hash(&key),
            front,
            tally: Tally::default(),
            root: AtomicU64::new(0),
            key,
            records: Default::default(),
        };
        hashes.insert(0);
        Arc::new(hashes)
    }

    fn record(&self, nth: usize) -> RecordRef<'_> {
        self.records[nth].get_or_init(|| record(&self.key)).view()
    }

    fn insert(&self, nth: usize) {
        self.insert_under(nth, &pin(&self.domain));
    }

    fn insert_under(&self, nth: usize, pin: &QuarantinePin) {
        self.front.insert(self.record(nth), self.hash, pin, &self.tally);
    }

    fn seal(&self, nth: usize) {
        assert!(self.record(nth).seal_empty(), "sealed once");
    }

    /// Seals a record of the key and puts the next one in.
    fn replace(&self, nth: usize) {
        self.seal(nth);
        self.insert(nth + 1);
    }

    fn found(&self, pin: &QuarantinePin) -> Option<usize> {
        let found = self.front.find(&self.key, self.hash, pin)?;
        assert_eq!(found.key(), self.key);
        let nth = (0..3).find(|&nth| {
            self.records[nth].get().is_some_and(|record| record.as_ptr() == found.as_ptr())
        });
        Some(nth.expect("a record of the key"))
    }

    fn check_found(&self, nth: usize) {
        assert_eq!(self.found(&pin(&self.domain)), Some(nth), "the newest record");
    }

    /// Also when no table waits to be moved.
    fn check_end(&self, nth: Option<usize>) {
        assert_eq!(self.found(&pin(&self.domain)), nth, "before the last moves");
        self.front.settle(&pin(&self.domain), &self.tally);
        assert_eq!(self.found(&pin(&self.domain)), nth, "after them");
    }

    fn begin_growth(&self) {
        self.front.begin_growth(&pin(&self.domain), &self.tally);
    }

    fn help(&self, pin: &QuarantinePin) {
        self.front.help(pin, &self.tally);
    }

    /// The record is out of the list from here on: what follows waits for those who may have it from there.
    fn remove_after_grace(&self, nth: usize) {
        if seeded("remove-at-once") {
            return self.remove(nth);
        }
        let wait = Box::new(Wait { hashes: NonNull::from(self), nth });
        let pin = pin(&self.domain);
        // SAFETY: just made, and nobody else knows it.
        unsafe { pin.retire(NonNull::from(Box::leak(wait)), Grace::One) };
    }

    /// Phases two and three.
    fn remove(&self, nth: usize) {
        let pin = pin(&self.domain);
        self.front.remove(self.record(nth), self.hash, &pin, &self.tally);
        // SAFETY: the key has no way to it any more (I-42), which is what these models are about.
        unsafe { pin.retire(self.record(nth).as_ptr(), Grace::One) };
    }
}

/// What phase two waits with.
struct Wait {
    hashes: NonNull<Hashes>,
    nth: usize,
}

impl Node for Wait {
    unsafe fn free(wait: NonNull<Self>) {
        // SAFETY: from a Box, and buried: nobody uses it.
        drop(unsafe { Box::from_raw(wait.as_ptr()) });
    }

    unsafe fn bytes(_wait: NonNull<Self>) -> usize {
        size_of::<Self>()
    }

    unsafe fn bury(wait: NonNull<Self>) {
        // SAFETY: the node is alive until the execution ends, and the model keeps its hashes as long as a pin is held.
        let (hashes, nth) = unsafe { (wait.as_ref().hashes.as_ref(), wait.as_ref().nth) };
        hashes.remove(nth);
    }
}

/// Begins a growth and moves both chunks, under one pin.
fn mover(hashes: &Arc<Hashes>) -> Actor<()> {
    actor(hashes, |hashes| {
        let pin = pin(&hashes.domain);
        hashes.front.begin_growth(&pin, &hashes.tally);
        hashes.help(&pin);
        hashes.help(&pin);
    })
}

/// Moves a chunk of a table whose growth has begun.
fn helper(hashes: &Arc<Hashes>) -> Actor<()> {
    actor(hashes, |hashes| hashes.help(&pin(&hashes.domain)))
}

/// Replaces the first record by the second, and finds that one.
fn writer(hashes: &Arc<Hashes>) -> Actor<()> {
    actor(hashes, |hashes| {
        hashes.replace(0);
        hashes.check_found(1);
    })
}

#[test]
fn swing_and_growth() {
    Model { name: "swing_and_growth", bound: Some(3), floor: 47_000 }.check_from_each(2, || {
        let hashes = Hashes::with_one();
        race([writer(&hashes), mover(&hashes)]);
        hashes.check_end(Some(1));
    });
}

#[test]
fn mutants_of_swing_and_growth() {
    mutants_die(
        "swing_and_growth",
        &["move-unmarked", "swing-unchecked", "moved-is-final", "slot-mark", "early-free"],
    );
}

#[test]
fn two_swings_and_growth() {
    Model { name: "two_swings_and_growth", bound: Some(2), floor: 36_000 }.check_from_each(
        2,
        || {
            let hashes = Hashes::with_one();
            let writer = actor(&hashes, |hashes| {
                hashes.replace(0);
                hashes.replace(1);
                hashes.check_found(2);
            });
            race([writer, mover(&hashes)]);
            hashes.check_end(Some(2));
        },
    );
}

#[test]
fn mutants_of_two_swings_and_growth() {
    mutants_die("two_swings_and_growth", &["move-unmarked", "swing-unchecked", "moved-is-final"]);
}

/// A snapshot of the root, at which only the new record has a version, finds that one.
#[test]
fn swing_and_reader() {
    Model { name: "swing_and_reader", bound: Some(2), floor: 19_000 }.check_from_each(3, || {
        let hashes = Hashes::with_one();
        hashes.begin_growth();
        let writer = actor(&hashes, |hashes| {
            hashes.replace(0);
            hashes.root.store(1, Ordering::Release);
        });
        let reader = actor(&hashes, |hashes| {
            let pin = pin(&hashes.domain);
            let root = hashes.root.load(Ordering::Acquire);
            let found = hashes.found(&pin);
            assert!(root == 0 || found == Some(1), "the record whose commit is visible");
            let candidate = hashes.front.candidate(hashes.hash, &pin);
            let stale = candidate.is_some_and(|record| record == hashes.record(0));
            assert!(root == 0 || !stale, "nor is the old one taken for final by a batch");
        });
        race([writer, reader, helper(&hashes)]);
        hashes.check_end(Some(1));
    });
}

#[test]
fn mutants_of_swing_and_reader() {
    mutants_die("swing_and_reader", &["slot-swing", "moved-is-final"]);
}

/// One who found the old record unsealed in the list, and comes to the hash late.
#[test]
fn stale_inserter() {
    Model { name: "stale_inserter", bound: Some(4), floor: 24_000 }.check_from_each(2, || {
        let hashes = Hashes::with_one();
        hashes.begin_growth();
        let slow = actor(&hashes, |hashes| hashes.insert(0));
        race([writer(&hashes), slow]);
        hashes.check_end(Some(1));
    });
}

#[test]
fn mutants_of_stale_inserter() {
    mutants_die("stale_inserter", &["swing-unchecked", "move-unmarked", "moved-is-final"]);
}

/// The same of a record that was never in the hash: made, sealed, and followed by another.
#[test]
fn stale_maker() {
    Model { name: "stale_maker", bound: Some(4), floor: 26_000 }.check_from_each(2, || {
        let hashes = Hashes::with_one();
        hashes.seal(0);
        assert!(!hashes.record(1).is_dead(), "made, and not put in yet");
        hashes.begin_growth();
        let slow = actor(&hashes, |hashes| hashes.insert(1));
        let writer = actor(&hashes, |hashes| {
            hashes.seal(1);
            hashes.insert(2);
            hashes.check_found(2);
        });
        race([writer, slow]);
        hashes.check_end(Some(2));
    });
}

#[test]
fn mutants_of_stale_maker() {
    mutants_die("stale_maker", &["swing-unchecked", "move-unmarked"]);
}

/// Movers that sleep with the record in their hands, and a removal in phases. The key is not written again.
#[test]
fn removal_and_growth() {
    Model { name: "removal_and_growth", bound: Some(2), floor: 38_000 }.check_from_each(3, || {
        let hashes = Hashes::with_one();
        hashes.begin_growth();
        let remover = actor(&hashes, |hashes| {
            hashes.seal(0);
            hashes.remove_after_grace(0);
        });
        race([helper(&hashes), helper(&hashes), remover]);
        hashes.check_end(None);
    });
}

#[test]
fn mutants_of_removal_and_growth() {
    mutants_die(
        "removal_and_growth",
        &["remove-at-once", "move-sealed", "remove-leaves-moved", "early-free", "no-pin"],
    );
}

/// A removal whose record gives way to a new one at the same time.
#[test]
fn removal_and_swing() {
    Model { name: "removal_and_swing", bound: Some(5), floor: 25_000 }.check_from_each(2, || {
        let hashes = Hashes::with_one();
        hashes.begin_growth();
        hashes.seal(0);
        let writer = actor(&hashes, |hashes| {
            hashes.insert(1);
            hashes.check_found(1);
        });
        let remover = actor(&hashes, |hashes| hashes.remove_after_grace(0));
        race([writer, remover]);
        hashes.check_end(Some(1));
    });
}

#[test]
fn mutants_of_removal_and_swing() {
    mutants_die("removal_and_swing", &["remove-leaves-moved", "early-free"]);
}
