//! Folding a tail into its body, against an append, another fold, and a reader inside the old body.
//!
//! *Invariant* (I-14, I-1, I-2): a fold loses no append and puts no key in twice; of two folds of one body one wins, and
//! the body is retired once; who reads a body under a pin reads all of it, however often it is replaced meanwhile.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::list::Within;
use epoch_store::internals::tally::Event;
use loom::sync::Arc;
use loom_tests::{Model, Shelf, actor, mutants_die, pin, race};
use std::ops::Bound;

/// A leaf with one sorted key and an empty tail.
fn folded() -> Arc<Shelf> {
    let shelf = Shelf::with(b"m");
    shelf.fold(b'm');
    Arc::new(shelf)
}

fn check_end(shelf: &Shelf, keys: &[u8]) {
    shelf.check_whole(keys);
    assert_eq!(shelf.buried(), shelf.count(Event::Folds), "one body retired for each fold");
}

#[test]
fn append_and_fold() {
    Model { name: "append_and_fold", bound: None, floor: 400 }.check_from_each(2, || {
        let shelf = folded();
        let writer = actor(&shelf, |shelf| Some(shelf.insert(b'a')));
        let folder = actor(&shelf, |shelf| {
            shelf.fold(b'm');
            None
        });
        let [record, _] = race([writer, folder]);
        assert_eq!(Some(shelf.insert(b'a')), record, "the key keeps its record");
        check_end(&shelf, b"am");
    });
}

#[test]
fn two_folds_of_one_body() {
    Model { name: "two_folds_of_one_body", bound: None, floor: 78 }.check_from_each(2, || {
        let shelf = Arc::new(Shelf::with(b"m"));
        let fold = || actor(&shelf, |shelf| shelf.fold(b'm'));
        race([fold(), fold()]);
        let (won, lost) = (shelf.count(Event::Folds), shelf.count(Event::CasFailures));
        assert_eq!(won + lost, 2, "a fold wins or it loses");
        assert!(won >= 1, "a fold fails only where another one won");
        check_end(&shelf, b"m");
    });
}

#[test]
fn reader_in_a_folded_body() {
    Model { name: "reader_in_a_folded_body", bound: None, floor: 39 }.check_from_each(2, || {
        let shelf = Arc::new(Shelf::with(b"m"));
        let folder = actor(&shelf, |shelf| shelf.fold(b'm'));
        let reader = actor(&shelf, |shelf| {
            let pin = pin(&shelf.domain);
            let (leaf, body) = shelf.list.locate(b"m", &pin, &shelf.tally);
            let all = Within { from: Bound::Unbounded, to: Bound::Unbounded };
            for _ in 0..2 {
                let mut found = Vec::new();
                body.collect(leaf.low(), all, &mut found);
                assert_eq!(found.len(), 1, "a body under a pin stays whole");
            }
        });
        race([folder, reader]);
        check_end(&shelf, b"m");
    });
}

#[test]
fn append_fold_and_scan() {
    Model { name: "append_fold_and_scan", bound: Some(3), floor: 8_000 }.check_from_each(3, || {
        let shelf = folded();
        let writer = actor(&shelf, |shelf| assert_ne!(shelf.insert(b'x'), 0));
        let folder = actor(&shelf, |shelf| shelf.fold(b'm'));
        let reader = actor(&shelf, |shelf| assert!(b"mx".starts_with(&shelf.scan())));
        race([writer, folder, reader]);
        check_end(&shelf, b"mx");
    });
}

#[test]
fn mutants_of_append_and_fold() {
    mutants_die("append_and_fold", &["fold-unsealed", "tail-append", "tail-load", "body-swap"]);
}

#[test]
fn mutants_of_two_folds_of_one_body() {
    mutants_die("two_folds_of_one_body", &["body-swap", "body-load", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_reader_in_a_folded_body() {
    mutants_die("reader_in_a_folded_body", &["body-swap", "body-load", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_append_fold_and_scan() {
    mutants_die("append_fold_and_scan", &["fold-unsealed", "body-swap", "body-load", "no-pin"]);
}
