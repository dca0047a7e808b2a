//! Reclamation behind one seam: when may the memory of an unlinked node be given back?
//!
//! *Role.* Protocols see only two traits. [`Reclaimer`] makes per-session state and pins; [`Pinned`] is what a pinned
//! thread may do: ask whether an address is still protected (a check that exists only in models) and retire a node.
//! In production the reclaimer is [`Epoch`] (crossbeam-epoch, own collector); in models it is `Quarantine`, which
//! frees at the earliest moment the contract allows and reports use after free and double retire.
//!
//! *Contract* (I-1 .. I-3):
//! - I-1 A node may be retired only by the thread that made it unreachable for every thread that pins later, and once.
//! - I-2 [`Grace::One`]: memory is freed after every thread that was pinned at the retire has unpinned.
//! - I-3 [`Grace::Two`]: after a second such period that began when the first had ended. It is for nodes that a thread
//!   can be handed by another pinned thread (records, leaves and descriptors found in a commit descriptor): the helper
//!   may have pinned after the retire, but not after the owner unpinned, and the owner ends no earlier than period one.
//!
//! *Checked by* `loom-tests/tests/helper_pin.rs` (I-2 against I-3), `real_epoch.rs` (the same on crossbeam-epoch).

mod epoch;
mod period;
#[cfg(epoch_loom)]
mod quarantine;

pub use epoch::Epoch;
pub use period::Period;
#[cfg(epoch_loom)]
pub use quarantine::{Quarantine, QuarantinePin};

use crate::tally::Tally;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// The reclaimer that stores use in this build.
#[cfg(not(epoch_loom))]
pub type Domain = Epoch;
/// The reclaimer that stores use in this build.
#[cfg(epoch_loom)]
pub type Domain = Quarantine;

/// The pin of [`Domain`].
pub type Pin<'a> = <Domain as Reclaimer>::Pin<'a>;

/// How many grace periods a retired node waits for (I-2, I-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grace {
    /// The node was reachable only through loads that a pinned thread makes itself.
    One,
    /// The node can be handed from one pinned thread to another.
    Two,
}

/// A shared node that knows how to give its memory back.
pub trait Node {
    /// Frees the node and what it owns.
    ///
    /// # Safety
    /// `node` came from this type's constructor, nothing refers to it any more, and this happens once.
    unsafe fn free(node: NonNull<Self>);

    /// Bytes that `free` gives back, about.
    ///
    /// # Safety
    /// `node` is alive.
    unsafe fn bytes(node: NonNull<Self>) -> usize;

    /// Writes to every tracked field, so that a model reports readers that are not ordered before the free.
    ///
    /// # Safety
    /// As for `free`, but the memory stays allocated.
    #[cfg(epoch_loom)]
    unsafe fn bury(node: NonNull<Self>);
}

/// A retired node, its type erased.
#[derive(Debug)]
pub struct Garbage {
    node: NonNull<u8>,
    free: unsafe fn(NonNull<u8>),
    bytes: usize,
    #[cfg(epoch_loom)]
    bury: unsafe fn(NonNull<u8>),
}

impl Garbage {
    /// Erases the type of a node.
    ///
    /// # Safety
    /// `node` is alive, and is given to at most one `Garbage`.
    pub unsafe fn of<T: Node>(node: NonNull<T>) -> Self {
        unsafe fn free<T: Node>(node: NonNull<u8>) {
            // SAFETY: forwarded contract; the pointer was a `NonNull<T>` in `of`.
            unsafe { T::free(node.cast()) }
        }
        #[cfg(epoch_loom)]
        unsafe fn bury<T: Node>(node: NonNull<u8>) {
            // SAFETY: forwarded contract; the pointer was a `NonNull<T>` in `of`.
            unsafe { T::bury(node.cast()) }
        }
        Self {
            node: node.cast(),
            free: free::<T>,
            // SAFETY: the node is alive by contract.
            bytes: unsafe { T::bytes(node) },
            #[cfg(epoch_loom)]
            bury: bury::<T>,
        }
    }

    /// Gives the memory back.
    ///
    /// # Safety
    /// The grace periods of the node have passed (I-2, I-3).
    unsafe fn free(self) {
        // SAFETY: `of` promised a sole owner, and the caller that nobody refers to the node.
        unsafe { (self.free)(self.node) }
    }
}

/// A node that is alive for `'p`, and the pointer it was made with: a reference alone may not be freed through.
pub struct Shared<'p, T> {
    node: NonNull<T>,
    alive: PhantomData<&'p T>,
}

impl<'p, T> Shared<'p, T> {
    /// A view of a node.
    ///
    /// # Safety
    /// `node` is not freed during `'p`, and its content was published to this thread.
    #[inline(always)]
    pub unsafe fn new(node: NonNull<T>) -> Self {
        Self { node, alive: PhantomData }
    }

    /// The pointer that the node was allocated with.
    #[inline(always)]
    pub fn as_ptr(self) -> NonNull<T> {
        self.node
    }

    /// The node, for as long as it is alive.
    #[inline(always)]
    pub fn get(self) -> &'p T {
        // SAFETY: alive for 'p, and only changed through its atomics.
        unsafe { self.node.as_ref() }
    }
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

impl<T> std::ops::Deref for Shared<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.get()
    }
}

/// What a pinned thread may do. A pin protects structure for the length of one step, never for the life of a snapshot.
pub trait Pinned {
    /// Reports (by panic, in models only) the use of a node whose memory may be gone.
    fn protects<T>(&self, node: NonNull<T>);

    /// Hands an unlinked node over to be freed later.
    ///
    /// # Safety
    /// I-1: this thread unlinked `node`, pins from now on cannot reach it (for [`Grace::Two`]: except through another
    /// pinned thread), and nobody retires it again.
    unsafe fn retire<T: Node>(&self, node: NonNull<T>, grace: Grace);

    /// The same for one period, without keeping the node back until there are more: somebody waits for its end, and this session
    /// may fall idle.
    ///
    /// # Safety
    /// As for [`Pinned::retire`].
    unsafe fn retire_promptly<T: Node>(&self, node: NonNull<T>) {
        // SAFETY: forwarded.
        unsafe { self.retire(node, Grace::One) };
    }
}

/// Makes per-session state and pins.
pub trait Reclaimer: Default {
    /// State that one thread at a time uses: whoever has claimed the session.
    type Local;
    /// A pin, for as long as the step lasts.
    type Pin<'a>: Pinned
    where
        Self: 'a;

    /// New per-session state.
    fn local(&self) -> Self::Local;

    /// Pins; what is retired under the pin is counted in `tally`.
    fn pin<'a>(&'a self, local: &'a Self::Local, tally: &'a Tally) -> Self::Pin<'a>;

    /// Hands over everything that `local` still keeps back, and tries to free what can be freed.
    fn flush(&self, local: &Self::Local);

    /// Retired objects freed so far, over all sessions.
    fn freed(&self) -> u64;

    /// Bytes of them, of those whose retirement was counted in a tally.
    fn freed_bytes(&self) -> u64;
}
