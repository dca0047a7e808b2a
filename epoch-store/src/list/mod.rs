//! The sorted list of leaves: which keys exist, in order.
//!
//! *Picture.*
//! ```text
//!   index (immutable copy-on-write tree, a hint)
//!     │ locate, maybe too far left
//!     ▼
//!   Leaf{low, body} ──body──► Body{ high, next ─────► Leaf ──► ...
//!                                   entries: (prefix, tag and *Record) sorted, immutable
//!                                   tail:    tag and *Record, .., ○, ○   append by CAS, in order }
//! ```
//! A new key is one CAS on a tail slot. When the tail is full (or sealed), the body is *folded*: copied with its tail
//! sorted in, and replaced by one CAS; a body that grew too long is *split* by that same CAS, since `next` lives in it.
//! Records that were sealed leave the list in the same way: a copy is made without them (`sealed.rs`). A copy that would be
//! empty *freezes* the leaf instead, which its left neighbour then swallows (`unlink.rs`).
//!
//! *Invariants.*
//! - I-13 A leaf holds the keys in `[low, high)`; `low` never changes, `high` falls when the leaf is split and rises when its
//!   right neighbour is unlinked. The first leaf, whose `low` is empty, stays as long as the list.
//! - I-14 Tail slots fill in order and never change once filled or frozen; a body is replaced only when its tail is
//!   sealed (every slot filled, or the first free one frozen), so no append is lost and no key is there twice. A word keeps the
//!   tag of its record's key from the append on, and a key has one hash: so whoever looks for it by its tag finds it.
//! - I-15 The index may be behind (its leaf too far left, never too far right): it holds leaves under their own `low`, all
//!   linked but those of I-45. Whoever walks more than `MAX_WALK` leaves adds the leaf it came to.
//! - I-16 A body's `skip` is at most the common prefix of `low` and `high`, so that entry prefixes taken after it order
//!   as the keys do; likewise in a node of the index. Where fences move apart, `skip` falls and prefixes are taken anew.
//! - I-43 A record enters the list once, by the append of its maker, and leaves it once: by a swap to a body that was
//!   copied without it, which only happens after it was sealed. A copy may leave out sealed records and no others.
//! - I-44 A frozen body is the last of its leaf: without entries, without room, `high` and `next` as they were. A leaf is
//!   frozen once, never the first, and after that unlinked once: by the swap of its left neighbour's live body from
//!   `next` = the leaf to `high` and `next` of its frozen body. So a live body that was loaded under a pin leads to a leaf
//!   that was linked after the pin began, and so does a frozen body that was come to in this way. A frozen leaf that was
//!   found in the index may have been unlinked long ago, and what was to its right freed: who finds one goes left.
//! - I-45 A leaf in a tree of the index that was loaded under a pin is not freed before the pin ends. A leaf that is
//!   frozen is taken out of the index by its owner; if it comes in later, then by one who saw it live, has been pinned since,
//!   and takes it out before that pin ends.
//!
//! *Progress.* Locating and reading: wait-free up to leaves added or unlinked meanwhile. Inserting, folding, splitting,
//! dropping, unlinking: lock-free. Who seals a tail that is not full, to drop or to unlink, makes a note in the body first, and
//! whoever folds sees to all notes: so no two seal and renew each other's bodies for ever. (A scan seals without a
//! note, but only a tail in which two keys have come since the last fold.)
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `tail-append` | Release CAS | `tail-load` Acquire | the record's key is seen by whoever sees the pointer |
//! | `tail-freeze` | Release CAS | `tail-load` Acquire | who finds a tail frozen sees the notes of whoever froze it |
//! | `body-swap` | Release CAS | `body-load` Acquire | the entries, `next`, and the new leaf behind it |
//! | `index-swap` | AcqRel CAS | `index-load` Acquire, itself | the nodes of the new tree; I-45: who adds a leaf after its owner has looked for it sees it frozen |
//!
//! *Reclamation.* The winner of `body-swap` / `index-swap` retires what it replaced (one grace period: these are reached
//! only through loads of a pinned thread's own). The winner of the swap that unlinks a leaf takes it out of the index and
//! retires it, for two periods, with its frozen body (see `unlink.rs`). A sealed record is retired by its sealer, once it is
//! neither here nor in the hash; records still in bodies are freed with the list, sealed or not. Readers may meet sealed
//! records: nothing in them is visible.
//!
//! *What stays.* Sealed records that do not pay for a copy yet: fewer than one in eight of a leaf. And leaves are not merged
//! as long as anything is in them: a mass deletion that spares a key here and there leaves a leaf for each of these at
//! worst (some 200 bytes and the key's fences), and index nodes with few children. Both are used again when keys
//! come between.
//!
//! *Checked by* `leaf.rs`, `fold.rs`, `split.rs`, `stale_hint.rs`, `drop_sealed.rs`, `unlink.rs`; unit tests in `tests.rs`.

