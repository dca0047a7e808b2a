//! One key space for the entries and the version.
//!
//! *Why one.* Key spaces of fjall reach the disk one by one. If files are damaged afterwards, a version could survive from
//! another time than the entries; in one key space a version is as old as what was written with it. The byte in front also
//! admits the empty key, which fjall has none of.
//!
//! *Why zeros are left out.* Fjall keeps the first four bytes of a key where it compares, and goes elsewhere for the others. What
//! the store writes begins with the number of a key space, so that those four would be the same nearly everywhere.
//!
//! ```text
//!   below 00 00 00           [ 1 ][ key ]
//!   00 00 00 ...             [ 2 ][ key without them ]
//!   above                    [ 3 ][ key ]
//! ```

use smallvec::SmallVec;
use std::ops::Bound;

/// Under this key alone lies the version.
pub(super) const VERSION: &[u8] = &[0];

/// What is left out.
const ZEROS: &[u8] = &[0; 3];
/// In front of keys that are before those with the zeros.
const BEFORE: u8 = 1;
/// In front of what is left of those with the zeros.
const WITHOUT: u8 = 2;
/// In front of those behind.
const BEHIND: u8 = 3;

/// What fjall can keep, without the byte in front.
pub(super) const MAX_LEN: usize = u16::MAX as usize - 1;

/// Most keys fit without an allocation.
pub(super) type InnerKey = SmallVec<[u8; 64]>;

/// The key of an entry as fjall has it. Keeps the order.
pub(super) fn inner(key: &[u8]) -> InnerKey {
    let (first, rest) = match key.strip_prefix(ZEROS) {
        Some(rest) => (WITHOUT, rest),
        None if key < ZEROS => (BEFORE, key),
        None => (BEHIND, key),
    };
    let mut inner = InnerKey::with_capacity(1 + rest.len());
    inner.push(first);
    inner.extend_from_slice(rest);
    inner
}

/// The key of an entry as others have it.
pub(super) fn outer(inner: &[u8]) -> Vec<u8> {
    match inner.split_first() {
        Some((&WITHOUT, rest)) => [ZEROS, rest].concat(),
        Some((_, key)) => key.to_vec(),
        None => Vec::new(),
    }
}

/// The bounds as fjall has them: around entries only.
pub(super) fn bounds(from: Bound<&[u8]>, to: Bound<&[u8]>) -> (Bound<InnerKey>, Bound<InnerKey>) {
    let from = match from {
        Bound::Unbounded => Bound::Included(InnerKey::from_slice(&[BEFORE])),
        bounded => bounded.map(inner),
    };
    let to = match to {
        Bound::Unbounded => Bound::Excluded(InnerKey::from_slice(&[BEHIND + 1])),
        bounded => bounded.map(inner),
    };
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_come_back() {
        let keys: [&[u8]; 9] = [
            b"",
            b"\0",
            b"\0\0",
            b"\0\0\0",
            b"\0\0\0\0key",
            b"\0\0\0\x01",
            b"\0\0\x01",
            b"\0a",
            b"\xff\xff\xff\xff",
        ];
        assert!(keys.is_sorted() && keys.map(inner).is_sorted());
        assert_eq!(keys.map(|key| outer(&inner(key))), keys);
        assert_eq!(inner(b"\0\0\0\0key").len(), 5);
    }
}
