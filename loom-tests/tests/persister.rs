//! Commits on their way to a parent: what the persister may take for complete, its end, and its sleep.
//!
//! *Invariants* D-1, D-4 of `engine/src/durable`, and that nobody sleeps over a push. The root is a counter here: that a commit is
//! published after what its thread did before is the business of other models. The queue is one that promises less than that of the
//! machine, which is a library's.
//!
//! *Bound*: none for two threads; preemption bound 3 with three. *Executions* are printed; the floors below are a little under
//! what was seen.

#![cfg(epoch_loom)]

use engine::internals::durable::{
    Bound, Entry, Hidden, Journal, Outcome, Overflow, Progress, Writes,
};
use engine::{MemoryParent, Version};
use epoch_store::WriteOp;
use epoch_store::internals::sync::{AtomicU64, Ordering, threads};
use loom_tests::{Model, mutants_die};
use std::sync::Arc;

struct World {
    journal: Journal,
    root: AtomicU64,
}

impl World {
    fn new() -> Arc<Self> {
        let bound = Bound { limit: u64::MAX, batch: u64::MAX, overflow: Overflow::Refuse };
        let (hidden, parent) = (Hidden { space: 1, kept: b"" }, MemoryParent::new());
        let progress = Arc::new(Progress::new(Version::ZERO));
        let journal = Journal::new(&parent, bound, hidden, progress);
        Arc::new(Self { journal, root: AtomicU64::new(0) })
    }

    /// A writer's part. Whether it has committed.
    fn commit(&self) -> bool {
        let write = WriteOp { space: 0, key: b"k", value: None };
        let Ok(ticket) = self.journal.begin(Writes::One(write)) else { return false };
        let version = self.root.fetch_add(1, Ordering::AcqRel) + 1;
        ticket.expect("it has a write").committed(version);
        true
    }

    /// The persister's part.
    fn take(&self, taken: &mut Vec<Arc<Entry>>) -> u64 {
        self.journal.take(|| self.root.load(Ordering::Acquire), taken)
    }
}

/// Versions of what was taken, whose outcome is waited for.
fn versions(taken: &[Arc<Entry>]) -> Vec<u64> {
    let mut versions: Vec<u64> = taken
        .iter()
        .filter_map(|entry| {
            loop {
                match entry.outcome() {
                    Outcome::Open => loom::thread::yield_now(),
                    Outcome::Refused => return None,
                    Outcome::Committed(version) => return Some(version),
                }
            }
        })
        .collect();
    versions.sort_unstable();
    versions
}

fn is_complete(versions: &[u64], upto: u64) -> bool {
    (1..=upto).all(|version| versions.binary_search(&version).is_ok())
}

#[test]
fn complete_prefix() {
    Model { name: "complete_prefix", bound: Some(3), floor: 50_000 }.check(|| {
        let world = World::new();
        let writers = [world.clone(), world.clone()]
            .map(|world| loom::thread::spawn(move || assert!(world.commit())));
        let mut taken = Vec::new();
        for _ in 0..2 {
            let upto = world.take(&mut taken);
            let versions = versions(&taken);
            assert!(is_complete(&versions, upto), "{versions:?} for all up to {upto}");
        }
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

#[test]
fn nothing_left_behind() {
    Model { name: "nothing_left_behind", bound: None, floor: 1_300 }.check(|| {
        let world = World::new();
        let writer = {
            let world = world.clone();
            loom::thread::spawn(move || world.commit())
        };
        let mut taken = Vec::new();
        world.take(&mut taken);
        world.journal.end();
        world.take(&mut taken);
        let versions = versions(&taken);
        assert_eq!(writer.join().unwrap(), versions == [1]);
    });
}

#[test]
fn woken_by_a_push() {
    Model { name: "woken_by_a_push", bound: None, floor: 900 }.check(|| {
        let world = World::new();
        let (persister, writing) = (threads::current(), world.clone());
        let writer = loom::thread::spawn(move || {
            writing.commit();
            if writing.journal.is_to_be_woken() {
                persister.unpark();
            }
        });
        let mut taken = Vec::new();
        while taken.is_empty() {
            world.take(&mut taken);
            if taken.is_empty() && world.journal.lie_down() {
                threads::park();
            }
            world.journal.get_up();
        }
        writer.join().unwrap();
    });
}

#[test]
fn mutants_of_complete_prefix() {
    mutants_die("complete_prefix", &["journal-root-late", "journal-push-late"]);
}

#[test]
fn mutants_of_nothing_left_behind() {
    mutants_die("nothing_left_behind", &["journal-begin", "journal-end"]);
}

#[test]
fn mutants_of_woken_by_a_push() {
    mutants_die("woken_by_a_push", &["persister-sleep", "journal-begin"]);
}