mod body;
mod fold;
mod index;
mod leaf;
mod node;
mod prefix;
mod prune;
mod sealed;
#[cfg(test)]
mod tests;
mod unlink;
mod walk;

pub use body::{Body, BodyRef};
pub use leaf::{Leaf, LeafRef};
pub use walk::Within;

use crate::chain::{Record, RecordRef, VersionBox};
use crate::reclaim::{Node, Pinned};
use crate::sync::{mutant, pause, prefetch};
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
#[cfg(not(epoch_loom))]
const MAX_WALK: usize = 4;

/// A leaf, and its body as it was loaded.
pub type Place<'p> = (LeafRef<'p>, BodyRef<'p>);

/// What [`List::find_or_insert`] came to.
#[derive(Debug)]
pub struct Found<'p> {
    /// The record of the key.
    pub record: RecordRef<'p>,
    /// The caller made it, and this version with it.
    pub made: Option<VersionBox>,
}

/// The list. See the module header.
#[derive(Debug)]
pub struct List {
    /// Leaked: the index holds its address too.
    first: NonNull<Leaf>,
    index: Index,
    /// Leaves walked to the right before the walker mends the index.
    #[cfg(epoch_loom)]
    max_walk: usize,
}

// SAFETY: leaves, bodies and nodes are shared by protocol (I-13 .. I-15, I-44, I-45); raw pointers in them never leave
// the list.
unsafe impl Send for List {}
// SAFETY: as above.
unsafe impl Sync for List {}

impl Default for List {
    fn default() -> Self {
        let first = Box::leak(Box::new(Leaf::new(Box::default(), Body::empty())));
        let first = NonNull::from(first);
        let index = Index::new(first);
        Self {
            first,
            index,
            #[cfg(epoch_loom)]
            max_walk: 0,
        }
    }
}

impl List {
    /// Bytes of a list that nothing was put into.
    pub fn bytes_when_new() -> usize {
        size_of::<Leaf>() + Body::bytes_when_empty() + Index::bytes_when_new()
    }

