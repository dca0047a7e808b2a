//! One key space for the entries and the version.
//!
//! *Why one.* Key spaces of fjall reach the disk one by one. If files are damaged afterwards, a version could survive from
//! another time than the entries; in one key space a version is as old as what was written with it. The byte in front also
//! admits the empty key, which fjall has none of.

use smallvec::SmallVec;
use std::ops::Bound;

/// Under this key alone lies the version.
pub(super) const VERSION: &[u8] = &[0];

/// In front of the key of every entry.
const ENTRY: u8 = 1;

/// What fjall can keep, without the byte in front.
pub(super) const MAX_LEN: usize = u16::MAX as usize - 1;

/// Most keys fit without an allocation.
pub(super) type InnerKey = SmallVec<[u8; 64]>;

/// The key of an entry as fjall has it.
pub(super) fn inner(key: &[u8]) -> InnerKey {
    let mut inner = InnerKey::with_capacity(1 + key.len());
    inner.push(ENTRY);
    inner.extend_from_slice(key);
    inner
}

/// The key of an entry as others have it.
pub(super) fn outer(inner: &[u8]) -> &[u8] {
    inner.get(1..).unwrap_or_default()
}

/// The bounds as fjall has them: around entries only.
pub(super) fn bounds(from: Bound<&[u8]>, to: Bound<&[u8]>) -> (Bound<InnerKey>, Bound<InnerKey>) {
    let from = match from {
        Bound::Unbounded => Bound::Included(inner(&[])),
        bounded => bounded.map(inner),
    };
    let to = match to {
        Bound::Unbounded => Bound::Excluded(InnerKey::from_slice(&[ENTRY + 1])),
        bounded => bounded.map(inner),
    };
    (from, to)
}
