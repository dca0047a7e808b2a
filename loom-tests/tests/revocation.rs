//! A lease is taken back while it is opened, while it is read, and while its slot changes hands.
//!
//! *Invariant* (I-35): a read that finds the lease still standing when it is over saw exactly what its stamp sees, whoever
//! cut what. (I-36) Nobody else's registration is lost. (I-52) A revocation that is over has taken back, and counted, each lease
//! that is older, or the lease is not.
//!
//! *Bound*: three threads at preemption bound 2 or 3; `lease_and_next_owner`, `open_from_against_scan`: two threads at 4; whole maps: two
//! threads at 3 or 2; `open_amid_*`, `rescan_after_the_next_owner`: two threads without bound.
//!
//! *Equivalent here*: `cut-look`, for whoever passes a cut on retires what it unlinked, and in a model a retire fences before
//! a reader is tried; the seam promises no such fence.
//!
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, VersionRef};
use epoch_store::internals::slots::{Policy, Slot, Slots, Ticket};
use epoch_store::internals::sync::{Tracked, seeded};
use epoch_store::{Error, Lease, Map, Version};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
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
        Held(NonNull::from(self.slots.lend(self.world.queue.root()).slot))
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

/// A lease is opened while the root goes from 1 to `newest` and every lease below that is taken back. Nothing but slots and a
/// root: every schedule can be tried.
fn open_amid_revocation(newest: u64) {
    let root = AtomicU64::new(1);
    let shared = Arc::new((Slots::new(Policy::default()), root));
    let opener = actor(&shared, |(slots, root)| {
        let Ticket { slot, stamp } = slots.lend(root);
        (Some((Held(NonNull::from(slot)), stamp)), 0)
    });
    let revoker = actor(&shared, move |(slots, root)| {
        (2..=newest).for_each(|stamp| root.store(stamp, Ordering::Release));
        (None, slots.revoke_below(newest))
    });
    let [(opened, _), (_, counted)] = race([opener, revoker]);
    let (lease, stamp) = opened.expect("the first of them opens");
    if lease.slot().is_lent(stamp) {
        assert_eq!(stamp, newest, "a lease that stands when all is over is not older");
    } else {
        assert!(stamp < newest && counted == 1, "one that was taken back was, and is counted");
    }
    lease.give_back();
}

/// The root moves once: the look at it finds that out, or the revoker finds the lease.
#[test]
fn open_amid_one_put() {
    Model { name: "open_amid_one_put", bound: None, floor: 1_400 }
        .check_from_each(2, || open_amid_revocation(2));
}

/// It moves twice: the lease comes to the form that does not look again.
#[test]
fn open_amid_two_puts() {
    Model { name: "open_amid_two_puts", bound: None, floor: 8_500 }
        .check_from_each(2, || open_amid_revocation(3));
}

/// A lease is opened and read, beside a commit and a scan that cuts for nobody else.
#[test]
fn open_against_cut() {
    Model { name: "open_against_cut", bound: Some(3), floor: 24_000 }.check_from_each(3, || {
        let house = Arc::new(House::new(Policy::default()));
        let reader = actor(&house, |house| {
            let Ticket { slot, stamp } = house.slots.lend(house.world.queue.root());
            let lease = Held(NonNull::from(slot));
            house.read(lease, stamp);
            assert!(slot.is_lent(stamp), "nobody takes it back");
            lease.give_back();
        });
        let pruner = actor(&house, House::scan_and_cut);
        let writer = actor(&house, |house| assert_eq!(house.world.commit(&[0], 2), 2));
        race([reader, pruner, writer]);
        house.scan_and_cut();
        assert_eq!(house.stamps(), [2], "nothing else is needed any more");
    });
}

/// Slots, a root, and what a snapshot of version 1 reads.
struct Bare {
    slots: Slots,
    root: AtomicU64,
    value: Tracked<u64>,
}

// SAFETY: loom checks the cell.
unsafe impl Sync for Bare {}