    /// The record of `key`, which is put into the list if it is not there. Lock-free.
    ///
    /// The linearization point of an insert is the CAS on the tail slot.
    ///
    /// The record was not sealed when it was looked at; it may be sealed at any time. One that is sealed already makes room
    /// for a new one.
    ///
    /// `near` is a leaf where the caller has been before, and becomes the one where the key is: in a batch of sorted keys
    /// most land in the leaf of their predecessor.
    ///
    /// A record made here comes with the version of `value` that it was made with.
    ///
    /// `hash` is a function of the key, the same for as long as the list lives: the tags of a key's hash are what it is found by
    /// (I-14).
    pub fn find_or_insert<'p, P: Pinned>(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
        hash: u64,
        near: &mut Option<LeafRef<'p>>,
        pin: &'p P,
        tally: &Tally,
    ) -> Found<'p> {
        let mut fresh = FreshRecord::new(key, value);
        loop {
            let (leaf, body) = self.locate_near(*near, key, pin, tally);
            if body.is_frozen() && !mutant!("frozen-open") {
                self.unlink(leaf, pin, tally);
                continue;
            }
            *near = Some(leaf);
            let there = match body.find_sorted(key, hash) {
                Some(record) => record,
                None => match body.append(key, hash, fresh.get(), tally) {
                    Append::Done(record) => {
                        tally.one(Event::Records);
                        // SAFETY: under the pin; a record's own size never changes.
                        let bytes = unsafe { Record::bytes(record.as_ptr()) };
                        tally.bytes(Event::Linked, bytes, 0);
                        return Found { record, made: fresh.give_away() };
                    }
                    Append::There(record) => record,
                    Append::Sealed => {
                        pause("tail-full");
                        self.fold(leaf, body, pin, tally);
                        continue;
                    }
                },
            };
            if !there.is_dead() || mutant!("sealed-found") {
                return Found { record: there, made: None };
            }
            pause("sealed-met");
            body.note_dead();
            self.fold(leaf, body, pin, tally);
        }
    }

    fn locate_near<'p, P: Pinned>(
        &self,
        near: Option<LeafRef<'p>>,
        key: &[u8],
        pin: &'p P,
        tally: &Tally,
    ) -> Place<'p> {
        if let Some(leaf) = near.filter(|leaf| leaf.low() <= key) {
            let body = leaf.body(pin);
            if !body.is_frozen() && body.high().is_none_or(|high| key < high) {
                return (leaf, body);
            }
        }
        self.locate(key, pin, tally)
    }

    /// The leaf where the index says that `key` is, asked into the cache.
    pub fn prefetch_leaf<'p, P: Pinned>(&self, key: &[u8], pin: &'p P) -> LeafRef<'p> {
        let leaf = self.index.locate(key, pin);
        prefetch::read(leaf.as_ptr());
        // SAFETY: found in the index under the pin (I-45).
        unsafe { LeafRef::new(leaf) }
    }

    /// The body of a leaf, asked into the cache.
    pub fn prefetch_body<'p, P: Pinned>(&self, leaf: LeafRef<'p>, pin: &'p P) {
        leaf.body(pin);
    }

    /// The leaf that holds `key`, and its body. Wait-free up to leaves added and unlinked meanwhile.
    ///
    /// The body may be frozen: then there was a moment during this call when the list held no key between its fences.
    pub fn locate<'p, P: Pinned>(&self, key: &[u8], pin: &'p P, tally: &Tally) -> Place<'p> {
        let hint = self.enter(self.index.locate(key, pin), pin);
        self.walk_right(hint, pin, tally, |high| high <= key)
    }

    /// The leaf that holds the greatest keys below `bound` (`None`: of all keys), and its body. As [`List::locate`].
    pub fn locate_before<'p, P: Pinned>(
        &self,
        bound: Option<&[u8]>,
        pin: &'p P,
        tally: &Tally,
    ) -> Place<'p> {
        let hint = self.enter(self.index.locate_before(bound, pin), pin);
        self.walk_right(hint, pin, tally, |high| bound.is_none_or(|bound| high < bound))
    }

    /// A live leaf at or to the left of one that the index gave.
    fn enter<'p, P: Pinned>(&self, hint: NonNull<Leaf>, pin: &'p P) -> Place<'p> {
        let mut hint = hint;
        loop {
            // SAFETY: found in the index under the pin (I-45).
            let leaf: LeafRef<'p> = unsafe { LeafRef::new(hint) };
            let body = leaf.body(pin);
            if !body.is_frozen() || mutant!("frozen-entered") {
                return (leaf, body);
            }
            // Unlinked, maybe, before this pin: what was to its right may be gone (I-44), and its keys are its left
            // neighbour's now. The first leaf is never frozen.
            hint = self.index.locate_before(Some(leaf.low()), pin);
        }
    }

    fn walk_right<'p, P: Pinned>(
        &self,
        (mut leaf, mut body): Place<'p>,
        pin: &'p P,
        tally: &Tally,
        beyond: impl Fn(&[u8]) -> bool,
    ) -> Place<'p> {
        let mut steps = 0;
        while body.high().is_some_and(&beyond) {
            let next = body.next().expect("a body with a high fence has a right neighbour");
            // SAFETY: the walk began at a live leaf and was led by what it loaded under this pin (I-44).
            leaf = unsafe { LeafRef::new(next) };
            body = leaf.body(pin);
            steps += 1;
        }
        if steps > self.max_walk() && !body.is_frozen() {
            self.index.add(leaf, pin, tally);
        }
        (leaf, body)
    }

    #[cfg(not(epoch_loom))]
    #[inline(always)]
    fn max_walk(&self) -> usize {
        MAX_WALK
    }

    #[cfg(epoch_loom)]
    fn max_walk(&self) -> usize {
        self.max_walk
    }

    /// Sets after how many leaves a walker mends the index: at once, unless told otherwise.
    #[cfg(epoch_loom)]
    pub fn set_max_walk(&mut self, leaves: usize) {
        self.max_walk = leaves;
    }

    /// Makes the index forget every leaf but the first: as if those who should have added them were still asleep.
    #[cfg(epoch_loom)]
    pub fn forget_index(&mut self) {
        self.index = Index::new(self.first);
    }

    /// The right neighbour of a leaf that a `locate` led to, as its body has it.
    pub fn right_of<'p>(&self, body: BodyRef<'p>) -> Option<LeafRef<'p>> {
        // SAFETY: as in `walk_right`.
        body.next().map(|next| unsafe { LeafRef::new(next) })
    }

    /// All leaves from the first to the last, as they are linked now. For audits: it takes time proportional to the list.
    pub fn for_each_leaf<P: Pinned>(&self, pin: &P, mut visit: impl FnMut(BodyRef<'_>)) {
        // SAFETY: the first leaf lives as long as the list (I-13).
        let first: LeafRef<'_> = unsafe { LeafRef::new(self.first) };
        let mut body = first.body(pin);
        loop {
            if !body.is_frozen() {
                visit(body);
            }
            let Some(next) = self.right_of(body) else { return };
            body = next.body(pin);
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
    value: Option<&'k [u8]>,
    made: Option<(NonNull<Record>, VersionBox)>,
}

impl<'k> FreshRecord<'k> {
    fn new(key: &'k [u8], value: Option<&'k [u8]>) -> Self {
        Self { key, value, made: None }
    }

    fn get(&mut self) -> NonNull<Record> {
        self.made.get_or_insert_with(|| Record::alloc_with(self.key, self.value)).0
    }

    fn give_away(&mut self) -> Option<VersionBox> {
        self.made.take().map(|(_, version)| version)
    }
}

impl Drop for FreshRecord<'_> {
    fn drop(&mut self) {
        if let Some((record, version)) = self.made.take() {
            drop(version);
            // SAFETY: never shared.
            unsafe { Record::free(record) };
        }
    }
}
