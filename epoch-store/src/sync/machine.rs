//! The facade on the machine: `std` atomics and plain cells, every helper inlined away.

#![allow(clippy::disallowed_types, reason = "this file is the facade that the lint points to")]

#[cfg(epoch_tsan)]
pub use super::faults::{ordering, seeded};
pub use std::sync::atomic::Ordering;

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::cell::{Cell, UnsafeCell};

// Aliases, not re-exports: the lint follows a re-export to its origin and would refuse these too.
/// `std`'s.
pub type AtomicBool = std::sync::atomic::AtomicBool;
/// `std`'s.
pub type AtomicPtr<T> = std::sync::atomic::AtomicPtr<T>;
/// `std`'s.
pub type AtomicU8 = std::sync::atomic::AtomicU8;
/// `std`'s.
pub type AtomicU32 = std::sync::atomic::AtomicU32;
/// `std`'s.
pub type AtomicU64 = std::sync::atomic::AtomicU64;
/// `std`'s.
pub type AtomicUsize = std::sync::atomic::AtomicUsize;

/// A plain field of a shared node: written before the node is published, read afterwards.
///
/// In a model it is a cell whose accesses are checked for data races; here it is the bare value.
#[derive(Debug)]
pub struct Tracked<T>(UnsafeCell<T>);

impl<T: Copy> Tracked<T> {
    /// A cell with its first value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value.
    ///
    /// # Safety
    /// No [`Tracked::set`] may run at the same time.
    #[inline(always)]
    pub unsafe fn get(&self) -> T {
        // SAFETY: the caller excludes writers.
        unsafe { *self.0.get() }
    }

    /// Replaces the value.
    ///
    /// # Safety
    /// No other access may run at the same time.
    #[inline(always)]
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller has exclusive access.
        unsafe { *self.0.get() = value }
    }
}

/// The ordering of a named site: itself.
#[cfg(not(epoch_tsan))]
#[inline(always)]
pub const fn ordering(_site: &'static str, ordering: Ordering) -> Ordering {
    ordering
}

/// Whether a fault is seeded: never on the machine.
#[cfg(not(epoch_tsan))]
#[inline(always)]
pub const fn seeded(_name: &'static str) -> bool {
    false
}

/// A `SeqCst` fence at a named site.
///
/// ThreadSanitizer executes fences and draws no happens-before edge from them. That suits it here: the fence decides which
/// of two values a load may return (I-9), and every edge is carried by the Release and Acquire of the words around it.
/// A read-modify-write of one shared word in its place would order all threads that pass, and hide races.
#[inline(always)]
pub fn fence_at(_site: &'static str) {
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// One step of a bounded spin. Returns false when spinning is pointless (in a model).
#[inline(always)]
pub fn relax() -> bool {
    std::hint::spin_loop();
    true
}

thread_local! {
    // Const and without destructor: usable in the destructors of other thread locals, owns nothing of any store.
    static HINT: Cell<usize> = const { Cell::new(usize::MAX) };
    static SLOT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Where this thread last found or left a free snapshot slot.
#[inline]
pub fn slot_hint() -> usize {
    SLOT.with(|slot| {
        if slot.get() == usize::MAX {
            slot.set(thread_hint());
        }
        slot.get()
    })
}

/// Remembers where to look next time.
#[inline]
pub fn set_slot_hint(index: usize) {
    SLOT.with(|slot| slot.set(index));
}

/// A small number that differs between threads: where a thread starts to look for a free session or slot.
#[inline]
pub fn thread_hint() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    HINT.with(|hint| {
        if hint.get() == usize::MAX {
            hint.set(NEXT.fetch_add(1, Ordering::Relaxed) & 0xFFFF);
        }
        hint.get()
    })
}

/// `len` null pointers, from zeroed pages that cost nothing until they are touched.
pub fn zeroed_slots<T>(len: usize) -> Box<[AtomicPtr<T>]> {
    assert!(len > 0, "an empty slot array has no layout");
    let layout = Layout::array::<AtomicPtr<T>>(len).expect("slot array fits the address space");
    // SAFETY: the layout has non-zero size (asserted above).
    let raw = unsafe { alloc_zeroed(layout) }.cast::<AtomicPtr<T>>();
    if raw.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: `raw` is a fresh allocation of exactly this array layout, and all-zero bytes are a valid
    // `AtomicPtr` holding null (it has the layout of `*mut T`).
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(raw, len)) }
}
