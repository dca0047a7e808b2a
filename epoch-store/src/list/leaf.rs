//! A leaf: a place in the order, fixed for good, and the word that says which keys are in it.

use super::body::{Body, BodyRef};
use crate::chain::Record;
use crate::reclaim::{Node, Pinned};
use crate::sync::{AtomicPtr, Ordering, ord};
use std::ptr::NonNull;

/// See the module header.
#[derive(Debug)]
pub struct Leaf {
    low: Box<[u8]>,
    body: AtomicPtr<Body>,
}

impl Leaf {
    /// A leaf that owns `body`.
    pub(super) fn new(low: Box<[u8]>, body: NonNull<Body>) -> Self {
        Self { low, body: AtomicPtr::new(body.as_ptr()) }
    }

    /// The low fence: no key in the leaf is below it. Empty for the first leaf.
    pub fn low(&self) -> &[u8] {
        &self.low
    }

    /// The body as it is now.
    #[inline]
    pub fn body<'p, P: Pinned>(&self, pin: &'p P) -> BodyRef<'p> {
        let body = NonNull::new(self.body.load(ord!("body-load", Acquire)));
        let body = body.expect("a leaf always has a body");
        Body::prefetch(body);
        // SAFETY: linked when loaded, and loaded under `pin`; the winner of a later swap retires it.
        unsafe { BodyRef::new(body, pin) }
    }

    /// Replaces the body, unless somebody else has.
    pub(super) fn swap(&self, old: NonNull<Body>, new: NonNull<Body>) -> bool {
        let publish = ord!("body-swap", Release);
        let swapped =
            self.body.compare_exchange(old.as_ptr(), new.as_ptr(), publish, Ordering::Relaxed);
        swapped.is_ok()
    }

    /// Frees the body and its records; returns the next leaf.
    ///
    /// # Safety
    /// No other thread uses the list any more; the leaf is not used again.
    pub(super) unsafe fn free_contents(&mut self) -> Option<NonNull<Leaf>> {
        let body = NonNull::new(self.body.load(Ordering::Acquire)).expect("a leaf has a body");
        // SAFETY: exclusive by contract; each record is in exactly one body (I-14).
        unsafe {
            let view = BodyRef::new(body, &Alone);
            for record in view.pointers() {
                Record::free(*record);
            }
            for record in view.tail() {
                Record::free(record.as_ptr());
            }
            let next = view.next();
            Body::free(body);
            next
        }
    }
}

/// Stands for a pin where no other thread is left.
struct Alone;

impl Pinned for Alone {
    fn protects<T>(&self, _node: NonNull<T>) {}

    unsafe fn retire<T: Node>(&self, node: NonNull<T>, _grace: crate::reclaim::Grace) {
        // SAFETY: nobody else is left, so every grace period has passed.
        unsafe { T::free(node) }
    }
}
