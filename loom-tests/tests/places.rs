//! Three threads come to a place for one.
//!
//! *Invariant* P-1 of `epoch-store/src/place.rs`: one at a time uses the value, and sees what the ones before did.
//!
//! *Bound*: none. *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::place::Place;
use loom::sync::Arc;
use loom_tests::{Model, actor, mutants_die, race};

#[test]
fn places() {
    Model { name: "places", bound: None, floor: 900 }.check_from_each(2, || {
        let place = Arc::new(Place::new(0));
        let come = || {
            actor(&place, |place| {
                (0..2).filter(|_| place.with(|value| *value += 1).is_some()).count()
            })
        };
        let admitted: usize = race([come(), come()]).into_iter().sum();
        assert_eq!(place.with(|value| *value), Some(admitted));
        assert!(admitted >= 2, "who comes alone is let in");
    });
}

#[test]
fn mutants_of_places() {
    mutants_die("places", &["place-enter", "place-leave"]);
}
