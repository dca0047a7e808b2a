//! A helper's pin against the reclamation of what it finds in a descriptor (rule 1).
//!
//! A sweeper unlinks and retires a record while the owner, pinned before, has it in its descriptor. A helper that pinned
//! after the retire takes the record from the descriptor; the owner's commit is published by somebody, the owner unpins.
//! One grace period would end there, under the helper.
//!
//! *Invariant* (I-3, I-23): a node that can be handed from one pinned thread to another waits for two periods; the owner
//! is pinned from its look-up to its publication; a helper pins before it loads root.
//!
//! *Bound*: three threads, preemption bound 3.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Record, VersionBox};
use epoch_store::internals::commit::{Commit, Queue, Write};
use epoch_store::internals::reclaim::{Grace, Pinned, Quarantine};
use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicPtr, Ordering};
use loom::thread;
use loom_tests::{Model, NoneSealed, mutants_die, pin};
use std::ptr::{NonNull, null_mut};

struct House {
    domain: Quarantine,
    queue: Queue,
    /// Stands for the list: where the owner finds the record, and the sweeper takes it out.
    place: AtomicPtr<Record>,
}

impl House {
    fn owner(&self) {
        let pin = pin(&self.domain);
        let Some(record) = NonNull::new(self.place.load(Ordering::Acquire)) else { return };
        let node = VersionBox::new(Some(b"v")).into_raw();
        let writes = [Write::new(record, node, 0)].into_iter().collect();
        self.queue.commit(Commit::alloc(writes), &NoneSealed, &pin, &Tally::default());
    }

    fn sweeper(&self) {
        let pin = pin(&self.domain);
        if let Some(record) = NonNull::new(self.place.swap(null_mut(), Ordering::AcqRel)) {
            // SAFETY: unlinked by this swap; other threads have it only from before, or from a descriptor.
            unsafe { pin.retire(record, Grace::Two) };
        }
    }

    fn helper(&self) {
        let pin = pin(&self.domain);
        self.queue.finish_ordered(&NoneSealed, &pin, &Tally::default());
    }
}

#[test]
fn record_in_a_descriptor() {
    Model { name: "record_in_a_descriptor", bound: Some(3), floor: 200 }.check(|| {
        let house = Arc::new(House {
            domain: Quarantine::default(),
            queue: Queue::default(),
            place: AtomicPtr::new(Record::alloc(b"k").as_ptr()),
        });
        let threads = [House::owner, House::sweeper, House::helper].map(|part| {
            let house = Arc::clone(&house);
            thread::spawn(move || part(&house))
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn mutants_of_record_in_a_descriptor() {
    mutants_die("record_in_a_descriptor", &["one-grace", "early-free", "no-pin"]);
}
