//! Leaves in which nothing is left are unlinked, under those who insert, split, look and add to the index.
//!
//! *Invariant* (I-44, I-45, I-1, I-3): no key is put into a leaf after its freeze; each frozen leaf is unlinked once, whoever
//! helps, and its neighbours with it if they froze too; nobody comes to a leaf that was freed: not from the index, though a
//! slow thread added it late, and not from another frozen leaf; a scan in either direction sees what was there.
//!
//! A body holds two sorted keys in a model, its tail one, and an index node two children; any walk counts as long. Records
//! are sealed empty. *Bound*: two threads without bound where that ends soon, else with preemption bound 2
//! to 5; three with 2 or 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use loom::sync::Arc;
use loom_tests::{Actor, Listed, Model, Shelf, actor, mutants_die, race};

/// Leaves `[c g]`, `[k]`, and `[t]` if `keys` go so far.
fn shelf(keys: &[u8]) -> Shelf {
    let shelf = Shelf::with(keys);
    for key in [b'n', b'v'] {
        if keys.contains(&key) {
            let listed = shelf.listed(key);
            shelf.remove(listed);
        }
    }
    shelf
}

/// Leaves `[c g]` and `[k]`, of which the index knows the first only, and the record of `k`.
fn unindexed() -> (Arc<Shelf>, Listed) {
    let mut shelf = shelf(b"cgkn");
    let listed = shelf.listed(b'k');
    shelf.list.forget_index();
    (Arc::new(shelf), listed)
}

fn remove(shelf: &Arc<Shelf>, key: u8) -> Actor<()> {
    let listed: Listed = shelf.listed(key);
    actor(shelf, move |shelf| shelf.remove(listed))
}

fn insert(shelf: &Arc<Shelf>, key: u8) -> Actor<()> {
    actor(shelf, move |shelf| assert_ne!(shelf.insert(key), 0))
}

fn check_end(shelf: &Shelf, keys: &[u8], leaves: usize) {
    assert_eq!(shelf.leaves(), leaves, "leaves at the end");
    shelf.check_keys(keys);
    let mut back = shelf.scan_back();
    back.reverse();
    assert_eq!(back, keys, "backward as forward");
}

#[test]
fn insert_into_an_emptied_leaf() {
    Model { name: "insert_into_an_emptied_leaf", bound: Some(4), floor: 90_000 }.check_from_each(
        2,
        || {
            let shelf = Arc::new(shelf(b"cgkn"));
            race([remove(&shelf, b'k'), insert(&shelf, b'm')]);
            // The key came before the leaf was frozen, or to its left neighbour.
            let leaves = shelf.leaves();
            check_end(&shelf, b"cgm", leaves);
        },
    );
}

#[test]
fn left_neighbour_splits() {
    Model { name: "left_neighbour_splits", bound: Some(5), floor: 85_000 }.check_from_each(
        2,
        || {
            let shelf = shelf(b"cgkn");
            shelf.insert(b'e');
            let shelf = Arc::new(shelf);
            race([remove(&shelf, b'k'), insert(&shelf, b'f')]);
            let leaves = shelf.leaves();
            assert!(leaves >= 2, "the left neighbour was split");
            check_end(&shelf, b"cefg", leaves);
        },
    );
}

#[test]
fn neighbours_go_together() {
    Model { name: "neighbours_go_together", bound: Some(2), floor: 24_000 }.check_from_each(
        2,
        || {
            let shelf = Arc::new(shelf(b"cgkntv"));
            race([remove(&shelf, b'k'), remove(&shelf, b't')]);
            check_end(&shelf, b"cg", 1);
        },
    );
}

#[test]
fn added_late() {
    Model { name: "added_late", bound: None, floor: 15_000 }.check_from_each(2, || {
        // The index knows the first leaf only: whoever walks to another adds it, and may be slow about it.
        let (shelf, listed) = unindexed();
        let remover = actor(&shelf, move |shelf| shelf.remove(listed));
        let walker = actor(&shelf, |shelf| {
            shelf.scan_live();
        });
        race([remover, walker]);
        check_end(&shelf, b"cg", 1);
    });
}

#[test]
fn split_added_late() {
    Model { name: "split_added_late", bound: Some(3), floor: 30_000 }.check_from_each(2, || {
        // The insert splits off `[k]`, and is slow to add it to the index. Nobody else adds it.
        let mut shelf = Shelf::with(b"cgk");
        shelf.list.set_max_walk(1);
        let shelf = Arc::new(shelf);
        race([remove(&shelf, b'k'), insert(&shelf, b'n')]);
        let leaves = shelf.leaves();
        check_end(&shelf, b"cgn", leaves);
    });
}

