//! Two threads look at one chain while a snapshot that held it is released.
//!
//! *Invariant* (I-26, I-27): each version that had to stay has one entry in one bag, made by whoever found it first, until
//! it is cut. So whatever is garbage in the end is cut by the end, and nothing is cut that a registered snapshot sees.
//!
//! *Bound*: two threads with preemption bound 4; three with 2. (Two without bound took 499,221 executions and 70 s.)
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

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
    /// A chain `2, 1`, a snapshot at 1, a bag that waits for its release, and a snapshot at 2.
    fn new() -> (Arc<Self>, Held, Held) {
        let ground = Self {
            domain: Quarantine::default(),
            slots: Slots::default(),
            root: AtomicU64::new(0),
            backlog: Backlog::default(),
            spaces: Spaces::default(),
            tally: Tally::default(),
            record: record(b"k"),
        };
        ground.commit(1);
        let first = ground.snapshot();
        ground.commit(2);
        assert_eq!(ground.stamps(), [2, 1], "the snapshot holds its version");
        assert_eq!(ground.queued(), 1, "and an entry for it waits");
        let second = ground.snapshot();
        (Arc::new(ground), first, second)
    }

    fn snapshot(&self) -> Held {
        Held(NonNull::from(self.slots.acquire(&self.root).slot))
    }

    /// A commit as a store does it: publish, then look at the chain.
    fn commit(&self, stamp: u64) {
        let (mut sweeper, pin) = (Sweeper::default(), pin(&self.domain));
        self.record.install(stamp, 0, &pin);
        self.root.store(stamp, Ordering::Release);
        sweeper.after_commit([self.written()].into_iter(), self.field(&pin));
        sweeper.hand_over(self.field(&pin));
    }

    /// The same with a scan from before, as a commit does for which a new scan would not pay: it can judge nothing of
    /// what it supersedes, and there is no fence between its install and its look.
    fn commit_with_old_scan(&self, stamp: u64) {
        let (mut sweeper, pin) = (Sweeper::default(), pin(&self.domain));
        sweeper.rescan(self.field(&pin));
        self.record.install(stamp, 0, &pin);
        self.root.store(stamp, Ordering::Release);
        sweeper.examine(self.written(), usize::MAX, self.field(&pin));
        sweeper.hand_over(self.field(&pin));
    }

    /// Looks at one bag whose time has come. Returns whether there was one.
    fn look(&self) -> bool {
        let (mut sweeper, pin) = (Sweeper::default(), pin(&self.domain));
        let swept = sweeper.look(1, self.field(&pin));
        sweeper.hand_over(self.field(&pin));
        swept.entries > 0
    }

    fn field<'a>(&'a self, pin: &'a QuarantinePin) -> Field<'a, QuarantinePin> {
        let Self { slots, root, backlog, spaces, tally, .. } = self;
        Field { slots, root, backlog, spaces, pin, tally }
    }

    fn written(&self) -> Written<'_> {
        Written { record: self.record.view(), space: 0 }
    }

    fn stamps(&self) -> Vec<u64> {
        self.record.stamps(&pin(&self.domain))
    }

    fn queued(&self) -> u64 {
        self.tally.get(Event::Queued) - self.tally.get(Event::Unqueued)
    }

    /// The snapshot at 2 keeps its version, and an entry for it, as often as somebody looks; once it is gone, looking at
    /// what is queued leaves the newest version alone.
    fn check_end(&self, last: Held) {
        for _ in 0..3 {
            self.look();
        }
        assert_eq!(self.stamps(), [3, 2], "what a snapshot sees stays, and nothing else");
        assert_eq!(self.queued(), 1, "one entry, for that snapshot's sake");
        last.release();
        assert!(self.look(), "the bag is there");
        assert_eq!(self.stamps(), [3], "all garbage is cut in the end");
        assert!(!self.look() && self.queued() == 0, "and nothing waits any more");
    }
}

#[test]
fn look_and_commit() {
    Model { name: "look_and_commit", bound: Some(4), floor: 19_000 }.check_from_each(2, || {
        let (ground, first, second) = Ground::new();
        let looker = actor(&ground, move |ground| {
            first.release();
            ground.look();
        });
        race([looker, actor(&ground, |ground| ground.commit(3))]);
        ground.check_end(second);
    });
}

#[test]
fn look_and_commit_with_old_scan() {
    Model { name: "look_and_commit_with_old_scan", bound: Some(4), floor: 38_000 }.check_from_each(
        2,
        || {
            let (ground, first, second) = Ground::new();
            let looker = actor(&ground, move |ground| {
                first.release();
                ground.look();
            });
            race([looker, actor(&ground, |ground| ground.commit_with_old_scan(3))]);
            ground.check_end(second);
        },
    );
}

#[test]
fn look_commit_and_release() {
    Model { name: "look_commit_and_release", bound: Some(2), floor: 8_500 }.check_from_each(
        3,
        || {
            let (ground, first, second) = Ground::new();
            let looker = actor(&ground, |ground| _ = ground.look());
            let writer = actor(&ground, |ground| ground.commit(3));
            race([looker, writer, actor(&ground, move |_| first.release())]);
            ground.check_end(second);
        },
    );
}

#[test]
fn mutants_of_look_and_commit() {
    mutants_die("look_and_commit", &["pile-forgotten", "kept-unnoted"]);
}

#[test]
fn mutants_of_look_and_commit_with_old_scan() {
    mutants_die("look_and_commit_with_old_scan", &["entry-dropped", "kept-unnoted"]);
}

#[test]
fn mutants_of_look_commit_and_release() {
    mutants_die("look_commit_and_release", &["seen-dropped", "kept-unnoted"]);
}
