//! Tail behind root (rule 3): a committer stalls between linking its descriptor and moving the tail; somebody else
//! publishes it and moves head past it.
//!
//! *Invariant* (I-24): before head passes a descriptor, tail has passed it. Otherwise a third thread would enter the queue
//! through the tail and find a retired descriptor.
//!
//! Two grace periods for descriptors would cover for a tail left behind: whoever may find the old descriptor there is pinned
//! when the second period begins. So the mutant leaves out both, and either alone passes.
//!
//! *Bound*: three threads, preemption bound 2.

#![cfg(epoch_loom)]

use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, NoneSealed, World, mutants_die, pin};

#[test]
fn stalled_tail() {
    Model { name: "stalled_tail", bound: Some(2), floor: 100_000 }.check(|| {
        let world = Arc::new(World::new(1));
        let (owner, helper) = (Arc::clone(&world), Arc::clone(&world));
        let owner = thread::spawn(move || owner.commit(&[0], 1));
        let helper = thread::spawn(move || {
            let pin = pin(&helper.domain);
            helper.queue.finish_ordered(&NoneSealed, &pin, &Tally::default());
        });
        let late = Arc::clone(&world);
        let late = thread::spawn(move || late.commit(&[], 0)).join().unwrap();
        let first = owner.join().unwrap();
        helper.join().unwrap();
        assert_eq!(first + late, 3, "two commits, two versions");
        assert_eq!(world.queue.published(), 2);
    });
}

#[test]
fn mutants_of_stalled_tail() {
    mutants_die("stalled_tail", &["tail-left-behind,one-grace", "early-free", "queue-next"]);
}
