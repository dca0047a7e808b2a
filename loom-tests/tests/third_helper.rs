//! Help by a third: three committers, each of whom may have to finish the others' commits.
//!
//! *Invariant* (I-5, I-6, I-22): however many helpers install one commit, each record takes it once; nobody returns
//! before his commit is visible; all three end up in the chain, newest first.
//!
//! *Bound*: three threads, preemption bound 1 (2: 1,177,933 executions passed in 264 s).

#![cfg(epoch_loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, World, mutants_die, pin};

#[test]
fn three_committers() {
    Model { name: "three_committers", bound: Some(1), floor: 400 }.check(|| {
        let world = Arc::new(World::new(1));
        let (one, two) = (Arc::clone(&world), Arc::clone(&world));
        let one = thread::spawn(move || one.commit(&[0], 1));
        let two = thread::spawn(move || two.commit(&[0], 2));
        let three = world.commit(&[0], 3);
        assert!(world.queue.published() >= three, "a commit that returned is visible");
        let stamps = [one.join().unwrap(), two.join().unwrap(), three];
        let pin = pin(&world.domain);
        assert_eq!(world.records[0].stamps(&pin), [3, 2, 1], "each commit once, newest first");
        for (stamp, value) in stamps.into_iter().zip(1..) {
            assert_eq!(world.records[0].read(stamp, &pin), Some(value), "what {stamp} wrote");
        }
    });
}

#[test]
fn mutants_of_three_committers() {
    mutants_die("three_committers", &["install-blind", "queue-next", "queue-tail", "head-install"]);
}
