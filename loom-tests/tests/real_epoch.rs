//! The contract of reclamation on crossbeam-epoch itself, with its atomics under the model checker.
//!
//! *Invariant* (I-2, I-3): a body that a fold replaced is freed after every reader in it has unpinned; a node that a
//! pinned owner hands to a helper is freed after the helper has unpinned, though the helper pinned after it was retired.
//!
//! The other models take the reclaimer's contract for granted; these show that this reclaimer keeps it. The collector
//! is told to collect after a handful of objects (`crossbeam_sanitize`), and is flushed by hand.
//!
//! *Bound*: two threads with preemption bound 1, and a voluntary stop of the helper while it holds the node: the
//! collector's own atomics multiply the states.
//! *Equivalent*: `slab-passed-store`, `slab-passed-load`. The mark only says that period one is over; the second period
//! begins with a deferral of its own, and the collector's fences order whatever it frees behind every earlier pin.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::list::{List, Within};
use epoch_store::internals::reclaim::{Epoch, Grace, Node, Pinned, Reclaimer};
use epoch_store::internals::sync::{AtomicPtr, Ordering, Tracked};
use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom_tests::{Model, actor, mutants_die, race};
use std::ops::Bound;
use std::ptr::{self, NonNull};

/// A node that is never given back, so that a fault shows as a report and not as a crash.
struct Probe(Tracked<u64>);

impl Probe {
    fn alloc() -> *mut Self {
        Box::into_raw(Box::new(Self(Tracked::new(7))))
    }

    /// # Safety
    /// The probe is protected by the caller's pin.
    unsafe fn check(probe: NonNull<Self>) {
        // SAFETY: forwarded; probes stay allocated.
        assert_eq!(unsafe { probe.as_ref().0.get() }, 7, "a probe that was freed");
    }
}

impl Node for Probe {
    unsafe fn free(_probe: NonNull<Self>) {}

    unsafe fn bytes(_probe: NonNull<Self>) -> usize {
        size_of::<Self>()
    }

    unsafe fn bury(probe: NonNull<Self>) {
        // SAFETY: forwarded; loom reports readers that are not ordered before.
        unsafe { probe.as_ref().0.set(u64::MAX) };
    }
}

/// What owner and helper share: the collector, and a descriptor's word for a node.
struct Desk {
    word: AtomicPtr<Probe>,
    domain: Epoch,
}

#[test]
fn helper_of_a_pinned_owner() {
    Model { name: "helper_of_a_pinned_owner", bound: Some(1), floor: 56_000 }.check_from_each(
        2,
        || {
            let desk =
                Arc::new(Desk { word: AtomicPtr::new(ptr::null_mut()), domain: Epoch::default() });
            let owner = actor(&desk, |desk| {
                let tally = Tally::default();
                let (owns, retires) = (desk.domain.local(), desk.domain.local());
                // A participant's first pin tries to collect: it shall not move the epoch on between the two pins below.
                drop(desk.domain.pin(&owns, &tally));
                drop(desk.domain.pin(&retires, &tally));
                let probe = Probe::alloc();
                let pin = desk.domain.pin(&owns, &tally);
                // Somebody else unlinks and retires the node that the owner has found, and tries hard to free it.
                let other = desk.domain.pin(&retires, &tally);
                // SAFETY: nobody can reach it any more but through the owner.
                unsafe { other.retire(NonNull::new(probe).unwrap(), Grace::Two) };
                drop(other);
                desk.domain.flush_round(&retires);
                desk.word.store(probe, Ordering::Release);
                // The commit is done: no helper takes the node from here on.
                desk.word.store(ptr::null_mut(), Ordering::Release);
                drop(pin);
                (0..2).for_each(|_| desk.domain.flush_round(&retires));
            });
            let helper = actor(&desk, |desk| {
                let (local, tally) = (desk.domain.local(), Tally::default());
                let pin = desk.domain.pin(&local, &tally);
                if let Some(probe) = NonNull::new(desk.word.load(Ordering::Acquire)) {
                    loom::thread::yield_now();
                    // SAFETY: handed over by an owner that was pinned, under this pin (I-3).
                    unsafe { Probe::check(probe) };
                }
                drop(pin);
            });
            race([owner, helper]);
        },
    );
}

struct Shelf {
    list: List,
    domain: Epoch,
}

#[test]
fn reader_of_a_folded_body() {
    Model { name: "reader_of_a_folded_body", bound: Some(1), floor: 23_000 }.check_from_each(
        2,
        || {
            let shelf = Shelf { list: List::default(), domain: Epoch::default() };
            let tally = Tally::default();
            {
                let local = shelf.domain.local();
                let pin = shelf.domain.pin(&local, &tally);
                shelf.list.find_or_insert(b"k", None, 0, &mut None, &pin, &tally);
            }
            let shelf = Arc::new(shelf);
            let folder = actor(&shelf, |shelf| {
                let (local, tally) = (shelf.domain.local(), Tally::default());
                let pin = shelf.domain.pin(&local, &tally);
                let (leaf, body) = shelf.list.locate(b"k", &pin, &tally);
                shelf.list.fold(leaf, body, &pin, &tally);
                drop(pin);
                (0..3).for_each(|_| shelf.domain.flush_round(&local));
            });
            let reader = actor(&shelf, |shelf| {
                let (local, tally) = (shelf.domain.local(), Tally::default());
                let pin = shelf.domain.pin(&local, &tally);
                let (leaf, body) = shelf.list.locate(b"k", &pin, &tally);
                let (mut found, all) = (Vec::new(), (Bound::Unbounded, Bound::Unbounded));
                body.collect(leaf.low(), Within { from: all.0, to: all.1 }, &mut found);
                assert_eq!(found.len(), 1, "a body under a pin stays whole");
                drop(pin);
            });
            race([folder, reader]);
        },
    );
}

#[test]
fn mutants_of_helper_of_a_pinned_owner() {
    mutants_die("helper_of_a_pinned_owner", &["epoch-one-period", "epoch-frees-at-once"]);
}

#[test]
fn mutants_of_reader_of_a_folded_body() {
    mutants_die("reader_of_a_folded_body", &["epoch-frees-at-once", "body-swap", "body-load"]);
}
