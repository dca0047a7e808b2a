//! Two committers and a reader.
//!
//! *Invariant* (I-4, I-5, I-22): a reader at the root finds every write of every commit up to it and nothing above; a
//! commit of two keys is seen whole or not at all; chains are strictly descending; a committer that has returned is
//! visible to whoever asks afterwards.
//!
//! *Bound*: two threads without bound; three threads with preemption bound 2 (3 exceeds a minute).
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, World, mutants_die, pin};

fn check_read(world: &World) {
    let (stamp, values) = world.read_all();
    assert_eq!(values[0], values[1], "a torn commit at {stamp}");
    assert_eq!(values[0].is_some(), stamp > 0, "nothing or something too early at {stamp}");
}

fn check_end(world: &World, commits: u64) {
    let pin = pin(&world.domain);
    let expected: Vec<u64> = (1..=commits).rev().collect();
    for record in &world.records {
        assert_eq!(record.stamps(&pin), expected, "each commit once, newest first");
    }
}

#[test]
fn committer_and_reader() {
    Model { name: "committer_and_reader", bound: None, floor: 400 }.check(|| {
        let world = Arc::new(World::new(2));
        let (other, reader) = (Arc::clone(&world), Arc::clone(&world));
        let writer = thread::spawn(move || other.commit(&[0, 1], 7));
        let reader = thread::spawn(move || check_read(&reader));
        let stamp = writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(world.queue.published(), stamp, "a commit that returned is visible");
        check_end(&world, 1);
    });
}

#[test]
fn two_committers() {
    Model { name: "two_committers", bound: Some(3), floor: 60_000 }.check(|| {
        let world = Arc::new(World::new(2));
        let other = Arc::clone(&world);
        let writer = thread::spawn(move || other.commit(&[0, 1], 7));
        let mine = world.commit(&[1, 0], 8);
        assert!(world.queue.published() >= mine, "a commit that returned is visible");
        check_read(&world);
        let theirs = writer.join().unwrap();
        assert_ne!(mine, theirs, "one version each");
        check_end(&world, 2);
    });
}

#[test]
fn two_committers_and_a_reader() {
    Model { name: "two_committers_and_a_reader", bound: Some(2), floor: 5_000 }.check(|| {
        let world = Arc::new(World::new(2));
        let (other, reader) = (Arc::clone(&world), Arc::clone(&world));
        let writer = thread::spawn(move || other.commit(&[0, 1], 7));
        let reader = thread::spawn(move || check_read(&reader));
        world.commit(&[0, 1], 8);
        writer.join().unwrap();
        reader.join().unwrap();
        check_end(&world, 2);
    });
}

#[test]
fn mutants_of_committer_and_reader() {
    mutants_die("committer_and_reader", &["root-publish", "root-load"]);
}

#[test]
fn mutants_of_two_committers() {
    mutants_die(
        "two_committers",
        &[
            "queue-link",
            "queue-next",
            "queue-tail-load",
            "queue-head",
            "queue-head-load",
            "head-install",
            "head-load",
        ],
    );
}
