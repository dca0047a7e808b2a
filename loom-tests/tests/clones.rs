//! Clones of a snapshot against a scan (rule 18), and a slot that changes hands.
//!
//! *Invariant* (I-10): clones share one slot, so a scan cannot miss a stamp that is registered all the time. A clone that
//! took a slot of its own could be missed: the scan reads the new slot before it is filled and the old one after it is
//! emptied.
//!
//! *Bound*: two threads, unbounded (`slot_changes_hands`: bound 3).

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, VersionRef};
use epoch_store::internals::slots::{Slot, Slots};
use epoch_store::internals::sync::{Tracked, seeded};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use loom_tests::{Model, World, mutants_die, pin};

fn cut(world: &World, slots: &Slots) {
    let mut registered = Registered::default();
    slots.scan(world.queue.root(), &mut registered, drop);
    world.records[0].cut(&registered, &pin(&world.domain));
}

fn release(slot: &Slot) {
    if slot.release_unless_last() {
        slot.unregister();
        slot.leave();
    }
}

#[test]
fn clone_and_drop() {
    Model { name: "clone_and_drop", bound: None, floor: 30 }.check(|| {
        let world = Arc::new(World::new(1));
        let slots: &'static Slots = Box::leak(Box::default());
        world.commit(&[0], 1);
        // The original sits behind a free slot: a scan passes that one first.
        let before = slots.acquire(world.queue.root());
        let original = slots.acquire(world.queue.root());
        release(before.slot);
        world.commit(&[0], 2);
        let (reader, pruner) = (Arc::clone(&world), Arc::clone(&world));
        let reader = thread::spawn(move || {
            let clone = if seeded("clone-takes-a-slot") {
                // The broken form: register the same stamp elsewhere, then give the first slot up.
                let root = loom::sync::atomic::AtomicU64::new(original.stamp);
                slots.acquire(&root).slot
            } else {
                original.slot.share();
                original.slot
            };
            release(original.slot);
            let version = {
                let pin = pin(&reader.domain);
                let view = reader.records[0].view().visible_at(1, &pin);
                view.map(|version| version.as_ptr())
            };
            // SAFETY: none beyond I-7, which is what this model is about.
            let version = version.map(|version| unsafe { VersionRef::built(version) }.stamp());
            assert_eq!(version, Some(1), "the clone still sees version 1");
            release(clone);
        });
        let pruner = thread::spawn(move || cut(&pruner, slots));
        reader.join().unwrap();
        pruner.join().unwrap();
        cut(&world, slots);
        assert_eq!(world.records[0].stamps(&pin(&world.domain)), [2], "nobody needs version 1 now");
    });
}

#[test]
fn mutants_of_clone_and_drop() {
    mutants_die("clone_and_drop", &["clone-takes-a-slot", "slot-release"]);
}

/// Two clones dropped by two threads: the reads of the one that goes first come before the cut that the other allows.
#[test]
fn two_clones_dropped() {
    Model { name: "two_clones_dropped", bound: Some(3), floor: 100 }.check(|| {
        let world = Arc::new(World::new(1));
        let slots: &'static Slots = Box::leak(Box::default());
        world.commit(&[0], 1);
        let original = slots.acquire(world.queue.root());
        original.slot.share();
        world.commit(&[0], 2);
        let version = {
            let pin = pin(&world.domain);
            world.records[0].view().visible_at(1, &pin).unwrap().as_ptr()
        };
        let address = version.as_ptr() as usize;
        let slot = original.slot;
        let readers = [(), ()].map(|()| {
            thread::spawn(move || {
                let version = std::ptr::NonNull::new(address as *mut _).unwrap();
                // SAFETY: none beyond I-7, which is what this model is about.
                let version = unsafe { VersionRef::built(version) };
                assert_eq!(version.stamp(), 1, "read without a pin, under the clone");
                release(slot);
            })
        });
        cut(&world, slots);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn mutants_of_two_clones_dropped() {
    mutants_die("two_clones_dropped", &["clone-release", "slot-release"]);
}

/// The same with nothing but the slot between the two clones' reads and the end of what they read.
#[test]
fn two_clones_against_scan() {
    Model { name: "two_clones_against_scan", bound: Some(3), floor: 220 }.check(|| {
        let shared = Arc::new((Slots::default(), AtomicU64::new(1), Tracked::new(7_u64)));
        let slot = shared.0.acquire(&shared.1).slot;
        slot.share();
        let address = std::ptr::from_ref(slot) as usize;
        shared.1.store(2, Ordering::Relaxed);
        let readers = [(), ()].map(|()| {
            let reader = Arc::clone(&shared);
            thread::spawn(move || {
                // SAFETY: none beyond I-11, which is what this model is about.
                assert_eq!(unsafe { reader.2.get() }, 7);
                // SAFETY: a slot lives as long as its table, which the reader shares.
                release(unsafe { &*(address as *const Slot) });
            })
        });
        let (slots, root, value) = &*shared;
        let mut registered = Registered::default();
        slots.scan(root, &mut registered, drop);
        if registered.is_garbage(1, 2) {
            // SAFETY: as above.
            unsafe { value.set(0) };
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn mutants_of_two_clones_against_scan() {
    mutants_die("two_clones_against_scan", &["clone-release", "clone-last", "slot-release"]);
}

/// A scan that sees only what the next owner of a slot registered has still seen the last one leave.
#[test]
fn slot_changes_hands() {
    Model { name: "slot_changes_hands", bound: Some(3), floor: 100 }.check(|| {
        let shared = Arc::new((Slots::default(), AtomicU64::new(1), Tracked::new(7_u64)));
        let first = Arc::clone(&shared);
        let first = thread::spawn(move || {
            let (slots, root, value) = &*first;
            let ticket = slots.acquire(root);
            if ticket.stamp == 1 {
                // SAFETY: none beyond I-11, which is what this model is about.
                assert_eq!(unsafe { value.get() }, 7);
            }
            release(ticket.slot);
        });
        let next = Arc::clone(&shared);
        let next = thread::spawn(move || {
            let (slots, root, _) = &*next;
            root.store(2, Ordering::Release);
            let ticket = slots.acquire(root);
            assert_eq!(ticket.stamp, 2);
        });
        let (slots, root, value) = &*shared;
        let mut registered = Registered::default();
        slots.scan(root, &mut registered, drop);
        if registered.is_garbage(1, 2) {
            // SAFETY: as above.
            unsafe { value.set(0) };
        }
        first.join().unwrap();
        next.join().unwrap();
    });
}

#[test]
fn mutants_of_slot_changes_hands() {
    mutants_die("slot_changes_hands", &["slot-register", "slot-claim", "slot-count-release"]);
}
