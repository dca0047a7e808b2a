//! An append-only array grows under two threads while a third reads it.
//!
//! *Invariant*: a segment is there once, and what its elements were made with is there before it is.
//!
//! *Bound*: two threads without bound.
//! *Executions* are printed; the floor below is a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::sync::{Segments, Tracked};
use loom_tests::{Model, actor, mutants_die, race};

struct Element(Tracked<u8>);

// SAFETY: loom checks the cell.
unsafe impl Sync for Element {}

impl Default for Element {
    fn default() -> Self {
        Self(Tracked::new(7))
    }
}

impl Element {
    fn check(&self) {
        // SAFETY: written before its segment was linked.
        assert_eq!(unsafe { self.0.get() }, 7);
    }
}

#[test]
fn two_grow() {
    Model { name: "two_grow", bound: None, floor: 200 }.check_from_each(2, || {
        let segments = loom::sync::Arc::new(Segments::<Element>::new(1));
        let grow = |segments: &Segments<Element>| {
            segments.iter().flatten().for_each(Element::check);
            let segment = segments.grow(1);
            segment.iter().for_each(Element::check);
            segment.as_ptr() as usize
        };
        let [one, other] = race([actor(&segments, grow), actor(&segments, grow)]);
        assert_eq!(one, other, "a segment is there once");
        assert_eq!(segments.iter().flatten().count(), 3);
    });
}

#[test]
fn mutants_of_two_grow() {
    mutants_die("two_grow", &["segment-link", "segment-link-load"]);
}