#[test]
fn added_late_and_found() {
    Model { name: "added_late_and_found", bound: Some(3), floor: 30_000 }.check_from_each(
        2,
        || {
            let (shelf, listed) = unindexed();
            let remover = actor(&shelf, move |shelf| shelf.remove(listed));
            let look = || {
                actor(&shelf, |shelf| {
                    shelf.look(b'k');
                })
            };
            race([remover, look(), look()]);
            check_end(&shelf, b"cg", 1);
        },
    );
}

#[test]
fn frozen_leaf_in_the_index() {
    Model { name: "frozen_leaf_in_the_index", bound: Some(2), floor: 24_000 }.check_from_each(
        2,
        || {
            let shelf = Arc::new(shelf(b"cgkntv"));
            let t = shelf.listed(b't');
            // While the other is slow to take its leaf out of the index, the one behind that leaf is freed.
            let second = actor(&shelf, move |shelf| {
                shelf.remove(t);
                assert!(!shelf.look(b't'), "removed");
            });
            race([remove(&shelf, b'k'), second]);
            check_end(&shelf, b"cg", 1);
        },
    );
}

#[test]
fn scanned_backward() {
    Model { name: "scanned_backward", bound: None, floor: 1_900 }.check_from_each(2, || {
        let shelf = Arc::new(shelf(b"cgkntv"));
        let reader = actor(&shelf, |shelf| {
            let keys = shelf.scan_back();
            assert!([b"tkgc" as &[u8], b"tgc"].contains(&&*keys), "a scan saw {keys:?}");
        });
        race([remove(&shelf, b'k'), reader]);
        check_end(&shelf, b"cgt", 2);
    });
}

#[test]
fn written_anew_beside_the_unlink() {
    Model { name: "written_anew_beside_the_unlink", bound: Some(3), floor: 90_000 }
        .check_from_each(2, || {
            let shelf = Arc::new(shelf(b"cgkn"));
            let old = shelf.listed(b'k').address();
            let writer = actor(&shelf, move |shelf| {
                let mut record = shelf.insert(b'k');
                if record == old {
                    // Not sealed yet, when it was looked at.
                    record = shelf.insert(b'k');
                }
                if record != old {
                    assert!(shelf.scan_live().contains(&b'k'), "written, so it is there");
                }
            });
            race([remove(&shelf, b'k'), writer]);
            assert_ne!(shelf.insert(b'k'), old, "the old one never comes back");
            let leaves = shelf.leaves();
            check_end(&shelf, b"cgk", leaves);
        });
}

#[test]
fn emptied_filled_and_scanned() {
    Model { name: "emptied_filled_and_scanned", bound: Some(2), floor: 65_000 }.check_from_each(
        3,
        || {
            let shelf = Arc::new(shelf(b"cgkn"));
            let reader = actor(&shelf, |shelf| {
                let mut keys = shelf.scan_back();
                keys.retain(|key| !b"km".contains(key));
                assert_eq!(keys, b"gc", "what nobody touches is there");
                let mut keys = shelf.scan_live();
                keys.retain(|key| !b"km".contains(key));
                assert_eq!(keys, b"cg", "in either direction");
            });
            race([remove(&shelf, b'k'), reader, insert(&shelf, b'm')]);
            let leaves = shelf.leaves();
            check_end(&shelf, b"cgm", leaves);
        },
    );
}

#[test]
fn mutants_of_emptied_filled_and_scanned() {
    mutants_die("emptied_filled_and_scanned", &["frozen-open", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_insert_into_an_emptied_leaf() {
    mutants_die(
        "insert_into_an_emptied_leaf",
        &["frozen-open", "fold-unsealed", "unlink-unnoted", "body-swap"],
    );
}

#[test]
fn mutants_of_left_neighbour_splits() {
    mutants_die("left_neighbour_splits", &["split-loses-next", "body-swap", "fold-unsealed"]);
}

#[test]
fn mutants_of_neighbours_go_together() {
    mutants_die("neighbours_go_together", &["frozen-absorbs", "body-swap", "early-free"]);
}

#[test]
fn mutants_of_added_late() {
    mutants_die(
        "added_late",
        &["index-add-unchecked", "index-keeps-unlinked", "index-swap", "early-free"],
    );
}

#[test]
fn mutants_of_split_added_late() {
    mutants_die("split_added_late", &["index-add-unchecked", "index-remove-unfenced"]);
}

#[test]
fn mutants_of_added_late_and_found() {
    mutants_die("added_late_and_found", &["leaf-one-period", "one-grace", "index-add-unchecked"]);
}

#[test]
fn mutants_of_frozen_leaf_in_the_index() {
    mutants_die("frozen_leaf_in_the_index", &["frozen-entered", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_scanned_backward() {
    mutants_die("scanned_backward", &["early-free", "no-pin", "body-load", "index-load"]);
}

#[test]
fn mutants_of_written_anew_beside_the_unlink() {
    mutants_die("written_anew_beside_the_unlink", &["frozen-open", "unlink-unnoted", "body-swap"]);
}
