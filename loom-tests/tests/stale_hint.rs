//! An index that is behind, and those who find their leaves all the same, and mend it.
//!
//! *Invariant* (I-15, I-1, I-2): from an index that misses one leaf, or two, whoever looks for a key comes to the leaf
//! that holds it; whoever walked adds the leaf that he came to; of two who add, one swap wins, the other tries again or
//! finds it done; every node of an old tree is retired once and not read by anyone who pins later.
//!
//! A node has two children in a model, so the third leaf splits the index's root; any walk counts as long.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use loom::sync::Arc;
use loom_tests::{Actor, Model, Shelf, actor, mutants_die, race};

/// Leaves `[c g]`, `[k n]`, `[t ..]`; the index knows the first only.
fn forgotten(keys: &[u8]) -> Arc<Shelf> {
    let mut shelf = Shelf::with(keys);
    shelf.list.forget_index();
    Arc::new(shelf)
}

/// Each key looked for, each tree in between retired, and no walk left to do: another look changes nothing.
fn check_mended(shelf: &Shelf, keys: &[u8], retired: usize) {
    shelf.check_whole(keys);
    assert_eq!(shelf.buried(), retired, "every node that was replaced is retired, once");
    shelf.check_whole(keys);
    assert_eq!(shelf.buried(), retired, "the index knows every leaf: nobody walks or mends");
}

fn look(shelf: &Arc<Shelf>, key: u8) -> Actor<()> {
    actor(shelf, move |shelf| shelf.check_located(key))
}

#[test]
fn one_leaf_behind() {
    Model { name: "one_leaf_behind", bound: None, floor: 120 }.check_from_each(2, || {
        let shelf = forgotten(b"cgkn");
        let before = shelf.buried();
        race([look(&shelf, b'k'), look(&shelf, b'n')]);
        check_mended(&shelf, b"cgkn", before + 1);
    });
}

#[test]
fn two_leaves_behind() {
    Model { name: "two_leaves_behind", bound: None, floor: 120 }.check_from_each(2, || {
        let shelf = forgotten(b"cgkntv");
        let before = shelf.buried();
        race([look(&shelf, b'k'), look(&shelf, b't')]);
        // The first addition copies the root; the second splits it.
        check_mended(&shelf, b"cgkntv", before + 2);
    });
}

#[test]
fn split_beside_a_walk() {
    Model { name: "split_beside_a_walk", bound: None, floor: 540 }.check_from_each(2, || {
        // The last leaf is full: whoever inserts splits it, and adds a leaf to an index that misses another.
        let shelf = forgotten(b"cgkntv");
        let writer = actor(&shelf, |shelf| assert_ne!(shelf.insert(b'x'), 0));
        race([writer, look(&shelf, b't')]);
        shelf.check_whole(b"cgkntvx");
        let retired = shelf.buried();
        check_mended(&shelf, b"cgkntvx", retired);
    });
}

#[test]
fn three_walkers() {
    Model { name: "three_walkers", bound: Some(3), floor: 4_300 }.check_from_each(3, || {
        let shelf = forgotten(b"cgkntv");
        let before = shelf.buried();
        race([b'c', b'k', b't'].map(|key| look(&shelf, key)));
        check_mended(&shelf, b"cgkntv", before + 2);
    });
}

#[test]
fn mutants_of_one_leaf_behind() {
    mutants_die(
        "one_leaf_behind",
        &["index-swap", "index-load", "index-add-skipped", "early-free", "no-pin"],
    );
}

#[test]
fn mutants_of_two_leaves_behind() {
    mutants_die("two_leaves_behind", &["index-swap", "index-load", "index-add-skipped", "no-pin"]);
}

#[test]
fn mutants_of_split_beside_a_walk() {
    mutants_die("split_beside_a_walk", &["index-swap", "index-load", "body-swap", "early-free"]);
}

#[test]
fn mutants_of_three_walkers() {
    mutants_die("three_walkers", &["index-swap", "index-load", "early-free"]);
}
