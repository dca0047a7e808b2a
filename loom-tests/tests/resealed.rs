//! A commit whose record was sealed before it got there, because its key was deleted.
//!
//! *Invariant* (I-32; rules 12, 13): the commit is installed in one record, the one that its write names last, whoever
//! resolves the key and however often; a helper that comes late, when the key has been deleted once more, brings nothing
//! back: what it made is sealed and taken away.
//!
//! Here a word stands for list and hash: the place of the key's record.
//!
//! A record may also be sealed with the version of a commit in it that is not published: who deletes a key that is not there
//! installs a lone tombstone in a fresh record, and who sweeps a range that he has deleted meets it in its leaf.
//!
//! *Bound*: owner and helper with preemption bound 3; one who deletes beside one who puts, or with a helper and a sweeper,
//! with bound 2.
//! *Equivalent alone*: `resolve-late`, for the look at root before a key is resolved may come too early; and
//! `dead-before-stamp` without that sweeper, for then the commit of a sealed record's version is published, and that is
//! looked at too.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Record, RecordRef, Registered, VersionBox, cut};
use epoch_store::internals::commit::{Commit, Queue, Resolve, Resolved, Write};
use epoch_store::internals::list::Within;
use epoch_store::internals::reclaim::{Grace, Node, Pinned, Quarantine, QuarantinePin};
use epoch_store::internals::tally::Tally;
use loom::sync::atomic::{AtomicPtr, Ordering};
use loom_tests::{Actor, Model, actor, mutants_die, pin, race};
use std::ops::ControlFlow;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const KEY: &[u8] = b"k";

#[derive(Default)]
struct House {
    domain: Quarantine,
    queue: Queue,
    place: AtomicPtr<Record>,
    /// Counted outside the model.
    made: AtomicUsize,
    removed: AtomicUsize,
}

impl Resolve for House {
    fn resolve<'p, P: Pinned>(&'p self, _: u32, key: &[u8], pin: &'p P, _: &Tally) -> Resolved<'p> {
        loop {
            let there = self.place.load(Ordering::Acquire);
            if let Some(record) = NonNull::new(there) {
                pin.protects(record);
                // SAFETY: in its place under this pin.
                let record: RecordRef<'p> = unsafe { RecordRef::new(record) };
                if !record.is_dead() {
                    return Resolved { record, made: false };
                }
            }
            let fresh = Record::alloc(key);
            let (win, lose) = (Ordering::AcqRel, Ordering::Relaxed);
            if self.place.compare_exchange(there, fresh.as_ptr(), win, lose).is_ok() {
                self.made.fetch_add(1, Relaxed);
                // SAFETY: just put in its place under this pin.
                return Resolved { record: unsafe { RecordRef::new(fresh) }, made: true };
            }
            // SAFETY: seen by nobody.
            unsafe { Record::free(fresh) };
        }
    }

    fn discard<P: Pinned>(&self, _: u32, record: RecordRef<'_>, pin: &P, _: &Tally) {
        self.remove(record, pin);
    }

    fn for_each_leaf<P: Pinned>(
        &self,
        _: u32,
        _: Within<'_>,
        _: &P,
        _: &Tally,
        _: impl FnMut(&[NonNull<Record>]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        panic!("no range is deleted here");
    }
}

impl House {
    /// A key that has been there: in its place.
    fn with_key() -> Self {
        let house = Self::default();
        house.put(1);
        house
    }

    fn write(&self, value: Option<u8>, pin: &QuarantinePin) -> NonNull<Commit> {
        let record = self.resolve(0, KEY, pin, &Tally::default()).record;
        let node = VersionBox::new(value.as_ref().map(std::slice::from_ref)).into_raw();
        Commit::alloc([Write::new(record.as_ptr(), node, 0)].into_iter().collect())
    }

