//! Shutting a segment of slots against a snapshot that is being opened in it.
//!
//! *Invariant* (I-12): scans skip a segment only while none of its slots is registered. The state's generation stops a
//! thread that closed every slot, slept, and would now shut a segment that was reopened meanwhile.
//!
//! (I-11) Who skips a segment has seen the last reads of those who left it.
//!
//! *Bound*: three threads, preemption bound 3; `shut_after_one_who_came_and_left`: 2.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::Registered;
use epoch_store::internals::slots::{Slot, Slots, Ticket};
use epoch_store::internals::sync::Tracked;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use loom_tests::{Model, World, actor, mutants_die, pin, race};

struct House {
    world: World,
    slots: Slots,
}

impl House {
    fn scan(&self) -> Registered {
        let mut registered = Registered::default();
        self.slots.scan(self.world.queue.root(), &mut registered, drop);
        registered
    }

    fn release(&self, ticket: &Ticket<'_>) {
        assert!(ticket.slot.release_unless_last());
        ticket.slot.unregister();
        ticket.slot.leave();
    }

    /// Opens a snapshot (in the second segment: the first is full), reads, closes it.
    fn read(&self) {
        let ticket = self.slots.acquire(self.world.queue.root());
        let pin = pin(&self.world.domain);
        let found = self.world.records[0].read(ticket.stamp, &pin);
        assert_eq!(found, Some(ticket.stamp as u8), "what the snapshot sees is there");
        drop(pin);
        self.release(&ticket);
    }
}

fn house() -> Arc<House> {
    let house = Arc::new(House { world: World::new(1), slots: Slots::default() });
    house.world.commit(&[0], 1);
    house
}

#[test]
fn shut_against_open() {
    Model { name: "shut_against_open", bound: Some(3), floor: 250 }.check(|| {
        let house = house();
        // The first segment's only slot is taken, by somebody who needs nothing; the second exists.
        let here = Arc::clone(&house);
        let first = here.slots.acquire(here.world.queue.root());
        first.slot.unregister();
        let second = here.slots.acquire(here.world.queue.root());
        here.release(&second);
        house.scan(); // shuts the second segment
        let (reader, pruner) = (Arc::clone(&house), Arc::clone(&house));
        let reader = thread::spawn(move || reader.read());
        let pruner = thread::spawn(move || {
            pruner.world.commit(&[0], 2);
            let registered = pruner.scan();
            pruner.world.records[0].cut(&registered, &pin(&pruner.world.domain));
        });
        reader.join().unwrap();
        pruner.join().unwrap();
        here.release(&first);
    });
}

#[test]
fn mutants_of_shut_against_open() {
    mutants_die("shut_against_open", &["reopen-skipped", "slot-fence"]);
}

#[test]
fn two_shutters() {
    Model { name: "two_shutters", bound: Some(3), floor: 250 }.check(|| {
        let house = house();
        let here = Arc::clone(&house);
        let first = here.slots.acquire(here.world.queue.root());
        first.slot.unregister();
        let second = here.slots.acquire(here.world.queue.root());
        here.release(&second);
        let (shutter, reader) = (Arc::clone(&house), Arc::clone(&house));
        let shutter = thread::spawn(move || {
            shutter.scan();
        });
        let reader = thread::spawn(move || {
            let ticket = reader.slots.acquire(reader.world.queue.root());
            let seen = reader.scan();
            // From here on every scan shows the stamp, until it is released.
            assert_eq!(
                usize::from(seen.newest_within(ticket.stamp, ticket.stamp + 1).is_some()),
                1,
                "a registered stamp is shown"
            );
            reader.release(&ticket);
        });
        shutter.join().unwrap();
        reader.join().unwrap();
        here.release(&first);
    });
}

#[test]
fn mutants_of_two_shutters() {
    mutants_die("two_shutters", &["shut-without-generation", "reopen-skipped"]);
}

/// Slots, a root, and what a snapshot of version 1 reads.
struct Bare {
    slots: Slots,
    root: AtomicU64,
    value: Tracked<u64>,
}

// SAFETY: loom checks the cell.
unsafe impl Sync for Bare {}

impl Bare {
    /// Ends what is read, if nobody needs it.
    fn prune(&self) {
        let mut registered = Registered::default();
        self.slots.scan(&self.root, &mut registered, drop);
        if registered.is_garbage(1, 2) {
            // SAFETY: none beyond I-11, which is what these models are about.
            unsafe { self.value.set(0) };
        }
    }
}

/// A scan that skips a segment has seen the reads of those who left it: whoever shut it had.
#[test]
fn skip_after_the_last_read() {
    let model = Model { name: "skip_after_the_last_read", bound: Some(3), floor: 13_000 };
    model.check_from_each(3, || {
        let slots = Slots::default();
        let bare = Arc::new(Bare { slots, root: AtomicU64::new(1), value: Tracked::new(7) });
        // The first segment's only slot is taken, by somebody who needs nothing.
        bare.slots.acquire(&bare.root).slot.unregister();
        let slot = std::ptr::from_ref(bare.slots.acquire(&bare.root).slot) as usize;
        bare.root.store(2, Ordering::Relaxed);
        let reader = actor(&bare, move |bare: &Bare| {
            // SAFETY: none beyond I-11, which is what this model is about.
            assert_eq!(unsafe { bare.value.get() }, 7);
            // SAFETY: a slot lives as long as its table, which this shares.
            let slot = unsafe { &*(slot as *const Slot) };
            assert!(slot.release_unless_last());
            slot.unregister();
            slot.leave();
        });
        let shutter = actor(&bare, |bare| {
            bare.slots.scan(&bare.root, &mut Registered::default(), drop);
        });
        race([reader, shutter, actor(&bare, Bare::prune)]);
    });
}

/// Somebody opens a snapshot, reads and leaves between the look at his slot and its closing.
#[test]
fn shut_after_one_who_came_and_left() {
    let model = Model { name: "shut_after_one_who_came_and_left", bound: Some(2), floor: 40_000 };
    model.check_from_each(3, || {
        let slots = Slots::default();
        let bare = Arc::new(Bare { slots, root: AtomicU64::new(1), value: Tracked::new(7) });
        bare.slots.acquire(&bare.root).slot.unregister();
        // The second segment is there, and free.
        let second = bare.slots.acquire(&bare.root);
        second.slot.unregister();
        second.slot.leave();
        let reader = actor(&bare, |bare: &Bare| {
            let Ticket { slot, stamp } = bare.slots.acquire(&bare.root);
            if stamp == 1 {
                // SAFETY: none beyond I-11, which is what this model is about.
                assert_eq!(unsafe { bare.value.get() }, 7);
            }
            slot.unregister();
            slot.leave();
        });
        let shutter = actor(&bare, |bare| {
            bare.slots.scan(&bare.root, &mut Registered::default(), drop);
        });
        let pruner = actor(&bare, |bare| {
            bare.root.store(2, Ordering::Release);
            bare.prune();
        });
        race([reader, shutter, pruner]);
    });
}

#[test]
fn mutants_of_shut_after_one_who_came_and_left() {
    mutants_die(
        "shut_after_one_who_came_and_left",
        &["slot-close", "segment-shut", "segment-look", "slot-fence"],
    );
}

#[test]
fn mutants_of_skip_after_the_last_read() {
    mutants_die("skip_after_the_last_read", &["segment-look", "slot-release"]);
}
