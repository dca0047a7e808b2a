//! The keys that a block has met, by hash.
//!
//! ```text
//!   buckets ─► BlockKey ─► BlockKey ─► ∅        insert-only lists; a table that is too small is slow, never wrong
//! ```
//! *Invariants.* B-4 A key has one [`BlockKey`]. What is new comes to the front of a bucket, by a CAS that fails if anything came
//! there since the maker has looked.
//!
//! *Progress.* Finding is wait-free up to keys added meanwhile; adding is lock-free.
//!
//! *Orderings.* `bucket-link` (Release CAS) pairs with `bucket-load` (Acquire): the key and its bytes.
//!
//! *Checked by* `block_touch.rs`.

use super::key::{BlockKey, KeyRef};
use crate::sync::{AtomicPtr, Ordering, mutant, ord, prefetch, zeroed_slots};
use ahash::RandomState;
use std::ptr::{self, NonNull};

/// Buckets at least, and at most.
#[cfg(not(epoch_loom))]
const SMALLEST: usize = 1 << 12;
#[cfg(epoch_loom)]
const SMALLEST: usize = 1;
const LARGEST: usize = 1 << 21;

/// See the module header.
#[derive(Debug)]
pub(super) struct Table {
    buckets: Box<[AtomicPtr<BlockKey>]>,
    hasher: RandomState,
}

/// Where a search for a key that is not there has ended.
pub(super) struct Missed<'b> {
    bucket: &'b AtomicPtr<BlockKey>,
    first: *mut BlockKey,
    hash: u64,
}

impl Table {
    /// For about so many keys, hashed as the base hashes them.
    pub(super) fn new(keys: usize, hasher: RandomState) -> Self {
        let buckets = keys.clamp(SMALLEST, LARGEST).next_power_of_two();
        Self { buckets: zeroed_slots(if cfg!(epoch_loom) { 1 } else { buckets }), hasher }
    }

    /// The hash of a key.
    #[inline(always)]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The key of this hash, or where it would be added.
    #[inline]
    pub(super) fn find<'b>(&'b self, key: &[u8], hash: u64) -> Result<KeyRef<'b>, Missed<'b>> {
        // The lowest bits: as many as there are buckets.
        let place = usize::try_from(hash & (self.buckets.len() as u64 - 1)).unwrap_or_default();
        let bucket = &self.buckets[place];
        let first = bucket.load(ord!("bucket-load", Acquire));
        match find_from(first, ptr::null_mut(), key, hash) {
            Some(found) => Ok(found),
            None => Err(Missed { bucket, first, hash }),
        }
    }

    /// Asks for the bucket of a key, and for the first key in it.
    pub(super) fn prefetch(&self, key: &[u8]) {
        let hash = self.hasher.hash_one(key);
        let place = usize::try_from(hash & (self.buckets.len() as u64 - 1)).unwrap_or_default();
        prefetch::read(&raw const self.buckets[place]);
    }
}

/// The key among those from `first` up to `end`.
#[inline]
fn find_from<'b>(
    first: *mut BlockKey,
    end: *mut BlockKey,
    key: &[u8],
    hash: u64,
) -> Option<KeyRef<'b>> {
    let mut next = first;
    while next != end {
        // SAFETY: before the end of a bucket's list; keys stay, and were published by the link that led here.
        let here: KeyRef<'b> = unsafe { KeyRef::new(NonNull::new_unchecked(next)) };
        if here.hash() == hash && here.key() == key {
            return Some(here);
        }
        next = here.node().next.load(Ordering::Relaxed);
    }
    None
}

impl<'b> Missed<'b> {
    /// Adds the key that was missed; or finds the one that somebody else has added meanwhile.
    ///
    /// # Safety
    /// `fresh` is a key with the bytes and the hash that were looked for, which nobody has seen, in an arena that lives
    /// during `'b`.
    pub(super) unsafe fn add(self, fresh: NonNull<BlockKey>) -> KeyRef<'b> {
        // SAFETY: alive during 'b, and this thread's own.
        let own = unsafe { KeyRef::new(fresh) };
        let mut first = self.first;
        loop {
            own.node().next.store(first, Ordering::Relaxed);
            let (win, lose) = (ord!("bucket-link", Release), ord!("bucket-load", Acquire));
            match self.bucket.compare_exchange(first, fresh.as_ptr(), win, lose) {
                Ok(_) => return own,
                Err(_) if mutant!("touch-keeps-own") => return own,
                Err(now) => {
                    if let Some(found) = find_from(now, first, own.key(), self.hash) {
                        return found;
                    }
                    first = now;
                }
            }
        }
    }
}
