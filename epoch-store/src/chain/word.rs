//! A pointer to a record with 16 bits of its key's hash in the unused top of the address.
//!
//! Leaves and hash slots hold these: most keys that do not match are told apart without touching their record.

use super::Record;
use std::ptr::{self, NonNull};

#[cfg(target_pointer_width = "64")]
const TAG_SHIFT: u32 = 48;
#[cfg(target_pointer_width = "64")]
const TAG_MASK: usize = 0xFFFF << TAG_SHIFT;
/// On narrow targets there is no room for a tag: every tag matches.
#[cfg(not(target_pointer_width = "64"))]
const TAG_MASK: usize = 0;

/// Bit 0: the place takes no record any more. Records are aligned to more than the two bits used here.
const MOVED: usize = 1;
/// The word of a place that never held a record and never will: moved, without a record.
const FROZEN: usize = MOVED;
/// The word of a place whose record was removed.
const DELETED: usize = 2;
const _: () = assert!(align_of::<Record>() > MOVED | DELETED);

/// See the module header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordWord(*mut Record);

impl RecordWord {
    /// The word of a place that is free.
    pub const EMPTY: Self = Self(ptr::null_mut());

    /// The word of a place that will never hold a record.
    pub fn frozen() -> Self {
        Self(ptr::without_provenance_mut(FROZEN))
    }

    /// The word of a place whose record was removed. It is not used again.
    pub fn deleted() -> Self {
        Self(ptr::without_provenance_mut(DELETED))
    }

    /// The same record, in a place that takes no other any more: look for a newer one of its key elsewhere.
    pub fn moved(self) -> Self {
        Self(self.0.map_addr(|address| address | MOVED))
    }

    /// A record, with the tag of its key's hash.
    ///
    /// # Panics
    /// If the allocator returns addresses above 2^48: no supported system does unless it is asked to.
    #[inline]
    pub fn new(record: NonNull<Record>, hash: u64) -> Self {
        let raw = record.as_ptr();
        assert_eq!(raw.addr() & TAG_MASK, 0, "record allocated above the 48-bit address space");
        Self(raw.map_addr(|address| address | Self::tag(hash)))
    }

    /// A word as it was loaded.
    #[inline(always)]
    pub fn from_raw(raw: *mut Record) -> Self {
        Self(raw)
    }

    /// The word as it is stored.
    #[inline(always)]
    pub fn raw(self) -> *mut Record {
        self.0
    }

    /// Whether the place is free.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.0.is_null()
    }

    /// Whether the place is frozen.
    #[inline(always)]
    pub fn is_frozen(self) -> bool {
        self.0.addr() == FROZEN
    }

    /// Whether the place holds a record and will take no other.
    #[inline(always)]
    pub fn is_moved(self) -> bool {
        self.0.addr() & MOVED != 0 && !self.is_frozen()
    }

    /// Whether the place holds no record: it is empty, frozen or deleted.
    #[inline(always)]
    pub fn is_vacant(self) -> bool {
        self.0.addr() <= DELETED
    }

    /// Whether the record's key may have this hash.
    #[inline(always)]
    pub fn may_match(self, hash: u64) -> bool {
        self.0.addr() & TAG_MASK == Self::tag(hash)
    }

    /// The record, if the place holds one.
    #[inline(always)]
    pub fn record(self) -> Option<NonNull<Record>> {
        if self.is_vacant() {
            return None;
        }
        NonNull::new(self.0.map_addr(|address| address & !(TAG_MASK | MOVED)))
    }

    /// The record of a place that is known to hold one: a scan asks a leaf's whole body, and a branch for each would be felt.
    ///
    /// # Safety
    /// The place holds a record.
    #[inline(always)]
    pub unsafe fn held(self) -> NonNull<Record> {
        debug_assert!(!self.is_vacant(), "the place holds a record");
        // SAFETY: a record's address is not null, and the bits taken off are no part of it.
        unsafe { NonNull::new_unchecked(self.0.map_addr(|address| address & !(TAG_MASK | MOVED))) }
    }

    #[inline(always)]
    fn tag(hash: u64) -> usize {
        #[cfg(target_pointer_width = "64")]
        return (hash >> TAG_SHIFT << TAG_SHIFT) as usize;
        #[cfg(not(target_pointer_width = "64"))]
        return 0 & hash as usize;
    }
}
