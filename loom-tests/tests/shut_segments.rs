//! Shutting a segment of slots against a snapshot that is being opened in it.
//!
//! *Invariant* (I-12): scans skip a segment only while none of its slots is registered. The state's generation stops a
//! thread that closed every slot, slept, and would now shut a segment that was reopened meanwhile.
//!
//! *Bound*: three threads, preemption bound 3.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::Registered;
use epoch_store::internals::slots::{Slots, Ticket};
use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, World, mutants_die, pin};

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
