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
use loom::thread;
use loom_tests::{Model, Shelf, mutants_die};

/// A full leaf, two sorted keys and one in the tail, with a neighbour to its right.
fn full() -> Arc<Shelf> {
    let shelf = Shelf::with(b"cgkxe");
    assert_eq!(shelf.count(Event::Splits), 1, "two leaves to begin with");
    Arc::new(shelf)
}

fn spawn_insert(shelf: &Arc<Shelf>, key: u8) -> thread::JoinHandle<usize> {
    let shelf = Arc::clone(shelf);
    thread::spawn(move || shelf.insert(key))
}

fn check_end(shelf: &Shelf, keys: &[u8]) {
    assert!(shelf.count(Event::Splits) >= 2, "the leaf was split");
    shelf.check_whole(keys);
}

#[test]
fn two_inserts_split() {
    Model { name: "two_inserts_split", bound: None, floor: 400 }.check(|| {
        let shelf = full();
        let (left, right) = (spawn_insert(&shelf, b'a'), spawn_insert(&shelf, b'f'));
        assert_ne!(left.join().unwrap(), right.join().unwrap(), "a record each");
        check_end(&shelf, b"acefgkx");
    });
}

#[test]
fn one_key_in_a_splitting_leaf() {
    Model { name: "one_key_in_a_splitting_leaf", bound: None, floor: 2_200 }.check(|| {
        let shelf = full();
        let (one, two) = (spawn_insert(&shelf, b'f'), spawn_insert(&shelf, b'f'));
        assert_eq!(one.join().unwrap(), two.join().unwrap(), "both callers get one record");
        check_end(&shelf, b"cefgkx");
    });
}

#[test]
fn split_and_scan() {
    Model { name: "split_and_scan", bound: None, floor: 680 }.check(|| {
        let shelf = full();
        let reader = Arc::clone(&shelf);
        let writer = spawn_insert(&shelf, b'f');
        let reader = thread::spawn(move || {
            let keys = reader.scan();
            assert!([b"cegkx" as &[u8], b"cefgkx"].contains(&&*keys), "a scan saw {keys:?}");
        });
        writer.join().unwrap();
        reader.join().unwrap();
        check_end(&shelf, b"cefgkx");
    });
}

#[test]
fn two_inserts_split_and_a_scan() {
    Model { name: "two_inserts_split_and_a_scan", bound: Some(3), floor: 5_300 }.check(|| {
        let shelf = full();
        let reader = Arc::clone(&shelf);
        let (left, right) = (spawn_insert(&shelf, b'a'), spawn_insert(&shelf, b'f'));
        let reader = thread::spawn(move || {
            let keys = reader.scan();
            assert!(b"cegkx".iter().all(|key| keys.contains(key)), "a scan missed one: {keys:?}");
        });
        left.join().unwrap();
        right.join().unwrap();
        reader.join().unwrap();
        check_end(&shelf, b"acefgkx");
    });
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
