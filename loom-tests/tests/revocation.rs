//! A lease is taken back while it is read, and while its slot changes hands.
//!
//! *Invariant* (I-35): a read that finds the lease still standing when it is over saw exactly what its stamp sees, whoever
//! cut what. (I-36) Nobody else's registration is lost.
//!
//! *Bound*: three threads at preemption bound 2 or 3; `lease_and_next_owner`: two threads at 4; whole maps: two threads at 3.
//!
//! *Equivalent here*: `cut-look`, for whoever passes a cut on retires what it unlinked, and in a model a retire fences before
//! a reader is tried; the seam promises no such fence.
//!
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, VersionRef};
use epoch_store::internals::slots::{Policy, Slot, Slots};
use epoch_store::internals::sync::seeded;
use epoch_store::{Error, Lease, Map, Version};
use loom::sync::Arc;
use loom_tests::{Actor, Model, World, actor, mutants_die, pin, race};
use std::ptr::NonNull;

/// A slot. Slots do not move, and outlive the threads of a model.
#[derive(Clone, Copy)]
struct Held(NonNull<Slot>);

// SAFETY: a slot is shared by protocol.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl Held {
    fn slot<'a>(self) -> &'a Slot {
        // SAFETY: see the type.
        unsafe { self.0.as_ref() }
    }

    /// Gives a snapshot up.
    fn release(self) {
        assert!(self.slot().release_unless_last());
        self.slot().unregister();
        self.slot().leave();
    }

    /// Gives a lease up.
    fn give_back(self) {
        assert!(self.slot().release_unless_last());
        self.slot().unlend();
        self.slot().leave();
    }
}

struct House {
    world: World,
    slots: Slots,
}

impl House {
    fn new(policy: Policy) -> Self {
        let world = World::new(2);
        world.commit(&[0], 1);
        Self { world, slots: Slots::new(policy) }
    }

    fn snapshot(&self) -> Held {
        Held(NonNull::from(self.slots.acquire(self.world.queue.root()).slot))
    }

    fn lease(&self) -> Held {
        let ticket = self.slots.acquire(self.world.queue.root());
        ticket.slot.lend(ticket.stamp);
        Held(NonNull::from(ticket.slot))
    }

    /// Reads at the stamp of a lease, as `Lease::get` does, but with the look at the slot before the end of the pin, which
    /// has a fence of its own here.
    fn read(&self, lease: Held, stamp: u64) {
        let pin = pin(&self.world.domain);
        if seeded("lease-checked-first") && !lease.slot().is_still_lent(stamp) {
            return;
        }
        let found = self.world.records[0].read(stamp, &pin);
        if seeded("lease-checked-first") || lease.slot().is_still_lent(stamp) {
            assert_eq!(found, Some(stamp as u8), "a read that counts is right");
        }
    }

    /// Scans and cuts under one pin, as a commit does: no fence of a pin stands between the two.
    fn scan_and_cut(&self) {
        let pin = pin(&self.world.domain);
        let mut registered = Registered::default();
        self.slots.scan(self.world.queue.root(), &mut registered, drop);
        self.world.records[0].cut(&registered, &pin);
    }

    fn stamps(&self) -> Vec<u64> {
        self.world.records[0].stamps(&pin(&self.world.domain))
    }
}

#[test]
fn revoke_against_read() {
    Model { name: "revoke_against_read", bound: Some(2), floor: 700 }.check_from_each(3, || {
        // A snapshot keeps version 1: a reader that misses version 2 finds that one.
        let house = House::new(Policy { lease: Some(0), ..Policy::default() });
        house.snapshot();
        house.world.commit(&[0], 2);
        let lease = house.lease();
        let house = Arc::new(house);
        let reader = actor(&house, move |house| house.read(lease, 2));
        let pruner = actor(&house, House::scan_and_cut);
        let writer = actor(&house, |house| assert_eq!(house.world.commit(&[0], 3), 3));
        race([reader, pruner, writer]);
        house.scan_and_cut();
        assert!(!lease.slot().is_still_lent(2), "it is too old now");
        assert_eq!(house.stamps(), [3, 1], "a lease that was taken back keeps nothing");
        lease.give_back();
    });
}

/// A scan's result.
fn registered(published: u64, stamps: &[u64]) -> Registered {
    let mut registered = Registered::default();
    registered.begin(published);
    stamps.iter().for_each(|&stamp| registered.add(stamp, 0));
    registered.end();
    registered
}

/// A chain from `newest` down to 1, and a lease of 2. Three threads: one reads at 2, one takes the lease back and cuts by a
/// scan without it that ended at 3, one knows nothing of that and cuts by a scan with it that ended at `newest`.
fn lease_amid_two_cutters(newest: u64) {
    let house = House::new(Policy::default());
    house.world.commit(&[0], 2);
    let lease = house.lease();
    for stamp in 3..=newest {
        house.world.commit(&[0], stamp as u8);
    }
    let house = Arc::new(house);
    let reader = actor(&house, move |house| house.read(lease, 2));
    let revoker = actor(&house, move |house| {
        let pin = pin(&house.world.domain);
        assert_eq!(house.slots.revoke_below(3), 1);
        house.world.records[0].cut(&registered(3, &[1]), &pin);
    });
    let cut = move |house: &House, stamps: &[u64]| {
        house.world.records[0].cut(&registered(newest, stamps), &pin(&house.world.domain));
    };
    let other = actor(&house, move |house| cut(house, &[1, 2]));
    race([reader, revoker, other]);
    cut(&house, &[1]);
    assert_eq!(house.stamps(), [newest, 1]);
}

