//! Sealed records leave their leaf, while their keys are written again, and others fold, append, and scan.
//!
//! *Invariant* (I-43, I-14): a sealed record is out of the list when its sealer is told so, and never comes back; nothing
//! else goes with it; whoever writes its key anew gets another record, the same for all; readers of old bodies may meet
//! the sealed one, and it is still there.
//!
//! A record is sealed empty here: to a leaf, sealed is sealed. A body holds two sorted keys in a model, its tail one.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::tally::Event;
use loom::sync::Arc;
use loom_tests::{Listed, Model, Shelf, actor, mutants_die, race};

/// A shelf with these keys, and the record of one of them.
fn shelf(keys: &[u8], key: u8) -> (Arc<Shelf>, Listed) {
    let shelf = Shelf::with(keys);
    let listed = shelf.listed(key);
    (Arc::new(shelf), listed)
}

/// Everything replaced was retired once: a body per fold, and so many records.
fn check_end(shelf: &Shelf, keys: &[u8], records: usize) {
    shelf.check_keys(keys);
    assert_eq!(
        shelf.buried(),
        shelf.count(Event::Folds) + records,
        "a body for each fold, records"
    );
}

#[test]
fn removed_and_written_anew() {
    Model { name: "removed_and_written_anew", bound: None, floor: 200_000 }.check_from_each(
        2,
        || {
            // In the tail, beside one that is sorted in.
            let (shelf, old) = shelf(b"mk", b'k');
            let sealer = actor(&shelf, move |shelf| {
                shelf.remove(old);
                0
            });
            let writer = actor(&shelf, move |shelf| {
                let first = shelf.insert(b'k');
                let second = shelf.insert(b'k');
                assert!(
                    first == old.address() || first == second,
                    "only a sealed record is replaced"
                );
                second
            });
            let [_, new] = race([sealer, writer]);
            assert_ne!(shelf.insert(b'k'), old.address(), "the old one never comes back");
            assert!(new == old.address() || new == shelf.insert(b'k'), "and the new one stays");
            check_end(&shelf, b"km", 1);
        },
    );
}

#[test]
fn sealed_is_replaced() {
    Model { name: "sealed_is_replaced", bound: None, floor: 8_000 }.check_from_each(2, || {
        let (shelf, old) = shelf(b"mk", b'k');
        assert!(old.seal(), "sealed before anything else");
        let write = || actor(&shelf, |shelf| shelf.insert(b'k'));
        let [one, two] = race([write(), write()]);
        assert_ne!(one, old.address(), "a sealed record is not given out");
        assert_eq!(one, two, "both writers get one new record");
        shelf.check_keys(b"km");
    });
}

#[test]
fn removal_beside_an_insert() {
    Model { name: "removal_beside_an_insert", bound: None, floor: 70_000 }.check_from_each(
        2,
        || {
            let (shelf, old) = shelf(b"mk", b'k');
            let sealer = actor(&shelf, move |shelf| shelf.remove(old));
            // Finds the tail full: folds, and maybe before the record is sealed.
            let writer = actor(&shelf, |shelf| assert_ne!(shelf.insert(b'x'), 0));
            race([sealer, writer]);
            check_end(&shelf, b"mx", 1);
        },
    );
}

#[test]
fn two_removed_and_a_scan() {
    Model { name: "two_removed_and_a_scan", bound: Some(3), floor: 110_000 }.check_from_each(
        3,
        || {
            let (shelf, k) = shelf(b"mk", b'k');
            let m = shelf.listed(b'm');
            let sealer = |listed| actor(&shelf, move |shelf| shelf.remove(listed));
            let reader = actor(&shelf, |shelf| {
                let keys = shelf.scan_live();
                assert!([b"km" as &[u8], b"k", b"m", b""].contains(&&*keys), "a scan saw {keys:?}");
            });
            race([sealer(k), reader, sealer(m)]);
            check_end(&shelf, b"", 2);
        },
    );
}

#[test]
fn mutants_of_removed_and_written_anew() {
    mutants_die("removed_and_written_anew", &["body-swap", "body-load", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_sealed_is_replaced() {
    mutants_die("sealed_is_replaced", &["sealed-found", "append-ignores-loss", "body-swap"]);
}

#[test]
fn mutants_of_removal_beside_an_insert() {
    mutants_die("removal_beside_an_insert", &["drop-unchecked", "drop-unnoted", "fold-unsealed"]);
}

#[test]
fn mutants_of_two_removed_and_a_scan() {
    mutants_die("two_removed_and_a_scan", &["early-free", "no-pin", "body-swap"]);
}
