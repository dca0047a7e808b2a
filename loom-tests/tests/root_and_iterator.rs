//! An iterator over two leaves beside a commit that writes to both.
//!
//! *Invariant* (I-22, I-7, I-13): a snapshot sees a commit in every leaf or in none, and sees the same for as long as it
//! lives, though each step of the iterator has a pin of its own and leaves are split in between.
//!
//! These models run on whole maps, through the public interface. A leaf holds two sorted keys in a model and one more
//! in its tail, so four keys make two leaves.
//!
//! *Bound*: preemption bound 2.
//! *Equivalent here*: `root-publish`, for every reader passes a fence of its slot between the root and the chains; it is
//! `commit.rs` that needs it.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::{Map, Snapshot, WriteBatch};
use loom_tests::{Actor, Model, mutants_die, race};

/// Four keys, two leaves, value 0.
fn two_leaves() -> Map {
    let map = Map::new();
    for key in [b"c", b"g", b"k", b"x"] {
        map.put(key, [0]).unwrap();
    }
    assert_eq!(map.survey().leaves, 2);
    map
}

fn rows(snapshot: &Snapshot) -> Vec<(u8, u8)> {
    snapshot.iter().map(|(key, value)| (key[0], value[0])).collect()
}

/// Commits value 1 to both keys.
fn writer(map: &Map, keys: [u8; 2]) -> Actor<()> {
    let map = map.clone();
    Box::new(move || {
        let mut batch = WriteBatch::new();
        batch.put([keys[0]], [1]).put([keys[1]], [1]);
        map.commit(&batch).unwrap();
    })
}

/// Reads a snapshot twice, and finds what was there `before` the commit or what is there `after` it.
fn reader(map: &Map, before: &'static [(u8, u8)], after: &'static [(u8, u8)]) -> Actor<()> {
    let map = map.clone();
    Box::new(move || {
        let snapshot = map.snapshot();
        let expected = if snapshot.version().get() == 4 { before } else { after };
        assert_eq!(rows(&snapshot), expected, "all of the commit or nothing");
        assert_eq!(rows(&snapshot), expected, "and the same again");
    })
}

const BEFORE: &[(u8, u8)] = &[(b'c', 0), (b'g', 0), (b'k', 0), (b'x', 0)];

#[test]
fn overwrites_in_two_leaves() {
    Model { name: "overwrites_in_two_leaves", bound: Some(2), floor: 10_500 }.check_from_each(
        2,
        || {
            const AFTER: &[(u8, u8)] = &[(b'c', 1), (b'g', 0), (b'k', 0), (b'x', 1)];
            let map = two_leaves();
            race([writer(&map, [b'c', b'x']), reader(&map, BEFORE, AFTER)]);
            assert_eq!(rows(&map.snapshot()), AFTER);
        },
    );
}

#[test]
fn inserts_into_two_leaves() {
    Model { name: "inserts_into_two_leaves", bound: Some(2), floor: 7_500 }.check_from_each(
        2,
        || {
            const AFTER: &[(u8, u8)] =
                &[(b'a', 1), (b'c', 0), (b'g', 0), (b'k', 0), (b'x', 0), (b'z', 1)];
            let map = two_leaves();
            race([writer(&map, [b'a', b'z']), reader(&map, BEFORE, AFTER)]);
            assert_eq!(rows(&map.snapshot()), AFTER);
        },
    );
}

#[test]
fn mutants_of_overwrites_in_two_leaves() {
    mutants_die("overwrites_in_two_leaves", &["head-install", "register-naive"]);
}

#[test]
fn mutants_of_inserts_into_two_leaves() {
    mutants_die(
        "inserts_into_two_leaves",
        &["tail-append", "body-swap", "head-install", "early-free", "no-pin"],
    );
}
