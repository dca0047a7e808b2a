//! A leaf is split while others insert into it, or scan across it.
//!
//! *Invariant* (I-13, I-14, I-16): the swap that splits a leaf loses no key and doubles none; whoever comes with a key of
//! the new right leaf finds it there, index or no index; a scan over both sees every key that was there.
//!
//! A body holds two sorted keys in a model, and its tail one: the fourth key of a leaf splits it.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::tally::Event;
use loom::sync::Arc;
use loom_tests::{Actor, Model, Shelf, actor, mutants_die, race};

/// A full leaf, two sorted keys and one in the tail, with a neighbour to its right.
fn full() -> Arc<Shelf> {
    let shelf = Shelf::with(b"cgkxe");
    assert_eq!(shelf.count(Event::Splits), 1, "two leaves to begin with");
    Arc::new(shelf)
}

fn insert(shelf: &Arc<Shelf>, key: u8) -> Actor<usize> {
    actor(shelf, move |shelf| shelf.insert(key))
}

/// Scans, and finds every key that was there before, and of these `new` ones any number.
fn scan(shelf: &Arc<Shelf>, new: &'static [u8]) -> Actor<usize> {
    actor(shelf, move |shelf| {
        let mut keys = shelf.scan();
        keys.retain(|key| !new.contains(key));
        assert_eq!(keys, b"cegkx", "a scan misses none, and invents none");
        0
    })
}

fn check_end(shelf: &Shelf, keys: &[u8]) {
    assert!(shelf.count(Event::Splits) >= 2, "the leaf was split");
    shelf.check_whole(keys);
}

#[test]
fn two_inserts_split() {
    Model { name: "two_inserts_split", bound: None, floor: 510 }.check_from_each(2, || {
        let shelf = full();
        let [left, right] = race([insert(&shelf, b'a'), insert(&shelf, b'f')]);
        assert_ne!(left, right, "a record each");
        check_end(&shelf, b"acefgkx");
    });
}

#[test]
fn one_key_in_a_splitting_leaf() {
    Model { name: "one_key_in_a_splitting_leaf", bound: None, floor: 6_200 }.check_from_each(
        2,
        || {
            let shelf = full();
            let [one, two] = race([insert(&shelf, b'f'), insert(&shelf, b'f')]);
            assert_eq!(one, two, "both callers get one record");
            check_end(&shelf, b"cefgkx");
        },
    );
}

#[test]
fn split_and_scan() {
    Model { name: "split_and_scan", bound: None, floor: 690 }.check_from_each(2, || {
        let shelf = full();
        race([insert(&shelf, b'f'), scan(&shelf, b"f")]);
        check_end(&shelf, b"cefgkx");
    });
}

#[test]
fn two_inserts_split_and_a_scan() {
    Model { name: "two_inserts_split_and_a_scan", bound: Some(3), floor: 14_000 }.check_from_each(
        3,
        || {
            let shelf = full();
            race([insert(&shelf, b'a'), insert(&shelf, b'f'), scan(&shelf, b"af")]);
            check_end(&shelf, b"acefgkx");
        },
    );
}

#[test]
fn mutants_of_two_inserts_split() {
    mutants_die("two_inserts_split", &["split-loses-next", "body-swap", "body-load"]);
}

#[test]
fn mutants_of_one_key_in_a_splitting_leaf() {
    mutants_die("one_key_in_a_splitting_leaf", &["append-ignores-loss", "body-swap", "body-load"]);
}

#[test]
fn mutants_of_split_and_scan() {
    mutants_die("split_and_scan", &["body-swap", "body-load", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_two_inserts_split_and_a_scan() {
    mutants_die("two_inserts_split_and_a_scan", &["split-loses-next", "body-swap", "early-free"]);
}
