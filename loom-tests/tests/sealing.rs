//! Two threads each take away what stood in the way of a seal: versions, and entries of bags.
//!
//! *Invariant* (I-37, I-38): a record whose key is dead is sealed by exactly one thread, whoever comes last, and by nobody as
//! long as a bag has an entry for it.
//!
//! A chain `3 (deleted), 2, 1`: a snapshot at 1 keeps one version, a snapshot at 2 the other, each noted in a bag of its own.
//! The first snapshot is gone, the second goes, and two threads look at one bag each. Or one looks at the only bag while
//! another commit's scan, too old to judge, makes an entry; or while the delete itself is installed.
//!
//! *Bound*: preemption bound 4; `two_bags` 3.
//!
//! *Equivalent here*: `link-change`, for what it hands on is read by an RMW, which in a model reads the latest value.
//!
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{RecordRef, VersionBox};
use epoch_store::internals::gc::{Backlog, Field, Sweeper, Written};
use epoch_store::internals::reclaim::{Quarantine, QuarantinePin};
use epoch_store::internals::slots::{Slot, Slots};
use epoch_store::internals::space::Spaces;
use epoch_store::internals::sync::{AtomicU64, Ordering};
use epoch_store::internals::tally::{Event, Tally};
use loom::sync::Arc;
use loom_tests::{Chains, Model, actor, mutants_die, pin, race, record};
use std::ptr::NonNull;

/// A registered snapshot. Slots do not move, and outlive the threads of a model.
#[derive(Clone, Copy)]
struct Held(NonNull<Slot>);

// SAFETY: a slot is shared by protocol.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl Held {
    fn release(self) {
        // SAFETY: see the type.
        let slot = unsafe { self.0.as_ref() };
        slot.unregister();
        slot.leave();
    }
}

struct Ground {
    domain: Quarantine,
    slots: Slots,
    root: AtomicU64,
    backlog: Backlog,
    spaces: Spaces,
    tally: Tally,
    record: Chains,
}

impl Ground {
    fn new() -> Self {
        Self {
            domain: Quarantine::default(),
            slots: Slots::default(),
            root: AtomicU64::new(0),
            backlog: Backlog::default(),
            spaces: Spaces::default(),
            tally: Tally::default(),
            record: record(b"k"),
        }
    }

    fn field<'a>(&'a self, pin: &'a QuarantinePin) -> Field<'a, QuarantinePin> {
        let Self { slots, root, backlog, spaces, tally, .. } = self;
        Field { slots, root, backlog, spaces, pin, tally }
    }

    fn written(&self) -> Written<'_> {
        Written { record: self.record.view(), space: 0 }
    }

    /// A commit of a value or, without one, of a delete.
    fn commit(&self, stamp: u64, value: Option<&[u8]>) -> Sweeper {
        let (mut sweeper, pin) = (Sweeper::default(), pin(&self.domain));
        let record: RecordRef<'_> = self.record.view();
        record.install(VersionBox::new(value), stamp, &pin);
        self.root.store(stamp, Ordering::Release);
        sweeper.after_commit([self.written()].into_iter(), self.field(&pin));
        sweeper.hand_over(self.field(&pin));
        sweeper
    }

    fn snapshot(&self) -> Held {
        Held(NonNull::from(self.slots.acquire(&self.root).slot))
    }

    /// Looks at one bag. The sweeper keeps what it sealed.
    fn look(&self) -> Sweeper {
        let (mut sweeper, pin) = (Sweeper::default(), pin(&self.domain));
        sweeper.look(1, self.field(&pin));
        self.check_no_entry_of_a_sealed_record(&pin);
        sweeper
    }

    /// A bag with an entry for the record keeps it from being sealed, so there is none once it is.
    fn check_no_entry_of_a_sealed_record(&self, pin: &QuarantinePin) {
        assert!(!self.record.view().is_dead() || self.backlog.is_empty(pin), "sealed, but noted");
    }

    /// What is left of the bags is looked at, and one of all sweepers has the record in hand.
    fn check_sealed_once(&self, mut sweepers: Vec<Sweeper>) {
        for _ in 0..3 {
            sweepers.push(self.look());
        }
        assert_eq!(self.record.stamps(&pin(&self.domain)), [3], "all but the tombstone is cut");
        assert!(self.record.view().is_dead(), "the last to come seals");
        let in_hand = sweepers.iter().filter(|sweeper| sweeper.is_removing()).count();
        let handed_over = self.backlog.take_leaving(&pin(&self.domain));
        assert_eq!(in_hand + handed_over, 1, "one owner");
        let waiting = self.tally.get(Event::Queued) - self.tally.get(Event::Unqueued);
        assert_eq!(waiting, 0, "and no entry is left");
        // The record is in no list here: nothing of its removal is looked at, or freed.
        sweepers.into_iter().for_each(std::mem::forget);
    }
}

