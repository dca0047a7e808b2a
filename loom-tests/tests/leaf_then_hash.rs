//! A key enters the leaf first, the hash second, and its commit is ordered third.
//!
//! *Invariant* (I-20; rule 14): a snapshot that includes a commit finds its keys by hash and in their leaves alike,
//! whoever put them there: a writer that finds a key in the leaf which the hash does not know yet does not leave the hash
//! to the one who made the record, for that one may sleep.
//!
//! These models run on whole maps, through the public interface.
//!
//! *Bound*: a writer beside a reader with preemption bound 2, two writers with 1.
//! *Equivalent here*: `root-publish`, as in `root_and_iterator.rs`.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::{Map, Snapshot};
use loom_tests::{Actor, Model, mutants_die, race};

const KEY: &[u8] = b"k";

/// Both ways to a key agree.
fn check_agree(snapshot: &Snapshot, there: bool) {
    assert_eq!(snapshot.contains(KEY), there, "by hash");
    assert_eq!(snapshot.iter().count(), usize::from(there), "in the leaf");
}

/// Puts the key, and looks for it by hash: in the leaf it has been all the longer.
fn writer(map: &Map, value: u8) -> Actor<()> {
    let map = map.clone();
    Box::new(move || {
        let version = map.put(KEY, [value]).unwrap();
        let snapshot = map.snapshot();
        assert!(snapshot.version() >= version, "a commit that returned is visible");
        assert!(snapshot.contains(KEY), "and found");
    })
}

/// Looks for the key, which is there if anything has been committed.
fn reader(map: &Map) -> Actor<()> {
    let snapshot_of = map.clone();
    Box::new(move || {
        let snapshot = snapshot_of.snapshot();
        check_agree(&snapshot, snapshot.version().get() > 0);
    })
}

#[test]
fn writer_and_reader() {
    Model { name: "writer_and_reader", bound: Some(2), floor: 8_200 }.check_from_each(2, || {
        let map = Map::new();
        race([writer(&map, 1), reader(&map)]);
        check_agree(&map.snapshot(), true);
    });
}

#[test]
fn two_writers() {
    Model { name: "two_writers", bound: Some(1), floor: 90_000 }.check_from_each(2, || {
        let map = Map::new();
        race([writer(&map, 1), writer(&map, 2)]);
        check_agree(&map.snapshot(), true);
        assert_eq!(map.stats().records, 1, "one record for one key");
    });
}

#[test]
fn mutants_of_writer_and_reader() {
    mutants_die("writer_and_reader", &["hash-after-publish", "slot-insert"]);
}

#[test]
fn mutants_of_two_writers() {
    mutants_die("two_writers", &["hash-left-to-maker", "append-ignores-loss"]);
}