/// The one marks version 2; the other finishes that, and the reader meets the result.
#[test]
fn mark_passed_on() {
    Model { name: "mark_passed_on", bound: Some(3), floor: 14_000 }
        .check_from_each(3, || lease_amid_two_cutters(3));
}

/// The one bypasses version 2 in the link of 3; the other copies that link into the one of 4, where the reader meets it.
#[test]
fn bypass_passed_on() {
    Model { name: "bypass_passed_on", bound: Some(2), floor: 8_000 }
        .check_from_each(3, || lease_amid_two_cutters(4));
}

/// The lease is dropped and its slot taken by a snapshot, while somebody wants to take the lease back.
#[test]
fn lease_and_next_owner() {
    Model { name: "lease_and_next_owner", bound: Some(4), floor: 3_500 }.check_from_each(2, || {
        let house = House::new(Policy::default());
        let lease = house.lease();
        house.world.commit(&[1], 2); // of another key: version 1 is what the lease and the snapshot see
        let house = Arc::new(house);
        let owner = actor(&house, move |house| {
            lease.give_back();
            let ticket = house.slots.acquire(house.world.queue.root());
            let version = {
                let pin = pin(&house.world.domain);
                let version = house.world.records[0].view().visible_at(ticket.stamp, &pin);
                version.expect("the key is there from the first version on").as_ptr()
            };
            // SAFETY: none beyond I-7 and I-36, which is what this model is about.
            let version = unsafe { VersionRef::built(version) };
            let expected = if ticket.stamp == 2 { 1 } else { 3 };
            assert_eq!(version.stamp(), expected, "the snapshot keeps what it sees");
            Held(NonNull::from(ticket.slot)).release();
        });
        let revoker = actor(&house, |house| {
            house.slots.revoke_below(2);
            house.world.commit(&[0], 3);
            house.scan_and_cut();
        });
        race([owner, revoker]);
        house.scan_and_cut();
        assert_eq!(house.stamps(), [3]);
    });
}

/// The public face, on a whole map: a lease of 2 beside a snapshot of 1, while version 3 comes, the lease goes, and everything
/// that can be is collected.
fn whole_map(read: fn(&Lease) -> Result<Option<Vec<u8>>, Error>) {
    let map = Map::new();
    map.put(b"k", [1]).unwrap();
    let kept = map.snapshot();
    map.put(b"k", [2]).unwrap();
    let lease = map.lease();
    let reader: Actor<()> = {
        let lease = lease.clone();
        Box::new(move || {
            let refused = Error::SnapshotRevoked { version: lease.version() };
            let found = read(&lease);
            assert!(found == Ok(Some(vec![2])) || found == Err(refused), "{found:?}");
        })
    };
    let revoker: Actor<()> = {
        let map = map.clone();
        Box::new(move || {
            map.revoke_older_than(Version::from(3));
            map.put(b"k", [3]).unwrap();
        })
    };
    race([reader, revoker]);
    map.maintain();
    assert!(lease.is_revoked());
    assert_eq!((kept.get(b"k").unwrap()[0], map.survey().versions), (1, 2));
}

#[test]
fn get_amid_revocation() {
    Model { name: "get_amid_revocation", bound: Some(3), floor: 1_600 }
        .check_from_each(2, || whole_map(|lease| lease.get(b"k")));
}

#[test]
fn range_amid_revocation() {
    Model { name: "range_amid_revocation", bound: Some(3), floor: 1_700 }.check_from_each(
        2,
        || {
            whole_map(|lease| Ok(lease.iter().next().transpose()?.map(|(_, value)| value)));
        },
    );
}

#[test]
fn mutants_of_get_amid_revocation() {
    mutants_die("get_amid_revocation", &["lease-unchecked", "no-pin", "early-free"]);
}

#[test]
fn mutants_of_range_amid_revocation() {
    mutants_die("range_amid_revocation", &["lease-unchecked", "no-pin", "early-free"]);
}

#[test]
fn mutants_of_revoke_against_read() {
    mutants_die(
        "revoke_against_read",
        &["lease-checked-first", "lease-kept-by-scan", "lease-fence"],
    );
}

#[test]
fn mutants_of_mark_passed_on() {
    mutants_die("mark_passed_on", &["lease-fence", "link-change"]);
}

#[test]
fn mutants_of_bypass_passed_on() {
    mutants_die("bypass_passed_on", &["lease-checked-first", "lease-fence", "link-change"]);
}

#[test]
fn mutants_of_lease_and_next_owner() {
    mutants_die("lease_and_next_owner", &["revoke-by-store", "slot-fence"]);
}