    /// Commits, and reads the key of the record that it went to, as a clean-up does.
    fn commit(&self, commit: NonNull<Commit>, pin: &QuarantinePin) -> (u64, NonNull<Record>) {
        let stamp = self.queue.commit(commit, self, pin, &Tally::default());
        // SAFETY: descriptor and record are not freed before the pin ends.
        let record = unsafe { commit.as_ref() }.writes()[0].record();
        // SAFETY: as above.
        assert_eq!(unsafe { RecordRef::new(record) }.key(), KEY);
        (stamp, record)
    }

    fn put(&self, value: u8) -> u64 {
        let pin = pin(&self.domain);
        self.commit(self.write(Some(value), &pin), &pin).0
    }

    /// Deletes the key, and removes its record if nothing is left in it.
    fn delete(&self) -> u64 {
        let pin = pin(&self.domain);
        let (stamp, record) = self.commit(self.write(None, &pin), &pin);
        // SAFETY: under the pin that it was found under.
        self.collect(unsafe { RecordRef::new(record) }, &pin);
        stamp
    }

    /// Collects from the record in place, as one does who has deleted a range: whatever put its newest version there.
    fn sweep(&self) {
        let pin = pin(&self.domain);
        let Some(record) = NonNull::new(self.place.load(Ordering::Acquire)) else { return };
        pin.protects(record);
        // SAFETY: in its place under this pin.
        self.collect(unsafe { RecordRef::new(record) }, &pin);
    }

    /// Cuts all but the newest version, and removes the record if nothing is left in it.
    fn collect(&self, record: RecordRef<'_>, pin: &QuarantinePin) {
        let mut registered = Registered::default();
        registered.begin(self.queue.published());
        registered.end();
        cut(record, &registered, usize::MAX, pin, |_| ());
        if record.seal_deleted(pin) {
            self.remove(record, pin);
        }
    }