#[test]
fn two_bags() {
    Model { name: "two_bags", bound: Some(2), floor: 11_000 }.check_from_each(2, || {
        let ground = Ground::new();
        let mut sweepers = vec![ground.commit(1, Some(b"a"))];
        let first = ground.snapshot();
        sweepers.push(ground.commit(2, Some(b"b")));
        let second = ground.snapshot();
        sweepers.push(ground.commit(3, None));
        first.release();
        assert!(!ground.record.view().is_dead(), "two entries stand in the way");
        let ground = Arc::new(ground);
        let releaser = actor(&ground, move |ground| {
            second.release();
            ground.look()
        });
        sweepers.extend(race([actor(&ground, Ground::look), releaser]));
        ground.check_sealed_once(sweepers);
    });
}

#[test]
fn a_look_and_a_delete() {
    Model { name: "a_look_and_a_delete", bound: Some(4), floor: 12_000 }.check_from_each(2, || {
        let ground = Ground::new();
        let mut sweepers = vec![ground.commit(1, Some(b"a"))];
        let first = ground.snapshot();
        sweepers.push(ground.commit(2, Some(b"b")));
        let second = ground.snapshot();
        first.release();
        let ground = Arc::new(ground);
        let deleter = actor(&ground, |ground| ground.commit(3, None));
        sweepers.extend(race([actor(&ground, Ground::look), deleter]));
        assert!(!ground.record.view().is_dead(), "a snapshot sees a value");
        assert_eq!(ground.record.stamps(&pin(&ground.domain)), [3, 2], "which stays for it");
        second.release();
        ground.check_sealed_once(sweepers);
    });
}

#[test]
fn a_bag_and_a_note() {
    Model { name: "a_bag_and_a_note", bound: Some(4), floor: 19_000 }.check_from_each(2, || {
        let ground = Ground::new();
        let mut sweepers = vec![ground.commit(1, Some(b"a"))];
        let first = ground.snapshot();
        sweepers.push(ground.commit(2, Some(b"b")));
        first.release();
        // The delete is installed and published; its own look comes in the race, by a scan that can judge nothing.
        let old_scan = || {
            let (mut sweeper, pin) = (Sweeper::default(), pin(&ground.domain));
            sweeper.rescan(ground.field(&pin));
            sweeper
        };
        let mut noter = old_scan();
        {
            let pin = pin(&ground.domain);
            ground.record.view().install(VersionBox::new(None), 3, &pin);
            ground.root.store(3, Ordering::Release);
        }
        let ground = Arc::new(ground);
        let note = actor(&ground, move |ground| {
            let pin = pin(&ground.domain);
            noter.examine(ground.written(), usize::MAX, ground.field(&pin));
            noter.hand_over(ground.field(&pin));
            ground.check_no_entry_of_a_sealed_record(&pin);
            noter
        });
        sweepers.extend(race([actor(&ground, Ground::look), note]));
        ground.check_sealed_once(sweepers);
    });
}

#[test]
fn mutants_of_two_bags() {
    mutants_die("two_bags", &["seal-noted", "notes"]);
}

#[test]
fn mutants_of_a_bag_and_a_note() {
    mutants_die("a_bag_and_a_note", &["seal-noted", "kept-unnoted"]);
}

#[test]
fn mutants_of_a_look_and_a_delete() {
    mutants_die("a_look_and_a_delete", &["seal-with-history", "kept-unnoted"]);
}
