//! Commits that depend on what was read: two that read what the other writes, beside writers and helpers.
//!
//! *Invariant* (I-46): a commit is refused exactly if a commit before it, admitted or without a check, wrote to what it has
//! read; a refused one is nowhere to be seen; everybody comes to the same verdict. Nothing that a verdict looks at, from the
//! owner's entry into the queue on, is freed under whoever judges.
//!
//! *Bound*: two threads without bound; three with preemption bound 2.

#![cfg(epoch_loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, Outcome, World, mutants_die, pin};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// What became of commits that read one record and wrote another is what the chains say.
fn check(world: &World, commits: &[(usize, usize, Outcome)]) {
    let pin = pin(&world.domain);
    let stamps = |record: usize| world.records[record].stamps(&pin);
    for &(read, written, outcome) in commits {
        let overtaken_before = |limit| stamps(read).iter().any(|&stamp| stamp < limit);
        match outcome {
            Outcome::NotOrdered => assert!(overtaken_before(u64::MAX), "refused for nothing"),
            Outcome::Refused(stamp) => {
                assert!(overtaken_before(stamp), "{stamp} was refused for nothing");
                assert!(!stamps(written).contains(&stamp), "{stamp} was refused and is there");
            }
            Outcome::Admitted(stamp) => {
                assert!(!overtaken_before(stamp), "{stamp} did not see what was before it");
                assert!(stamps(written).contains(&stamp), "{stamp} was admitted and is not there");
                assert!(world.queue.published() >= stamp, "a commit that returned is visible");
            }
        }
    }
}

#[test]
fn write_skew() {
    Model { name: "write_skew", bound: None, floor: 1_000 }.check_from_each(2, || {
        let world = Arc::new(World::new(2));
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || other.commit_if(B, A, 7));
        let mine = world.commit_if(A, B, 8);
        let theirs = theirs.join().unwrap();
        check(&world, &[(A, B, mine), (B, A, theirs)]);
        let admitted = [mine, theirs].iter().filter(|it| matches!(it, Outcome::Admitted(_)));
        assert_eq!(admitted.count(), 1, "one of two that read what the other writes");
    });
}

#[test]
fn refused_before() {
    Model { name: "refused_before", bound: Some(2), floor: 1_000 }.check(|| {
        let world = Arc::new(World::new(3));
        let (one, two) = (Arc::clone(&world), Arc::clone(&world));
        let writer = thread::spawn(move || one.commit(&[A], 7));
        let first = thread::spawn(move || two.commit_if(A, B, 8));
        let second = world.commit_if(B, C, 9);
        writer.join().unwrap();
        check(&world, &[(A, B, first.join().unwrap()), (B, C, second)]);
    });
}

#[test]
fn judged_by_a_helper() {
    Model { name: "judged_by_a_helper", bound: Some(2), floor: 1_000 }.check(|| {
        let world = Arc::new(World::new(2));
        let (one, two) = (Arc::clone(&world), Arc::clone(&world));
        let writer = thread::spawn(move || (one.commit(&[B], 5), one.commit(&[A], 7)));
        let owner = thread::spawn(move || two.commit_if(A, B, 8));
        world.help();
        writer.join().unwrap();
        check(&world, &[(A, B, owner.join().unwrap())]);
    });
}

#[test]
fn mutants_of_write_skew() {
    mutants_die("write_skew", &["judge-blind"]);
}

#[test]
fn mutants_of_refused_before() {
    mutants_die("refused_before", &["refused-counts", "judge-blind"]);
}

#[test]
fn mutants_of_judged_by_a_helper() {
    mutants_die(
        "judged_by_a_helper",
        &["window-from-late-head", "early-free", "no-pin", "one-grace"],
    );
}
