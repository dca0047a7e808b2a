//! The sorted list of leaves: which keys exist, in order.
//!
//! *Picture.*
//! ```text
//!   index (immutable copy-on-write tree, a hint)
//!     │ locate, maybe too far left
//!     ▼
//!   Leaf{low, body} ──body──► Body{ high, next ─────► Leaf ──► ...
//!                                   entries: (prefix, *Record) sorted, immutable
//!                                   tail:    *Record, *Record, ○, ○   append by CAS, in order }
//! ```
//! A new key is one CAS on a tail slot. When the tail is full (or sealed), the body is *folded*: copied with its tail
//! sorted in, and replaced by one CAS; a body that grew too long is *split* by that same CAS, since `next` lives in it.
//!
//! *Invariants.*
//! - I-13 A leaf holds the keys in `[low, high)`; `low` never changes, `high` only falls, leaves live as long as the list.
//! - I-14 Tail slots fill in order and never change once filled or frozen; a body is replaced only when its tail is
//!   sealed (every slot filled, or the first free one frozen), so no append is lost and no key is there twice.
//! - I-15 The index may be behind (its leaf too far left, never too far right): it only ever holds leaves that are
//!   linked, under their own `low`. Whoever walks more than [`MAX_WALK`] leaves adds the leaf it came to.
//! - I-16 A body's `skip` is at most the common prefix of `low` and `high`, so that entry prefixes taken after it order
//!   as the keys do.
//!
//! *Progress.* Locating and reading: wait-free up to leaves added meanwhile. Inserting, folding, splitting: lock-free.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `tail-append` | Release CAS | `tail-load` Acquire | the record's key is seen by whoever sees the pointer |
//! | `body-swap` | Release CAS | `body-load` Acquire | the entries, `next`, and the new leaf behind it |
//! | `index-swap` | Release CAS | `index-load` Acquire | the nodes of the new tree |
//!
//! *Reclamation.* The winner of `body-swap` / `index-swap` retires what it replaced (one grace period: these are reached
//! only through loads of a pinned thread's own). *Checked by* `leaf.rs`, `fold.rs`, `split.rs`, `stale_hint.rs`.

mod body;
mod fold;
mod index;
mod leaf;
mod node;
mod prefix;
mod walk;

pub use body::{Body, BodyRef};
pub use leaf::Leaf;
pub use walk::Within;

use crate::chain::{Record, RecordRef};
use crate::reclaim::{Node, Pinned};
use crate::sync::{pause, prefetch};
use crate::tally::{Event, Tally};
use body::Append;
use index::Index;
use std::ptr::NonNull;

/// Entries after which a body is split.
#[cfg(not(epoch_loom))]
const CAPACITY: usize = 128;
#[cfg(epoch_loom)]
const CAPACITY: usize = 2;
/// Slots of a tail.
#[cfg(not(epoch_loom))]
const TAIL: usize = 16;
#[cfg(epoch_loom)]
const TAIL: usize = 1;
/// Leaves walked to the right before the walker mends the index.
const MAX_WALK: usize = if cfg!(epoch_loom) { 0 } else { 4 };

/// The list. See the module header.
#[derive(Debug)]
pub struct List {
    /// Leaked: the index holds its address too.
    first: NonNull<Leaf>,
    index: Index,
}

// SAFETY: leaves, bodies and nodes are shared by protocol (I-13 .. I-15); raw pointers in them never leave the list.
unsafe impl Send for List {}
// SAFETY: as above.
unsafe impl Sync for List {}

impl Default for List {
    fn default() -> Self {
        let first = Box::leak(Box::new(Leaf::new(Box::default(), Body::empty())));
        let first = NonNull::from(first);
        let index = Index::new(first);
        Self { first, index }
    }
}

