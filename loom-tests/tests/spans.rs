//! A commit that deletes a range of keys.
//!
//! *Invariant* (I-33): what is deleted is what had a value in the version before, whoever of those who install the commit
//! finds it: a key put by a commit before is deleted, one put after is not touched, whichever of them is in the list by
//! then; a write of the same commit inside the range wins; a helper that is late deletes nothing that came later. A
//! reader sees all of the commit or nothing.
//!
//! Here two places stand for the list: each empty, or the place of a record.
//!
//! *Bound*: two threads with preemption bound 3, three with 2.
//! *Equivalent alone*: `late-eraser`, for what is published has this stamp or a later one wherever there was a value.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Record, RecordRef, VersionBox};
use epoch_store::internals::commit::{Commit, Queue, Resolve, Resolved, Span, Write};
use epoch_store::internals::list::Within;
use epoch_store::internals::reclaim::{Node, Pinned, Quarantine, QuarantinePin};
use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicPtr, Ordering};
use loom_tests::{Model, actor, mutants_die, pin, race};
use std::ops::ControlFlow;
use std::ptr::NonNull;

const A: usize = 0;
const B: usize = 1;

#[derive(Default)]
struct Shelf {
    domain: Quarantine,
    queue: Queue,
    places: [AtomicPtr<Record>; 2],
}

impl Resolve for Shelf {
    fn resolve<'p, P: Pinned>(&'p self, _: u32, _: &[u8], _: &'p P, _: &Tally) -> Resolved<'p> {
        panic!("no record is sealed here");
    }

    fn discard<P: Pinned>(&self, _: u32, _: RecordRef<'_>, _: &P, _: &Tally) {
        panic!("no record is sealed here");
    }

    /// Two leaves of one record.
    fn for_each_leaf<P: Pinned>(
        &self,
        _: u32,
        within: Within<'_>,
        _: &P,
        _: &Tally,
        mut visit: impl FnMut(&[NonNull<Record>]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for record in (0..2).filter_map(|at| self.record(at)) {
            if within.contains(record.key()) {
                visit(&[record.as_ptr()])?;
            }
        }
        ControlFlow::Continue(())
    }
}

impl Shelf {
    fn record(&self, at: usize) -> Option<RecordRef<'_>> {
        let record = NonNull::new(self.places[at].load(Ordering::Acquire))?;
        // SAFETY: records stay to the end here.
        Some(unsafe { RecordRef::new(record) })
    }

    /// A shelf whose first keys have got a value by commit 1.
    fn with(keys: &[usize]) -> Arc<Self> {
        let shelf = Self::default();
        let pin = pin(&shelf.domain);
        let writes = keys.iter().map(|&at| shelf.write(at, 1)).collect();
        shelf.queue.commit(Commit::alloc(writes), &shelf, &pin, &Tally::default());
        drop(pin);
        Arc::new(shelf)
    }

    /// A write of a key, whose record is put into its place if there is none.
    fn write(&self, at: usize, value: u8) -> Write {
        if self.record(at).is_none() {
            let record = Record::alloc(&[b'a' + at as u8]);
            self.places[at].store(record.as_ptr(), Ordering::Release);
        }
        let node = VersionBox::new(Some(&[value])).into_raw();
        Write::new(self.record(at).expect("just put there").as_ptr(), node, 0)
    }

    fn put(&self, at: usize, value: u8) -> u64 {
        let pin = pin(&self.domain);
        let commit = Commit::alloc([self.write(at, value)].into_iter().collect());
        self.queue.commit(commit, self, &pin, &Tally::default())
    }

    /// Deletes both keys, but for one that is written.
    fn erase(&self, but: Option<(usize, u8)>) -> u64 {
        let pin = pin(&self.domain);
        let all = Span::new(0, Box::default(), None);
        let writes = but.into_iter().map(|(at, value)| self.write(at, value)).collect();
        let commit = Commit::alloc_with_spans(writes, Box::new([all]));
        self.queue.commit(commit, self, &pin, &Tally::default())
    }

