//! Point reads at a registered stamp.

use super::Store;
use crate::chain::{Record, RecordRef, VersionRef};
use crate::space::Space;
use crate::sync::{pause, prefetch};
use smallvec::SmallVec;
use std::ptr::NonNull;

/// Keys whose cache misses are overlapped.
const WINDOW: usize = 16;

/// A value, and the record that it was found in: that one takes the next version of its key too, for as long as the value is
/// visible at a registered stamp. A record with such a value is not sealed (I-7, I-37).
#[derive(Debug, Clone, Copy)]
pub struct Located<'s> {
    /// The value.
    pub value: &'s [u8],
    /// The record; `None`: the value lies somewhere else.
    pub record: Option<NonNull<Record>>,
}

impl Store {
    /// What `copy` makes of the value of `key` at a stamp that may be taken back: it counts only if the stamp is still lent
    /// afterwards (I-35). Progress as [`Store::get`]. `copy` runs under the pin (rule 32).
    pub fn peek<T>(
        &self,
        space: &Space,
        key: &[u8],
        stamp: u64,
        copy: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        let hash = space.front.hash(key);
        space.front.prefetch_unpinned(hash);
        let claim = self.claim();
        let pin = claim.pin();
        let record = space.front.find(key, hash, &pin)?;
        let version = record.visible_at(stamp, &pin)?;
        pause("lease-read");
        version.value().map(copy)
    }

    /// The value of `key` at `stamp`. Never waits; steps bounded by the key's chain, but for the claim of a session,
    /// which is lock-free.
    ///
    /// # Safety
    /// `space` is one of this store, and `stamp` stays registered during `'s` (I-7).
    #[inline]
    pub unsafe fn get<'s>(&'s self, space: &'s Space, key: &[u8], stamp: u64) -> Option<&'s [u8]> {
        // SAFETY: forwarded.
        unsafe { self.locate(space, key, space.front.hash(key), stamp) }.map(|found| found.value)
    }

    /// The same with the record, for who has the [hash](crate::hash::Front::hash) of the key.
    ///
    /// # Safety
    /// As for [`Store::get`].
    #[inline]
    pub unsafe fn locate<'s>(
        &'s self,
        space: &'s Space,
        key: &[u8],
        hash: u64,
        stamp: u64,
    ) -> Option<Located<'s>> {
        space.front.prefetch_unpinned(hash);
        let claim = self.claim();
        let pin = claim.pin();
        let record = space.front.find(key, hash, &pin)?;
        let version = record.visible_at(stamp, &pin)?;
        // SAFETY: the version is visible at a stamp that stays registered.
        let value = unsafe { outlive_pin(version) }.value()?;
        Some(Located { value, record: Some(record.as_ptr()) })
    }

    /// The values of many keys at `stamp`, in their order; their cache misses overlap. Progress as `get`.
    ///
    /// # Safety
    /// `space` is one of this store, and `stamp` stays registered during `'s` (I-7).
    pub unsafe fn get_many<'s, 'k>(
        &'s self,
        space: &'s Space,
        keys: impl ExactSizeIterator<Item = &'k [u8]> + Clone,
        stamp: u64,
        mut found: impl FnMut(Option<&'s [u8]>),
    ) {
        let claim = self.claim();
        let mut keys = keys;
        while keys.len() > 0 {
            // One pin per window: structure is never held for the length of a whole batch.
            let pin = claim.pin();
            let window = keys.clone().take(WINDOW);
            let hashes: SmallVec<[u64; WINDOW]> =
                window.clone().map(|key| space.front.hash(key)).collect();
            for &hash in &hashes {
                space.front.prefetch(hash, &pin);
            }
            let candidates: SmallVec<[Option<RecordRef<'_>>; WINDOW]> =
                hashes.iter().map(|&hash| space.front.candidate(hash, &pin)).collect();
            for record in candidates.iter().flatten() {
                prefetch::read(record.as_ptr().as_ptr());
            }
            for record in candidates.iter().flatten() {
                prefetch::read(record.head_hint());
            }
            for ((key, &hash), candidate) in window.zip(&hashes).zip(&candidates) {
                let record = match candidate {
                    Some(record) if record.key() == key => Some(*record),
                    _ => space.front.find(key, hash, &pin),
                };
                let version = record.and_then(|record| record.visible_at(stamp, &pin));
                // SAFETY: visible at a stamp that stays registered.
                found(version.and_then(|version| unsafe { outlive_pin(version) }.value()));
            }
            keys.nth(hashes.len() - 1);
        }
    }
}

/// A version beyond the pin that found it.
///
/// # Safety
/// It is visible at a stamp that stays registered during `'s`: then it is neither cut nor freed (I-7).
pub(super) unsafe fn outlive_pin<'s>(version: VersionRef<'_>) -> VersionRef<'s> {
    // SAFETY: forwarded.
    unsafe { VersionRef::built(version.as_ptr()) }
}