    /// For the one who sealed it.
    fn remove<P: Pinned>(&self, record: RecordRef<'_>, pin: &P) {
        let (win, lose) = (Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.place.compare_exchange(record.as_ptr().as_ptr(), null_mut(), win, lose);
        self.removed.fetch_add(1, Relaxed);
        // SAFETY: not in its place, whoever took it away; sealed by this thread.
        unsafe { pin.retire(record.as_ptr(), Grace::Two) };
    }

    fn help(&self) {
        let pin = pin(&self.domain);
        self.queue.finish_ordered(self, &pin, &Tally::default());
    }

    /// Stamps and newest value of the record in place; nothing if there is none.
    fn stamps(&self) -> Vec<u64> {
        let pin = pin(&self.domain);
        let mut stamps = Vec::new();
        let record = NonNull::new(self.place.load(Ordering::Acquire));
        // SAFETY: in its place; nobody else is left.
        let record: Option<RecordRef<'_>> = record.map(|record| unsafe { RecordRef::new(record) });
        let mut version = record.and_then(|record| record.head(&pin));
        while let Some(newer) = version {
            stamps.push(newer.stamp());
            version = newer.older(&pin);
        }
        stamps
    }

    fn check_none_left(&self) {
        let (made, removed) = (self.made.load(Relaxed), self.removed.load(Relaxed));
        assert!(self.place.load(Ordering::Acquire).is_null(), "a deleted key has no record");
        assert_eq!(made, removed, "each record that was made is removed once");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(record) = NonNull::new(self.place.load(Ordering::Acquire))
            && !std::thread::panicking()
        {
            // SAFETY: nobody is left.
            unsafe { Record::free(record) };
        }
    }
}

/// A house where commit 3, not ordered yet, writes to a record that commit 2 had deleted and sealed.
fn deleted_under_a_writer() -> (loom::sync::Arc<House>, impl FnOnce(&House) + Send + 'static) {
    let house = House::with_key();
    let pin = pin(&house.domain);
    let commit = Handed(house.write(Some(3), &pin));
    house.delete();
    let owner = move |house: &House| {
        let commit = commit;
        house.commit(commit.0, &pin);
        drop(pin);
    };
    (loom::sync::Arc::new(house), owner)
}

/// A descriptor on its way to its owner's thread.
struct Handed(NonNull<Commit>);

// SAFETY: one thread has it at a time.
unsafe impl Send for Handed {}

fn deleter(house: &loom::sync::Arc<House>) -> Actor<()> {
    actor(house, |house: &House| _ = house.delete())
}

fn helper(house: &loom::sync::Arc<House>) -> Actor<()> {
    actor(house, House::help)
}

#[test]
fn two_resolve() {
    Model { name: "two_resolve", bound: Some(3), floor: 12_000 }.check_from_each(2, || {
        let (house, owner) = deleted_under_a_writer();
        race([actor(&house, owner), helper(&house)]);
        assert_eq!(house.stamps(), [3], "in one record, once");
        assert_eq!(house.made.load(Relaxed), 2, "one record for each life of the key");
    });
}

#[test]
fn late_resolver() {
    Model { name: "late_resolver", bound: Some(3), floor: 70_000 }.check_from_each(2, || {
        let (house, owner) = deleted_under_a_writer();
        let owner_then_delete = move |house: &House| {
            owner(house);
            house.delete();
        };
        race([actor(&house, owner_then_delete), helper(&house)]);
        assert_eq!(house.queue.published(), 4);
        house.check_none_left();
    });
}

#[test]
fn late_helper_of_a_delete() {
    let model = Model { name: "late_helper_of_a_delete", bound: Some(3), floor: 2_500 };
    model.check_from_each(2, || {
        let house = loom::sync::Arc::new(House::with_key());
        race([deleter(&house), helper(&house)]);
        assert_eq!(house.queue.published(), 2);
        house.check_none_left();
    });
}

#[test]
fn late_helper_of_a_delete_and_a_new_life() {
    let model =
        Model { name: "late_helper_of_a_delete_and_a_new_life", bound: Some(2), floor: 24_000 };
    model.check_from_each(2, || {
        let house = loom::sync::Arc::new(House::with_key());
        let put = actor(&house, |house: &House| house.put(7));
        let [deleted, put] = race([actor(&house, House::delete), put]);
        match house.stamps()[..] {
            [] => {
                assert!(put < deleted, "a key that was put last is there");
                house.check_none_left();
            }
            [newest, ..] => assert_eq!(newest, put, "a key that was deleted last is not"),
        }
    });
}

/// A key is deleted that is not there, and somebody who collects finds its lone tombstone before the commit is published: the
/// record is sealed with a version in it that nobody sees yet.
#[test]
fn sealed_before_it_is_published() {
    let model = Model { name: "sealed_before_it_is_published", bound: Some(2), floor: 15_000 };
    model.check_from_each(3, || {
        let house = loom::sync::Arc::new(House::default());
        race([deleter(&house), helper(&house), actor(&house, House::sweep)]);
        assert_eq!((house.queue.published(), house.made.load(Relaxed)), (1, 1));
        house.check_none_left();
    });
}

#[test]
fn mutants_of_sealed_before_it_is_published() {
    mutants_die(
        "sealed_before_it_is_published",
        &["dead-before-stamp", "install-into-dead,install-blind"],
    );
}

#[test]
fn mutants_of_two_resolve() {
    mutants_die(
        "two_resolve",
        &["write-move", "write-moved", "install-into-dead", "helper-shares-node"],
    );
}

#[test]
fn mutants_of_late_resolver() {
    mutants_die(
        "late_resolver",
        &["leftover-kept", "move-not-looked-at", "one-grace", "early-free"],
    );
}

#[test]
fn mutants_of_late_helper_of_a_delete() {
    mutants_die(
        "late_helper_of_a_delete",
        &["dead-before-stamp,resolve-late", "install-into-dead,install-blind"],
    );
}

#[test]
fn mutants_of_late_helper_of_a_delete_and_a_new_life() {
    mutants_die("late_helper_of_a_delete_and_a_new_life", &["install-into-dead", "early-free"]);
}
