//! Laying a bag that waits for a snapshot, against the end of that snapshot, scans, and shutting the segment that it is in.
//!
//! *Invariant* (I-53): a bag comes out, once, as soon as a scan begins after it was laid and the snapshot has gone. If the
//! scan begins when only the snapshot has gone, either it or who lays the bag has it.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, Stamp};
use epoch_store::internals::slots::{Bag, Slot, Slots};
use epoch_store::internals::sync::AtomicU64;
use loom::sync::Arc;
use loom_tests::{Chains, Model, actor, mutants_die, race, record};
use std::ptr::NonNull;

struct House {
    slots: Slots,
    root: AtomicU64,
    marks: Vec<Chains>,
}

/// A snapshot at 0, in the slot with this index.
#[derive(Clone, Copy)]
struct Held(usize, NonNull<Slot>);

// SAFETY: a slot is shared by protocol, and outlives the threads of a model.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl House {
    fn new() -> Arc<Self> {
        let marks = (b'a'..b'c').map(|key| record(&[key])).collect();
        Arc::new(Self { slots: Slots::default(), root: AtomicU64::new(0), marks })
    }

    fn open(&self, index: usize) -> Held {
        Held(index, NonNull::from(self.slots.acquire(&self.root).slot))
    }

    fn close(held: Held) {
        // SAFETY: see the type.
        let slot = unsafe { held.1.as_ref() };
        slot.unregister();
        slot.leave();
    }

    /// Lays the bag with this number, to wait for the snapshot. Returns what it got back.
    fn lay(&self, bag: usize, held: Held) -> Vec<usize> {
        let mut back = Vec::new();
        let awaited = Stamp { stamp: 0, slot: held.0 };
        let bag = Bag::of(self.marks[bag].as_ptr());
        self.slots.lay(bag, awaited, |bags| self.empty(bags, &mut back));
        back
    }

    /// The bags that a scan finds to wait no more.
    fn scan(&self) -> Vec<usize> {
        let mut ripe = Vec::new();
        let into = &mut Registered::default();
        self.slots.scan(&self.root, into, |bags| self.empty(bags, &mut ripe));
        ripe
    }

    fn empty(&self, bags: Box<Bag>, into: &mut Vec<usize>) {
        let (mut entries, mut next) = (Vec::new(), Some(bags));
        while let Some(bag) = next {
            next = bag.empty_into(&mut entries);
        }
        let number = |record| self.marks.iter().position(|mark| mark.as_ptr() == record);
        into.extend(entries.iter().filter_map(|entry| number(entry.record)));
    }
}

fn check_all(mut taken: Vec<usize>, expected: usize) {
    taken.sort_unstable();
    assert_eq!(taken, (0..expected).collect::<Vec<_>>(), "each bag comes out, once");
}

#[test]
fn lay_against_release() {
    Model { name: "lay_against_release", bound: None, floor: 850 }.check_from_each(2, || {
        let house = House::new();
        let held = house.open(0);
        let layer = actor(&house, move |house| house.lay(0, held));
        let reader = actor(&house, move |house| {
            House::close(held);
            house.scan()
        });
        check_all(race([layer, reader]).concat(), 1);
    });
}

#[test]
fn two_lay_beside_a_scan() {
    Model { name: "two_lay_beside_a_scan", bound: Some(3), floor: 80_000 }.check_from_each(
        3,
        || {
            let house = House::new();
            let held = house.open(0);
            let layer = |bag| actor(&house, move |house: &House| house.lay(bag, held));
            let scanner = actor(&house, move |house| {
                let early = house.scan();
                assert!(early.is_empty(), "nothing comes out while the snapshot is open");
                House::close(held);
                house.scan()
            });
            let mut taken = race([layer(0), layer(1), scanner]).concat();
            taken.append(&mut house.scan());
            check_all(taken, 2);
        },
    );
}

#[test]
fn lay_in_a_segment_that_is_shut() {
    Model { name: "lay_in_a_segment_that_is_shut", bound: Some(3), floor: 25_000 }.check_from_each(
        3,
        || {
            let house = House::new();
            // The second segment begins at the second slot, and only it can be shut.
            let _first = house.open(0);
            let held = house.open(1);
            let layer = actor(&house, move |house| house.lay(0, held));
            let reader = actor(&house, move |_| {
                House::close(held);
                Vec::new()
            });
            let mut taken = race([layer, reader, actor(&house, House::scan)]).concat();
            taken.append(&mut house.scan());
            check_all(taken, 1);
        },
    );
}

#[test]
fn mutants_of_lay_against_release() {
    mutants_die("lay_against_release", &["lay-fence", "laid-unchecked", "pile-forgotten"]);
}

#[test]
fn mutants_of_two_lay_beside_a_scan() {
    mutants_die("two_lay_beside_a_scan", &["pile-lay", "pile-take", "pile-forgotten"]);
}

#[test]
fn mutants_of_lay_in_a_segment_that_is_shut() {
    mutants_die("lay_in_a_segment_that_is_shut", &["shut-fence", "laid-unchecked"]);
}