impl List {
    /// The record of `key`, which is put into the list if it is not there. Lock-free.
    ///
    /// The linearization point of an insert is the CAS on the tail slot.
    ///
    /// `near` is a leaf where the caller has been before, and becomes the one where the key is: in a batch of sorted keys
    /// most land in the leaf of their predecessor.
    pub fn find_or_insert<'p, 's, P: Pinned>(
        &'s self,
        key: &[u8],
        hash: u64,
        near: &mut Option<&'s Leaf>,
        pin: &'p P,
        tally: &Tally,
    ) -> RecordRef<'p> {
        let mut fresh = FreshRecord::new(key);
        loop {
            let (leaf, body) = self.locate_near(*near, key, pin, tally);
            *near = Some(leaf);
            if let Some(record) = body.find_sorted(key) {
                return record;
            }
            match body.append(key, hash, fresh.get(), tally) {
                Append::Done(record) => {
                    fresh.given_away();
                    tally.one(Event::Records);
                    return record;
                }
                Append::There(record) => return record,
                Append::Sealed => {
                    pause("tail-full");
                    self.fold(leaf, body, pin, tally);
                }
            }
        }
    }

    fn locate_near<'p, 's, P: Pinned>(
        &'s self,
        near: Option<&'s Leaf>,
        key: &[u8],
        pin: &'p P,
        tally: &Tally,
    ) -> (&'s Leaf, BodyRef<'p>) {
        if let Some(leaf) = near.filter(|leaf| leaf.low() <= key) {
            let body = leaf.body(pin);
            if body.high().is_none_or(|high| key < high) {
                return (leaf, body);
            }
        }
        self.locate(key, pin, tally)
    }

    /// The leaf where the index says that `key` is, asked into the cache.
    pub fn prefetch_leaf<P: Pinned>(&self, key: &[u8], pin: &P) -> NonNull<Leaf> {
        let leaf = self.index.locate(key, pin);
        prefetch::read(leaf.as_ptr());
        leaf
    }

    /// The body of a leaf, asked into the cache.
    pub fn prefetch_body<P: Pinned>(&self, leaf: NonNull<Leaf>, pin: &P) {
        // SAFETY: a leaf of the index is linked (I-15) and lives as long as the list (I-13).
        unsafe { leaf.as_ref() }.body(pin);
    }

    /// The leaf that holds `key`, and its body. Wait-free up to leaves added meanwhile.
    pub fn locate<'p, P: Pinned>(
        &self,
        key: &[u8],
        pin: &'p P,
        tally: &Tally,
    ) -> (&Leaf, BodyRef<'p>) {
        let hint = self.index.locate(key, pin);
        self.walk_right(hint, pin, tally, |high| high <= key)
    }

    /// The leaf that holds the greatest keys below `bound` (`None`: of all keys), and its body.
    pub fn locate_before<'p, P: Pinned>(
        &self,
        bound: Option<&[u8]>,
        pin: &'p P,
        tally: &Tally,
    ) -> (&Leaf, BodyRef<'p>) {
        let hint = self.index.locate_before(bound, pin);
        self.walk_right(hint, pin, tally, |high| bound.is_none_or(|bound| high < bound))
    }

    fn walk_right<'p, P: Pinned>(
        &self,
        hint: NonNull<Leaf>,
        pin: &'p P,
        tally: &Tally,
        beyond: impl Fn(&[u8]) -> bool,
    ) -> (&Leaf, BodyRef<'p>) {
        // SAFETY: the index holds linked leaves only (I-15), and leaves live as long as the list (I-13).
        let mut leaf: &Leaf = unsafe { hint.as_ref() };
        let mut body = leaf.body(pin);
        let mut steps = 0;
        while body.high().is_some_and(&beyond) {
            let next = body.next().expect("a body with a high fence has a right neighbour");
            // SAFETY: I-13, as above.
            leaf = unsafe { next.as_ref() };
            body = leaf.body(pin);
            steps += 1;
        }
        if steps > MAX_WALK {
            self.index.add(leaf, pin, tally);
        }
        (leaf, body)
    }

    /// Makes the index forget every leaf but the first: as if those who should have added them were still asleep.
    #[cfg(epoch_loom)]
    pub fn forget_index(&mut self) {
        self.index = Index::new(self.first);
    }

    /// The right neighbour of a leaf, as its body has it.
    pub fn right_of(&self, body: BodyRef<'_>) -> Option<&Leaf> {
        // SAFETY: linked, and leaves live as long as the list (I-13).
        body.next().map(|next| unsafe { next.as_ref() })
    }

    /// All leaves from the first to the last, as they are linked now. For audits: it takes time proportional to the list.
    pub fn for_each_leaf<P: Pinned>(&self, pin: &P, mut visit: impl FnMut(BodyRef<'_>)) {
        // SAFETY: I-13.
        let mut body = unsafe { self.first.as_ref() }.body(pin);
        loop {
            visit(body);
            let Some(next) = body.next() else { return };
            // SAFETY: I-13.
            body = unsafe { next.as_ref() }.body(pin);
        }
    }
}

impl Drop for List {
    /// Frees everything at once: leaves, bodies, records and the versions linked to them.
    fn drop(&mut self) {
        // SAFETY: `&mut self`: no other thread is left, and nothing in the list was retired (retired nodes are not
        // linked any more).
        unsafe {
            let mut next = Some(self.first);
            while let Some(leaf) = next {
                let mut leaf = Box::from_raw(leaf.as_ptr());
                next = leaf.free_contents();
            }
        }
    }
}

/// A record made at most once per insert, and freed if it was not needed.
struct FreshRecord<'k> {
    key: &'k [u8],
    record: Option<NonNull<Record>>,
}

impl<'k> FreshRecord<'k> {
    fn new(key: &'k [u8]) -> Self {
        Self { key, record: None }
    }

    fn get(&mut self) -> NonNull<Record> {
        *self.record.get_or_insert_with(|| Record::alloc(self.key))
    }

    fn given_away(&mut self) {
        self.record = None;
    }
}

impl Drop for FreshRecord<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.record {
            // SAFETY: never shared.
            unsafe { Record::free(record) };
        }
    }
}
