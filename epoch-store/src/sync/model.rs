//! The facade inside a model: loom's atomics and checked cells.

#![allow(clippy::disallowed_types, reason = "this file is the facade that the lint points to")]

pub use super::faults::{ordering, seeded};
pub use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

use loom::cell::UnsafeCell;

/// A plain field of a shared node whose accesses loom checks for data races.
#[derive(Debug)]
pub struct Tracked<T>(UnsafeCell<T>);

impl<T: Copy> Tracked<T> {
    /// A cell with its first value.
    pub fn new(value: T) -> Self {
        let cell = UnsafeCell::new(value);
        // A write of its own: loom dates a creation at the thread's last step, which may be a fence that others have
        // joined since, and would take them for ordered behind it.
        cell.with_mut(|_| ());
        Self(cell)
    }

    /// The value.
    ///
    /// # Safety
    /// No [`Tracked::set`] may run at the same time.
    pub unsafe fn get(&self) -> T {
        // SAFETY: the caller excludes writers; loom reports it when he does not.
        self.0.with(|value| unsafe { *value })
    }

    /// Replaces the value.
    ///
    /// # Safety
    /// No other access may run at the same time.
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller has exclusive access; loom reports it when he has not.
        self.0.with_mut(|cell| unsafe { *cell = value });
    }
}

/// A `SeqCst` fence at a named site, or nothing when its mutant is chosen.
pub fn fence_at(site: &'static str) {
    if !seeded(site) {
        fence(Ordering::SeqCst);
    }
}

/// Spinning explores nothing new in a model: the caller goes on to help at once.
pub fn relax() -> bool {
    false
}

/// All model threads start at the same place: collisions are what a model wants to see.
pub fn thread_hint() -> usize {
    0
}

/// As [`thread_hint`].
pub fn slot_hint() -> usize {
    0
}

/// Nothing is remembered in a model.
pub fn set_slot_hint(_index: usize) {}

/// `len` null pointers.
pub fn zeroed_slots<T>(len: usize) -> Box<[AtomicPtr<T>]> {
    (0..len).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect()
}
