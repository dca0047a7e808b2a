//! Reclamation on crossbeam-epoch, with a collector of our own.
//!
//! *Role.* A session keeps back what it retires and hands it to the collector a slab at a time: the collector frees at
//! most 512 deferred functions per 128 pins, so one function per retired node would pile up without bound from four
//! retires per pin on. One function per slab of [`SLAB_OBJECTS`] nodes, then a flush, keeps it flat.
//!
//! *Picture.*
//! ```text
//!  retire(One) ─► one ──slab──► defer ─► free
//!  retire(Two) ─► two ──slab──► defer ─► mark passed ─┐      (grace one)
//!                       waiting ◄─────────────────────┘
//!                          └── next slab: passed? ─► defer ─► free   (grace two)
//! ```
//! The second period is begun by the session, not inside the first deferred function: nothing is registered or pinned
//! inside the collector, and a deferred function captures one pointer.
//!
//! *Bound.* A session keeps back at most `2 * SLAB_OBJECTS` nodes or `2 * SLAB_BYTES` bytes plus one node.
//!
//! *Orderings.* `passed`: Release by the deferred function, Acquire by the session: the end of period one happens
//! before the beginning of period two.

#![allow(clippy::disallowed_types, reason = "its own state is seen by one thread at a time")]

use super::{Garbage, Grace, Node, Pinned, Reclaimer};
use crate::sync::{AtomicBool, AtomicU64, Ordering, mutant, ord};
use crate::tally::{Event, Tally};
use crossbeam_epoch::{Collector, Guard, LocalHandle};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// Nodes in a slab: enough to make the collector's cost per node small, few enough to stay in the cache until freed.
const SLAB_OBJECTS: usize = 64;
/// Bytes in a slab: large values are handed over soon.
const SLAB_BYTES: usize = 64 << 10;

/// Nodes that share their grace periods.
struct Slab {
    garbage: Vec<Garbage>,
    /// The first of two periods has ended (used by `Grace::Two` only).
    passed: AtomicBool,
    /// The counters of the `Epoch` that the slab belongs to; they outlive the collector (see `Drop`).
    counters: NonNull<Counters>,
}

/// How far reclamation has come.
#[derive(Debug, Default)]
struct Counters {
    /// Nodes freed.
    freed: AtomicU64,
    /// Their bytes, as they were when they were retired.
    freed_bytes: AtomicU64,
    /// Slabs whose first of two periods has ended.
    passed: AtomicU64,
}

