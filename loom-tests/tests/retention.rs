//! A version opened by its number against scans that let old versions go (rule 19).
//!
//! *Invariant* (I-34): who registers a version, fences, and then finds it at or above `low` sees exactly that version, and
//! keeps it; below `low` nothing is kept for numbers, and is cut.
//!
//! *Bound*: reader, committer and pruner at preemption bound 3; reader and two pruners at 2.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, VersionRef};
use epoch_store::internals::slots::{Policy, Slots};
use loom::sync::Arc;
use loom_tests::{Model, World, actor, mutants_die, pin, race};

struct House {
    world: World,
    slots: Slots,
}

impl House {
    /// Versions 1 and 2 of one key; the newest and the one before it are retained.
    fn new() -> Arc<Self> {
        let world = World::new(1);
        world.commit(&[0], 1);
        world.commit(&[0], 2);
        let slots = Slots::new(Policy { versions: 1, ..Policy::default() });
        Arc::new(Self { world, slots })
    }

    /// Opens version 1 by its number, finds it under a pin, and reads it without one.
    fn read_first(&self) {
        let root = self.world.queue.root();
        let ticket = match self.slots.acquire_at(1, root) {
            Ok(ticket) => ticket,
            Err(openable) => {
                assert!(openable.oldest > 1, "refused: {openable:?}");
                return;
            }
        };
        let version = {
            let pin = pin(&self.world.domain);
            let version = self.world.records[0].view().visible_at(1, &pin);
            version.expect("version 1 was promised").as_ptr()
        };
        // SAFETY: none beyond I-34, which is what this model is about.
        let version = unsafe { VersionRef::built(version) };
        assert_eq!((version.stamp(), version.value()), (1, Some(&[1][..])));
        ticket.slot.unregister();
        ticket.slot.leave();
    }

    fn cut(&self) {
        let mut registered = Registered::default();
        self.slots.scan(self.world.queue.root(), &mut registered, drop);
        self.world.records[0].cut(&registered, &pin(&self.world.domain));
    }

    fn check_end(&self) {
        self.cut();
        let pin = pin(&self.world.domain);
        assert_eq!(self.world.records[0].stamps(&pin), [3, 2], "the retained ones, and no others");
        assert!(self.slots.acquire_at(1, self.world.queue.root()).is_err());
        assert!(self.slots.acquire_at(2, self.world.queue.root()).is_ok());
    }
}

#[test]
fn open_by_number_against_raise() {
    Model { name: "open_by_number_against_raise", bound: Some(3), floor: 32_000 }.check_from_each(
        3,
        || {
            let house = House::new();
            let reader = actor(&house, House::read_first);
            let pruner = actor(&house, House::cut);
            let writer = actor(&house, |house| assert_eq!(house.world.commit(&[0], 3), 3));
            race([reader, pruner, writer]);
            house.check_end();
        },
    );
}

#[test]
fn open_by_number_against_two_scans() {
    Model { name: "open_by_number_against_two_scans", bound: Some(2), floor: 18_000 }
        .check_from_each(3, || {
            let house = House::new();
            house.world.commit(&[0], 3);
            let reader = actor(&house, House::read_first);
            let pruner = || actor(&house, House::cut);
            race([reader, pruner(), pruner()]);
            house.check_end();
        });
}

#[test]
fn mutants_of_open_by_number_against_raise() {
    mutants_die(
        "open_by_number_against_raise",
        &["at-check-first", "low-raised-late", "floor-forgotten", "slot-fence", "scan-fence"],
    );
}

#[test]
fn mutants_of_open_by_number_against_two_scans() {
    mutants_die(
        "open_by_number_against_two_scans",
        &["at-check-first", "low-raised-late", "slot-fence", "scan-fence"],
    );
}
