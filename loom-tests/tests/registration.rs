//! Registering a snapshot against a scan and a cut (rules 19 to 22).
//!
//! *Invariant* (I-7, I-9, I-11): what a registered snapshot sees is not cut, and its value may be read without a pin
//! until the slot is released; what nobody sees is cut.
//!
//! *Bound*: reader, committer and pruner at preemption bound 3; `release_against_scan`, `register_against_publish`: two threads
//! without bound.
//!
//! *Equivalent sites*: `slot-scan` where a reclaimer fences between scan and free, as both of ours do; the seam does not
//! promise it, so `release_against_scan` has no reclaimer, and there it counts. `root-register` where the root stood still, for
//! the fence comes after the load that saw that stamp first.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::Registered;
use epoch_store::internals::slots::Slots;
use epoch_store::internals::sync::{Tracked, ordering};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use loom_tests::{Model, World, mutants_die, pin};

struct House {
    world: World,
    slots: Slots,
}

impl House {
    fn new() -> Self {
        let world = World::new(1);
        world.commit(&[0], 1);
        Self { world, slots: Slots::default() }
    }

    /// Opens a snapshot, finds its version under a pin, and reads it without one.
    fn read(&self) {
        let ticket = self.slots.acquire(self.world.queue.root());
        let version = {
            let pin = pin(&self.world.domain);
            let view = self.world.records[0].view().visible_at(ticket.stamp, &pin);
            view.expect("the key is there from the first version on").as_ptr()
        };
        // SAFETY: none beyond I-7, which is what this model is about: the node's memory outlives the execution.
        let version = unsafe { epoch_store::internals::chain::VersionRef::built(version) };
        assert_eq!(version.stamp(), ticket.stamp, "every version writes the key");
        assert_eq!(version.value(), Some(&[ticket.stamp as u8][..]));
        assert!(ticket.slot.release_unless_last());
        ticket.slot.unregister();
        ticket.slot.leave();
    }

    fn cut(&self) {
        let mut registered = Registered::default();
        self.slots.scan(self.world.queue.root(), &mut registered, drop);
        self.world.records[0].cut(&registered, &pin(&self.world.domain));
    }
}

#[test]
fn register_against_cut() {
    Model { name: "register_against_cut", bound: Some(3), floor: 1_000 }.check(|| {
        let house = Arc::new(House::new());
        let (reader, pruner) = (Arc::clone(&house), Arc::clone(&house));
        let reader = thread::spawn(move || reader.read());
        // The pruner is not the committer: nothing but its own fence orders its two loads.
        let pruner = thread::spawn(move || pruner.cut());
        assert_eq!(house.world.commit(&[0], 2), 2);
        reader.join().unwrap();
        pruner.join().unwrap();
        house.cut();
        let pin = pin(&house.world.domain);
        assert_eq!(house.world.records[0].stamps(&pin), [2], "nothing else is needed any more");
    });
}

#[test]
fn mutants_of_register_against_cut() {
    mutants_die(
        "register_against_cut",
        &["register-naive", "slot-fence", "scan-fence", "slot-release"],
    );
}

#[test]
fn register_at_against_cut() {
    Model { name: "register_at_against_cut", bound: Some(3), floor: 500 }.check(|| {
        let house = Arc::new(House::new());
        let (reader, pruner) = (Arc::clone(&house), Arc::clone(&house));
        let reader = thread::spawn(move || {
            let Ok(ticket) = reader.slots.acquire_at(1, reader.world.queue.root()) else { return };
            let pin = pin(&reader.world.domain);
            assert_eq!(reader.world.records[0].read(1, &pin), Some(1), "version 1 was promised");
            drop(pin);
            ticket.slot.unregister();
            ticket.slot.leave();
        });
        let pruner = thread::spawn(move || pruner.cut());
        house.world.commit(&[0], 2);
        reader.join().unwrap();
        pruner.join().unwrap();
    });
}

#[test]
fn mutants_of_register_at_against_cut() {
    mutants_die("register_at_against_cut", &["at-check-first", "slot-fence", "scan-fence"]);
}

/// Nothing but the slot between the last read of a value and its end.
#[test]
fn release_against_scan() {
    Model { name: "release_against_scan", bound: None, floor: 20 }.check(|| {
        let shared = Arc::new((Slots::default(), AtomicU64::new(1), Tracked::new(7_u64)));
        let (reader, pruner) = (Arc::clone(&shared), Arc::clone(&shared));
        let reader = thread::spawn(move || {
            let (slots, root, value) = &*reader;
            let ticket = slots.acquire(root);
            if ticket.stamp == 1 {
                // SAFETY: none beyond I-11, which is what this model is about.
                assert_eq!(unsafe { value.get() }, 7);
            }
            ticket.slot.unregister();
            ticket.slot.leave();
        });
        let pruner = thread::spawn(move || {
            let (slots, root, value) = &*pruner;
            root.store(2, Ordering::Release);
            let mut registered = Registered::default();
            slots.scan(root, &mut registered, drop);
            if registered.is_garbage(1, 2) {
                // SAFETY: as above.
                unsafe { value.set(0) };
            }
        });
        reader.join().unwrap();
        pruner.join().unwrap();
    });
}

#[test]
fn mutants_of_release_against_scan() {
    mutants_die("release_against_scan", &["slot-scan", "slot-release", "slot-fence"]);
}

/// Nothing but the root between what a commit wrote and the snapshot that sees it: also in the form that cannot fail, which
/// the second move of the root leads to.
#[test]
fn register_against_publish() {
    Model { name: "register_against_publish", bound: None, floor: 320 }.check(|| {
        let values = [(); 2].map(|()| Tracked::new(0_u64));
        let shared = Arc::new((Slots::default(), AtomicU64::new(1), values));
        let (reader, writer) = (Arc::clone(&shared), Arc::clone(&shared));
        let reader = thread::spawn(move || {
            let (slots, root, values) = &*reader;
            let ticket = slots.acquire(root);
            for value in values.iter().take(ticket.stamp as usize - 1) {
                // SAFETY: none beyond I-22, which is what this model is about.
                assert_eq!(unsafe { value.get() }, 7);
            }
            ticket.slot.unregister();
            ticket.slot.leave();
        });
        let writer = thread::spawn(move || {
            let (_, root, values) = &*writer;
            for (stamp, value) in (2..).zip(values) {
                // SAFETY: as above.
                unsafe { value.set(7) };
                root.store(stamp, ordering("root-publish", Ordering::Release));
            }
        });
        reader.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn mutants_of_register_against_publish() {
    mutants_die("register_against_publish", &["root-register", "root-publish"]);
}