impl Slab {
    /// Frees the slab and its nodes.
    ///
    /// # Safety
    /// `slab` was leaked from a Box, its last grace period has ended, and this happens once.
    unsafe fn free(slab: NonNull<Slab>) {
        // SAFETY: leaked from a Box, sole owner.
        let slab = unsafe { Box::from_raw(slab.as_ptr()) };
        let count = slab.garbage.len() as u64;
        let bytes: usize = slab.garbage.iter().map(|garbage| garbage.bytes).sum();
        for garbage in slab.garbage {
            // SAFETY: the grace period of every node of the slab has ended.
            unsafe { free(garbage) };
        }
        // SAFETY: the counters outlive the collector and every session.
        let counters = unsafe { slab.counters.as_ref() };
        counters.freed.fetch_add(count, Ordering::Relaxed);
        counters.freed_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Frees a node; in a model it is buried first, so that loom reports readers that are not ordered before.
///
/// # Safety
/// As for [`Garbage::free`].
unsafe fn free(garbage: Garbage) {
    // SAFETY: forwarded.
    unsafe {
        #[cfg(epoch_loom)]
        (garbage.bury)(garbage.node);
        garbage.free();
    }
}

/// See the module header.
pub struct Epoch {
    /// Dropped by hand: its drop runs every deferred function, and they write to `counters`.
    collector: ManuallyDrop<Collector>,
    counters: Box<Counters>,
}

/// What one session keeps back.
pub struct Local {
    handle: LocalHandle,
    bags: RefCell<Bags>,
}

struct Bags {
    one: Vec<Garbage>,
    two: Vec<Garbage>,
    bytes: usize,
    waiting: VecDeque<NonNull<Slab>>,
    counters: NonNull<Counters>,
}

impl Default for Epoch {
    fn default() -> Self {
        Self { collector: ManuallyDrop::new(Collector::new()), counters: Box::default() }
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        // SAFETY: dropped once, here, and not used afterwards. All handles are gone (sessions are dropped before
        // their reclaimer), so this runs what is still deferred, while `counters` is alive.
        unsafe { ManuallyDrop::drop(&mut self.collector) };
    }
}

impl Epoch {
    /// Grows with everything that a grace period has done.
    fn progress(&self) -> (u64, u64) {
        (self.freed(), self.counters.passed.load(Ordering::Relaxed))
    }

    /// One round of a flush: hands over, and moves the collector's epoch on if all pinned threads have seen it.
    pub fn flush_round(&self, local: &Local) {
        let guard = local.handle.pin();
        local.bags.borrow_mut().hand_over(&guard);
        guard.flush();
    }
}

impl Reclaimer for Epoch {
    type Local = Local;
    type Pin<'a> = EpochPin<'a>;

    fn local(&self) -> Local {
        let bags = Bags {
            one: Vec::new(),
            two: Vec::new(),
            bytes: 0,
            waiting: VecDeque::new(),
            counters: NonNull::from(&*self.counters),
        };
        Local { handle: self.collector.register(), bags: RefCell::new(bags) }
    }

    #[inline]
    fn pin<'a>(&'a self, local: &'a Local, tally: &'a Tally) -> EpochPin<'a> {
        EpochPin { guard: local.handle.pin(), bags: &local.bags, tally }
    }

    fn flush(&self, local: &Local) {
        // A round moves the epoch on by one at most, and frees a few slabs: two periods of up to three epochs, and again as
        // long as that gets anything any further.
        loop {
            let before = self.progress();
            for _ in 0..8 {
                self.flush_round(local);
            }
            if self.progress() == before {
                return;
            }
        }
    }

    fn freed(&self) -> u64 {
        self.counters.freed.load(Ordering::Relaxed)
    }

    fn freed_bytes(&self) -> u64 {
        self.counters.freed_bytes.load(Ordering::Relaxed)
    }
}

impl Bags {
    fn keep(&mut self, garbage: Garbage, grace: Grace, guard: &Guard) {
        self.bytes += garbage.bytes;
        let bag = match grace {
            Grace::One => &mut self.one,
            Grace::Two if mutant!("epoch-one-period") => &mut self.one,
            Grace::Two => &mut self.two,
        };
        bag.push(garbage);
        if bag.len() >= SLAB_OBJECTS || self.bytes >= SLAB_BYTES {
            self.hand_over(guard);
            guard.flush();
        }
    }

    /// Defers what is kept back, and begins the second period of what has passed the first.
    fn hand_over(&mut self, guard: &Guard) {
        self.bytes = 0;
        while let Some(&slab) = self.waiting.front() {
            // SAFETY: a waiting slab is freed only by the deferred function that this loop creates.
            if !unsafe { slab.as_ref() }.passed.load(ord!("slab-passed-load", Acquire)) {
                break;
            }
            self.waiting.pop_front();
            defer(guard, slab, Slab::free);
        }
        if let Some(slab) = self.seal(Grace::One) {
            defer(guard, slab, Slab::free);
        }
        if let Some(slab) = self.seal(Grace::Two) {
            self.waiting.push_back(slab);
            defer(guard, slab, mark_passed);
        }
    }

