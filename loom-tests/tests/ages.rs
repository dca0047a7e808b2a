//! Two scans take samples of which version was the newest when.
//!
//! *Invariant*: a sample is never taken for older than it is: no version is let go that was the newest within the age.
//!
//! *Bound*: two threads without bound; the ring has two samples in a model, and both threads use the same one.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::slots::Ages;
use loom::sync::Arc;
use loom_tests::{Model, actor, mutants_die, race};
use std::time::Duration;

const KEEP: u64 = 80;

#[test]
fn two_samples() {
    Model { name: "two_samples", bound: None, floor: 3_500 }.check_from_each(2, || {
        let ages = Arc::new(Ages::new(Duration::from_nanos(KEEP)));
        assert_eq!(ages.observe_at(10, 0), 0);
        // Version 20 became the newest at 100; before that it was 10, within the age before 101 and 120.
        let first = actor(&ages, |ages| ages.observe_at(20, 101));
        let second = actor(&ages, |ages| ages.observe_at(20, 120));
        for low in race([first, second]) {
            assert!(low <= 10, "{low} let go of what was the newest 20 ago");
        }
        assert_eq!(ages.observe_at(30, 200), 20, "in the end old samples count");
    });
}

#[test]
fn mutants_of_two_samples() {
    mutants_die("two_samples", &["age-version-first", "age-sample", "age-look"]);
}
