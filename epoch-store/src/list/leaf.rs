//! A leaf: a place in the order, and the word that says which keys are in it.
//!
//! Its low fence is fixed for good. Its body is replaced again and again, until one is *frozen*: that is its last (I-44). Then
//! its left neighbour takes over its keys, and it lives on only for those whose pins may have found it (I-45):
//! hence a [`LeafRef`] is as long as a pin.

use super::body::{Body, BodyRef};
use crate::chain::Record;
use crate::reclaim::{Node, Pinned, Shared};
use crate::sync::{AtomicPtr, Ordering, ord};
use std::ptr::NonNull;

/// A leaf for as long as the pin lasts under which it was found.
pub type LeafRef<'p> = Shared<'p, Leaf>;

/// See the module header.
#[derive(Debug)]
pub struct Leaf {
    low: Box<[u8]>,
    body: AtomicPtr<Body>,
    /// Read by every use and written by the burial: a model sees a use that is not ordered before it.
    #[cfg(epoch_loom)]
    alive: crate::sync::Tracked<bool>,
}

impl Leaf {
    /// A leaf that owns `body`.
    pub(super) fn new(low: Box<[u8]>, body: NonNull<Body>) -> Self {
        Self {
            low,
            body: AtomicPtr::new(body.as_ptr()),
            #[cfg(epoch_loom)]
            alive: crate::sync::Tracked::new(true),
        }
    }

    /// The low fence: no key in the leaf is below it. Empty for the first leaf.
    pub fn low(&self) -> &[u8] {
        self.check_alive();
        &self.low
    }

    /// Whether it is the first of its list, which stays for good.
    pub(super) fn is_first(&self) -> bool {
        self.low().is_empty()
    }

    #[cfg(not(epoch_loom))]
    #[inline(always)]
    fn check_alive(&self) {}

    #[cfg(epoch_loom)]
    fn check_alive(&self) {
        // SAFETY: written by the burial only, which comes after every use (I-44); loom reports it if it does not.
        assert!(unsafe { self.alive.get() }, "use of a leaf that was freed");
    }

    /// The body as it is now.
    #[inline]
    pub fn body<'p, P: Pinned>(&self, pin: &'p P) -> BodyRef<'p> {
        pin.protects(NonNull::from(self));
        self.check_alive();
        let body = NonNull::new(self.body.load(ord!("body-load", Acquire)));
        let body = body.expect("a leaf always has a body");
        Body::prefetch(body);
        // SAFETY: linked when loaded, and loaded under `pin`; the winner of a later swap retires it. A frozen body is freed
        // with its leaf.
        unsafe { BodyRef::new(body, pin) }
    }

    fn last_body(&self) -> NonNull<Body> {
        NonNull::new(self.body.load(Ordering::Acquire)).expect("a leaf always has a body")
    }

    /// Bytes of the leaf and of a body of it.
    ///
    /// # Safety
    /// The body is alive.
    pub(super) unsafe fn bytes_with(&self, body: NonNull<Body>) -> usize {
        // SAFETY: forwarded.
        size_of::<Self>() + self.low.len() + unsafe { Body::bytes(body) }
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
        let body = self.last_body();
        // SAFETY: exclusive by contract; each record is in exactly one body (I-14).
        unsafe {
            let view = BodyRef::new(body, &Alone);
            for word in view.words() {
                Record::free(word.held());
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

impl Node for Leaf {
    /// Frees an unlinked leaf and its body, which is frozen: there are no records in it.
    unsafe fn free(leaf: NonNull<Self>) {
        // SAFETY: leaked from a Box by a split; sole owner, of the body too.
        unsafe {
            let leaf = Box::from_raw(leaf.as_ptr());
            Body::free(leaf.last_body());
        }
    }

    unsafe fn bytes(leaf: NonNull<Self>) -> usize {
        // SAFETY: alive.
        unsafe { leaf.as_ref().bytes_with(leaf.as_ref().last_body()) }
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(leaf: NonNull<Self>) {
        // SAFETY: nobody refers to the leaf any more; loom reports it if somebody does.
        unsafe {
            Body::bury(leaf.as_ref().last_body());
            leaf.as_ref().alive.set(false);
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