/// A scan finds a lease that it wants to take back; by then its slot has served a snapshot, whose value was read unpinned. What
/// it finds in its place may be loaded Relaxed.
#[test]
fn rescan_after_the_next_owner() {
    let model = Model { name: "rescan_after_the_next_owner", bound: None, floor: 4_900 };
    model.check_from_each(2, || {
        let slots = Slots::new(Policy { lease: Some(0), ..Policy::default() });
        let bare = Arc::new(Bare { slots, root: AtomicU64::new(1), value: Tracked::new(7) });
        let lease = Held(NonNull::from(bare.slots.lend(&bare.root).slot));
        let owner = actor(&bare, move |Bare { slots, root, value }| {
            lease.give_back();
            let Ticket { slot, stamp } = slots.acquire(root);
            if stamp == 1 {
                // SAFETY: none beyond I-11, which is what this model is about.
                assert_eq!(unsafe { value.get() }, 7);
            }
            Held(NonNull::from(slot)).release();
        });
        let pruner = actor(&bare, |Bare { slots, root, value }| {
            root.store(2, Ordering::Release);
            let mut registered = Registered::default();
            slots.scan(root, &mut registered, drop);
            if registered.is_garbage(1, 2) {
                // SAFETY: as above.
                unsafe { value.set(0) };
            }
        });
        race([owner, pruner]);
    });
}

/// The form of opening that does not look at the root again, against a scan that ended two versions later: until the stamp is
/// known the lease needs all of them.
#[test]
fn open_from_against_scan() {
    let model = Model { name: "open_from_against_scan", bound: Some(4), floor: 8_600 };
    model.check_from_each(2, || {
        let slots = Slots::new(Policy::default());
        let bare = Arc::new(Bare { slots, root: AtomicU64::new(1), value: Tracked::new(7) });
        let opener = actor(&bare, |Bare { slots, root, value }| {
            let Ticket { slot, stamp } = slots.lend(root);
            if stamp == 3 {
                // SAFETY: none beyond I-7, which is what this model is about.
                assert_eq!(unsafe { value.get() }, 7);
            }
            Held(NonNull::from(slot)).give_back();
        });
        let pruner = actor(&bare, |Bare { slots, root, value }| {
            (2..=4).for_each(|stamp| root.store(stamp, Ordering::Release));
            let mut registered = Registered::default();
            slots.scan(root, &mut registered, drop);
            if registered.is_garbage(3, 4) {
                // SAFETY: as above.
                unsafe { value.set(0) };
            }
        });
        race([opener, pruner]);
    });
}

/// The public face: a lease is opened and read beside a put, and a revocation of what came before it.
#[test]
fn lease_amid_put_and_revocation() {
    let model = Model { name: "lease_amid_put_and_revocation", bound: Some(2), floor: 700 };
    model.check_from_each(2, || {
        let map = Map::new();
        map.put(b"k", [1]).unwrap();
        let reader: Actor<(Option<Lease>, usize)> = {
            let map = map.clone();
            Box::new(move || {
                let lease = map.lease();
                let refused = Error::SnapshotRevoked { version: lease.version() };
                let found = lease.get(b"k");
                let value = vec![lease.version().get() as u8];
                assert!(found == Ok(Some(value)) || found == Err(refused), "{found:?}");
                (Some(lease), 0)
            })
        };
        let revoker: Actor<(Option<Lease>, usize)> = {
            let map = map.clone();
            Box::new(move || {
                let version = map.put(b"k", [2]).unwrap();
                (None, map.revoke_older_than(version))
            })
        };
        let [(lease, _), (_, counted)] = race([reader, revoker]);
        let lease = lease.expect("the first of them opens one");
        if lease.is_revoked() {
            assert_eq!((lease.version().get(), counted), (1, 1), "taken back, and counted");
        } else {
            assert_eq!(lease.version(), map.version(), "a lease that stands is of the new version");
        }
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

#[test]
fn mutants_of_open_amid_one_put() {
    mutants_die("open_amid_one_put", &["lease-lent-late", "revoke-fence", "slot-fence"]);
}

#[test]
fn mutants_of_open_amid_two_puts() {
    mutants_die(
        "open_amid_two_puts",
        &["lease-lent-late", "lease-settled-blindly", "revoke-once", "revoke-fence"],
    );
}

#[test]
fn mutants_of_open_against_cut() {
    mutants_die("open_against_cut", &["slot-fence", "scan-fence"]);
}

#[test]
fn mutants_of_open_from_against_scan() {
    mutants_die("open_from_against_scan", &["floor-unseen", "slot-fence"]);
}

#[test]
fn mutants_of_rescan_after_the_next_owner() {
    mutants_die("rescan_after_the_next_owner", &["slot-scan", "slot-release"]);
}

#[test]
fn mutants_of_lease_amid_put_and_revocation() {
    mutants_die("lease_amid_put_and_revocation", &["lease-lent-late", "lease-unchecked"]);
}