    fn help(&self) {
        let pin = pin(&self.domain);
        self.queue.finish_ordered(self, &pin, &Tally::default());
    }

    fn read(&self, at: usize, stamp: u64, pin: &QuarantinePin) -> Option<u8> {
        let record = self.record(at)?;
        record.visible_at(stamp, pin)?.value().map(|value| value[0])
    }

    fn stamps(&self, at: usize) -> Vec<u64> {
        let pin = pin(&self.domain);
        let record = self.record(at).expect("a record");
        let mut next = record.head(&pin);
        let mut stamps = Vec::new();
        while let Some(version) = next {
            stamps.push(version.stamp());
            next = version.older(&pin);
        }
        stamps
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for record in (0..2).filter_map(|at| self.record(at)) {
                // SAFETY: nobody is left.
                unsafe { Record::free(record.as_ptr()) };
            }
        }
    }
}

#[test]
fn insert_into_a_deleted_range() {
    let model = Model { name: "insert_into_a_deleted_range", bound: Some(3), floor: 130_000 };
    model.check_from_each(2, || {
        let shelf = Shelf::with(&[A]);
        let [erased, put] = race([
            actor(&shelf, |shelf: &Shelf| {
                let stamp = shelf.erase(None);
                let pin = pin(&shelf.domain);
                assert_eq!([A, B].map(|at| shelf.read(at, stamp, &pin)), [None; 2], "all deleted");
                stamp
            }),
            actor(&shelf, |shelf: &Shelf| shelf.put(B, 7)),
        ]);
        assert_eq!(shelf.stamps(A), [erased, 1]);
        let expected = if put < erased { vec![erased, put] } else { vec![put] };
        assert_eq!(shelf.stamps(B), expected, "what came before is deleted, nothing else");
    });
}

#[test]
fn range_write_and_reader() {
    Model { name: "range_write_and_reader", bound: Some(2), floor: 6_000 }.check(|| {
        let shelf = Shelf::with(&[A, B]);
        race([
            actor(&shelf, |shelf: &Shelf| _ = shelf.erase(Some((A, 9)))),
            actor(&shelf, Shelf::help),
            actor(&shelf, |shelf: &Shelf| {
                let pin = pin(&shelf.domain);
                let stamp = shelf.queue.published();
                let expected = if stamp == 1 { [Some(1); 2] } else { [Some(9), None] };
                let seen = [A, B].map(|at| shelf.read(at, stamp, &pin));
                assert_eq!(seen, expected, "all of it or nothing at {stamp}");
            }),
        ]);
        assert_eq!([A, B].map(|at| shelf.stamps(at)), [[2, 1], [2, 1]], "once in each record");
    });
}

#[test]
fn late_helper_of_a_range() {
    let model = Model { name: "late_helper_of_a_range", bound: Some(3), floor: 45_000 };
    model.check_from_each(2, || {
        let shelf = Shelf::with(&[A]);
        race([
            actor(&shelf, |shelf: &Shelf| {
                assert_eq!(shelf.erase(None), 2);
                shelf.put(A, 8);
                shelf.put(B, 8);
            }),
            actor(&shelf, Shelf::help),
        ]);
        assert_eq!(shelf.stamps(A), [3, 2, 1]);
        assert_eq!(shelf.stamps(B), [4]);
    });
}

#[test]
fn mutants_of_insert_into_a_deleted_range() {
    mutants_die(
        "insert_into_a_deleted_range",
        &["empty-erased", "helper-skips-spans", "install-blind", "queue-link", "root-load"],
    );
}

#[test]
fn mutants_of_range_write_and_reader() {
    mutants_die(
        "range_write_and_reader",
        &["spans-before-writes", "helper-skips-spans", "root-publish"],
    );
}

#[test]
fn mutants_of_late_helper_of_a_range() {
    mutants_die("late_helper_of_a_range", &["empty-erased,late-eraser", "install-blind"]);
}
