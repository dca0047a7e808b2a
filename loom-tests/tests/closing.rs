//! The last handle of a store goes, while snapshots of it go too.
//!
//! *Invariant* (I-30; rule 27): the store is freed once, by whoever was last, and not before every use of it by others.
//! Each use reads a plain cell of the store that the free writes to, so that loom reports a use that is not ordered before.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::store::{OpenSlot, Options, StoreRef, stores_freed};
use loom_tests::{Actor, Model, mutants_die, race};

/// Uses the store through a handle, and gives it up.
fn drop_handle(store: StoreRef) -> Actor<()> {
    Box::new(move || assert_eq!(store.published(), 0))
}

/// Uses the store through a snapshot, and gives it up.
fn drop_slot(slot: OpenSlot) -> Actor<()> {
    Box::new(move || assert_eq!(slot.store().published(), slot.stamp()))
}

fn new_store() -> (StoreRef, usize) {
    (StoreRef::new(Options::default()), stores_freed())
}

fn check_freed(before: usize) {
    assert_eq!(stores_freed() - before, 1, "the store is freed once");
}

#[test]
fn handle_and_handle() {
    Model { name: "handle_and_handle", bound: None, floor: 15 }.check_from_each(2, || {
        let (store, before) = new_store();
        race([drop_handle(store.clone()), drop_handle(store)]);
        check_freed(before);
    });
}

#[test]
fn handle_and_snapshot() {
    Model { name: "handle_and_snapshot", bound: None, floor: 62 }.check_from_each(2, || {
        let (store, before) = new_store();
        let slot = store.open_slot();
        race([drop_handle(store), drop_slot(slot)]);
        check_freed(before);
    });
}

#[test]
fn snapshot_and_its_clone() {
    Model { name: "snapshot_and_its_clone", bound: None, floor: 31 }.check_from_each(2, || {
        let (store, before) = new_store();
        let slot = store.open_slot();
        drop(store);
        assert_eq!(stores_freed(), before, "a snapshot keeps the store");
        race([drop_slot(slot.clone()), drop_slot(slot)]);
        check_freed(before);
    });
}

#[test]
fn handle_and_two_snapshots() {
    Model { name: "handle_and_two_snapshots", bound: Some(3), floor: 7_400 }.check_from_each(
        3,
        || {
            let (store, before) = new_store();
            let (one, two) = (store.open_slot(), store.open_slot());
            race([drop_handle(store), drop_slot(one), drop_slot(two)]);
            check_freed(before);
        },
    );
}

#[test]
fn handle_snapshot_and_its_clone() {
    Model { name: "handle_snapshot_and_its_clone", bound: Some(3), floor: 11_000 }.check_from_each(
        3,
        || {
            let (store, before) = new_store();
            let slot = store.open_slot();
            race([drop_handle(store), drop_slot(slot.clone()), drop_slot(slot)]);
            check_freed(before);
        },
    );
}

#[test]
fn mutants_of_handle_and_handle() {
    mutants_die("handle_and_handle", &["handles-drop", "any-handle-closes"]);
}

#[test]
fn mutants_of_handle_and_snapshot() {
    mutants_die(
        "handle_and_snapshot",
        &["closing-counts-none", "open-count", "slot-count-release", "slot-closing"],
    );
}

#[test]
fn mutants_of_snapshot_and_its_clone() {
    mutants_die("snapshot_and_its_clone", &["clone-release", "closing-counts-none"]);
}

#[test]
fn mutants_of_handle_and_two_snapshots() {
    mutants_die("handle_and_two_snapshots", &["open-count", "closing-counts-none"]);
}

#[test]
fn mutants_of_handle_snapshot_and_its_clone() {
    mutants_die("handle_snapshot_and_its_clone", &["clone-release", "slot-count-release"]);
}
