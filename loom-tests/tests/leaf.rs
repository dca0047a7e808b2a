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
use loom::thread;
use loom_tests::{Model, Shelf, mutants_die};

fn two_inserters(shelf: &Arc<Shelf>, first: u8, second: u8) -> (usize, usize) {
    let (one, two) = (Arc::clone(shelf), Arc::clone(shelf));
    let one = thread::spawn(move || one.insert(first));
    let two = thread::spawn(move || two.insert(second));
    (one.join().unwrap(), two.join().unwrap())
}

#[test]
fn one_key_twice() {
    Model { name: "one_key_twice", bound: None, floor: 39 }.check(|| {
        let shelf = Arc::new(Shelf::default());
        let (one, two) = two_inserters(&shelf, b'k', b'k');
        assert_eq!(one, two, "both callers get one record");
        shelf.check_whole(b"k");
    });
}

#[test]
fn two_keys() {
    Model { name: "two_keys", bound: None, floor: 39 }.check(|| {
        let shelf = Arc::new(Shelf::default());
        let (one, two) = two_inserters(&shelf, b'b', b'a');
        assert_ne!(one, two, "a record each");
        shelf.check_whole(b"ab");
        assert_eq!(shelf.buried(), shelf.count(Event::Folds), "each old body is retired once");
    });
}

#[test]
fn two_inserts_and_a_scan() {
    Model { name: "two_inserts_and_a_scan", bound: None, floor: 110 }.check(|| {
        let shelf = Shelf::with(b"m");
        shelf.fold(b'm');
        let shelf = Arc::new(shelf);
        let (writer, reader) = (Arc::clone(&shelf), Arc::clone(&shelf));
        let writer = thread::spawn(move || {
            writer.insert(b'x');
            writer.insert(b'a');
        });
        let reader = thread::spawn(move || {
            let keys = reader.scan();
            // In the order of their inserts: m was there, x came before a.
            assert!([b"m" as &[u8], b"mx", b"amx"].contains(&&*keys), "a scan saw {keys:?}");
        });
        writer.join().unwrap();
        reader.join().unwrap();
        shelf.check_whole(b"amx");
    });
}

#[test]
fn one_key_twice_and_a_scan() {
    Model { name: "one_key_twice_and_a_scan", bound: Some(3), floor: 1_100 }.check(|| {
        let shelf = Arc::new(Shelf::default());
        let reader = Arc::clone(&shelf);
        let reader = thread::spawn(move || {
            let (before, after) = (reader.scan(), reader.scan());
            assert!(before.len() <= after.len() && b"k".starts_with(&after), "nothing goes away");
        });
        let (one, two) = two_inserters(&shelf, b'k', b'k');
        assert_eq!(one, two, "both callers get one record");
        reader.join().unwrap();
        shelf.check_whole(b"k");
    });
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