    fn seal(&mut self, grace: Grace) -> Option<NonNull<Slab>> {
        let bag = match grace {
            Grace::One => &mut self.one,
            Grace::Two => &mut self.two,
        };
        if bag.is_empty() {
            return None;
        }
        let garbage = std::mem::replace(bag, Vec::with_capacity(SLAB_OBJECTS));
        let slab = Slab { garbage, passed: AtomicBool::new(false), counters: self.counters };
        Some(NonNull::from(Box::leak(Box::new(slab))))
    }
}

/// Period one of a `Grace::Two` slab has ended.
///
/// # Safety
/// `slab` is alive: the session that holds it in `waiting` frees it only after it saw the mark.
unsafe fn mark_passed(slab: NonNull<Slab>) {
    // SAFETY: alive by contract; after the mark it may be gone. The counters outlive the collector.
    unsafe {
        let counters = slab.as_ref().counters;
        slab.as_ref().passed.store(true, ord!("slab-passed-store", Release));
        counters.as_ref().passed.fetch_add(1, Ordering::Relaxed);
    }
}

fn defer(guard: &Guard, slab: NonNull<Slab>, then: unsafe fn(NonNull<Slab>)) {
    struct SendPtr(NonNull<Slab>);
    // SAFETY: whoever runs the function is the only user of the slab, but for `passed`, which is atomic.
    unsafe impl Send for SendPtr {}
    impl SendPtr {
        fn get(self) -> NonNull<Slab> {
            self.0
        }
    }
    let slab = SendPtr(slab);
    // SAFETY: the closure captures a pointer and a function (no borrow); by I-1 no thread that pins after this can
    // reach the nodes of the slab except as `Grace::Two` allows, and `then` keeps the contract of that period.
    unsafe {
        guard.defer_unchecked(move || {
            let slab = slab.get();
            // A grace period has passed since the slab was sealed; each slab takes this way once per period.
            then(slab);
        });
    }
}

impl Drop for Local {
    /// Runs when the store is dropped: no other thread is left, so nothing needs a grace period any more.
    fn drop(&mut self) {
        let bags = self.bags.get_mut();
        // Slabs in their first period are still referred to by a deferred function: finish them with the collector.
        let guard = self.handle.pin();
        for slab in bags.waiting.drain(..) {
            defer(&guard, slab, Slab::free);
        }
        for garbage in bags.one.drain(..).chain(bags.two.drain(..)) {
            // SAFETY: the store is going away: this thread has it alone.
            unsafe { garbage.free() };
        }
    }
}

/// A pin on the collector, and the session's bags.
pub struct EpochPin<'a> {
    guard: Guard,
    bags: &'a RefCell<Bags>,
    tally: &'a Tally,
}

impl EpochPin<'_> {
    #[inline]
    fn count(&self, garbage: &Garbage) {
        self.tally.one(Event::Retired);
        self.tally.bytes(Event::RetiredBytes, garbage.bytes, 0);
    }
}

impl Pinned for EpochPin<'_> {
    #[inline(always)]
    fn protects<T>(&self, _node: NonNull<T>) {}

    #[inline]
    unsafe fn retire<T: Node>(&self, node: NonNull<T>, grace: Grace) {
        // SAFETY: the caller is the only one to retire the node, which is alive until then (I-1).
        let garbage = unsafe { Garbage::of(node) };
        self.count(&garbage);
        if mutant!("epoch-frees-at-once") {
            // SAFETY: none: this is the fault that the model must find.
            return unsafe { free(garbage) };
        }
        self.bags.borrow_mut().keep(garbage, grace, &self.guard);
    }

    unsafe fn retire_promptly<T: Node>(&self, node: NonNull<T>) {
        // SAFETY: as in `retire`.
        let garbage = unsafe { Garbage::of(node) };
        self.count(&garbage);
        let garbage = vec![garbage];
        let counters = self.bags.borrow().counters;
        let slab = Slab { garbage, passed: AtomicBool::new(false), counters };
        defer(&self.guard, NonNull::from(Box::leak(Box::new(slab))), Slab::free);
        self.guard.flush();
    }
}
