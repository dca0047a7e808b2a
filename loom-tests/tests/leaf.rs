//! Inserts into one leaf, and a scan beside them.
//!
//! *Invariant* (I-14): of two inserts of one key, one makes the record and both get it; inserts of different keys are
//! both there; a scan sees, in order, everything that was inserted before it began, and nothing that was never inserted.
//!
//! A tail has one slot in a model, so the second key of a leaf folds it: bodies are swapped and retired here too.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.
//!
//! *Equivalent here*: `append-blind`, for with one slot whoever overlooks a key in the tail folds, and finds it sorted in.

#![cfg(epoch_loom)]

use epoch_store::internals::tally::Event;
use loom::sync::Arc;
use loom_tests::{Model, Shelf, actor, mutants_die, race};

#[test]
fn one_key_twice() {
    Model { name: "one_key_twice", bound: None, floor: 78 }.check_from_each(2, || {
        let shelf = Arc::new(Shelf::default());
        let insert = || actor(&shelf, |shelf| shelf.insert(b'k'));
        let [one, two] = race([insert(), insert()]);
        assert_eq!(one, two, "both callers get one record");
        shelf.check_whole(b"k");
    });
}

#[test]
fn two_keys() {
    Model { name: "two_keys", bound: None, floor: 78 }.check_from_each(2, || {
        let shelf = Arc::new(Shelf::default());
        let insert = |key| actor(&shelf, move |shelf| shelf.insert(key));
        let [one, two] = race([insert(b'b'), insert(b'a')]);
        assert_ne!(one, two, "a record each");
        shelf.check_whole(b"ab");
        assert_eq!(shelf.buried(), shelf.count(Event::Folds), "each old body is retired once");
    });
}

#[test]
fn two_inserts_and_a_scan() {
    Model { name: "two_inserts_and_a_scan", bound: None, floor: 120 }.check_from_each(2, || {
        let shelf = Shelf::with(b"m");
        shelf.fold(b'm');
        let shelf = Arc::new(shelf);
        let writer = actor(&shelf, |shelf| {
            shelf.insert(b'x');
            shelf.insert(b'a');
        });
        let reader = actor(&shelf, |shelf| {
            let keys = shelf.scan();
            // In the order of their inserts: m was there, x came before a.
            assert!([b"m" as &[u8], b"mx", b"amx"].contains(&&*keys), "a scan saw {keys:?}");
        });
        race([writer, reader]);
        shelf.check_whole(b"amx");
    });
}

#[test]
fn one_key_twice_and_a_scan() {
    Model { name: "one_key_twice_and_a_scan", bound: Some(3), floor: 3_000 }.check_from_each(
        2,
        || {
            let shelf = Arc::new(Shelf::default());
            let insert = || actor(&shelf, |shelf| shelf.insert(b'k'));
            let reader = actor(&shelf, |shelf| {
                let (before, after) = (shelf.scan(), shelf.scan());
                assert!(
                    before.len() <= after.len() && b"k".starts_with(&after),
                    "nothing goes away"
                );
                shelf.insert(b'k')
            });
            let [one, two, three] = race([insert(), reader, insert()]);
            assert!(one == two && two == three, "all callers get one record");
            shelf.check_whole(b"k");
        },
    );
}

#[test]
fn mutants_of_one_key_twice() {
    mutants_die("one_key_twice", &["tail-append", "tail-load", "append-ignores-loss"]);
}

#[test]
fn mutants_of_two_keys() {
    mutants_die("two_keys", &["append-ignores-loss", "tail-append", "tail-load"]);
}

#[test]
fn mutants_of_two_inserts_and_a_scan() {
    mutants_die(
        "two_inserts_and_a_scan",
        &["tail-append", "tail-load", "body-swap", "body-load", "early-free", "no-pin"],
    );
}

#[test]
fn mutants_of_one_key_twice_and_a_scan() {
    mutants_die("one_key_twice_and_a_scan", &["tail-append", "append-ignores-loss"]);
}
