//! Commits that depend on what was read: two that read what the other writes, beside writers and helpers.
//!
//! *Invariant* (I-46): a commit is admitted only if what it has read stands at its place in the order, and refused only if a
//! commit before it, admitted or without a check, wrote to that; a refused one is nowhere to be seen; everybody comes to the same verdict. Nothing that a verdict looks at, from the
//! owner's entry into the queue on, is freed under whoever judges.
//!
//! *Bound*: two threads, with preemption bound 3 or without.

#![cfg(epoch_loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, Outcome, World, actor, mutants_die, pin, race};

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
    Model { name: "write_skew", bound: Some(3), floor: 90_000 }.check_from_each(2, || {
        let world = Arc::new(World::new(2));
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || other.commit_if(B, A, 7));
        let mine = world.commit_if(A, B, 8);
        let theirs = theirs.join().unwrap();
        check(&world, &[(A, B, mine), (B, A, theirs)]);
        let is_admitted = |outcome: &Outcome| matches!(outcome, Outcome::Admitted(_));
        let admitted = [mine, theirs].into_iter().filter(is_admitted).count();
        assert_eq!(admitted, 1, "one of two that read what the other writes");
    });
}

#[test]
fn refused_before() {
    Model { name: "refused_before", bound: Some(3), floor: 160_000 }.check_from_each(2, || {
        let world = Arc::new(World::new(3));
        let mut first = Outcome::NotOrdered;
        let second = world.commit_if_after(B, C, 9, || {
            let writer = actor(&world, |world| {
                world.commit(&[A], 7);
                Outcome::NotOrdered
            });
            first = race([writer, actor(&world, |world| world.commit_if(A, B, 8))])[1];
        });
        check(&world, &[(A, B, first), (B, C, second)]);
    });
}

#[test]
fn judged_by_a_helper() {
    Model { name: "judged_by_a_helper", bound: None, floor: 50_000 }.check(|| {
        let world = Arc::new(World::new(2));
        let mut helper = None;
        let outcome = world.commit_if_after(A, B, 8, || {
            // Retires the descriptor from which on the owner and its helper look.
            world.commit(&[A], 7);
            let world = Arc::clone(&world);
            helper = Some(thread::spawn(move || world.help()));
        });
        helper.expect("reading found nothing written").join().unwrap();
        assert!(matches!(outcome, Outcome::Refused(_)), "overtaken between reading and ordering");
        check(&world, &[(A, B, outcome)]);
    });
}

#[test]
fn mutants_of_write_skew() {
    mutants_die("write_skew", &["judge-blind", "validated-unpublished"]);
}

#[test]
fn mutants_of_refused_before() {
    mutants_die("refused_before", &["refused-counts", "judge-blind"]);
}

#[test]
fn mutants_of_judged_by_a_helper() {
    mutants_die("judged_by_a_helper", &["early-free", "no-pin", "one-grace"]);
}
