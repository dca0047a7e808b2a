//! How the entries of layers lie in the family's map.
//!
//! A key is the number of its layer, 8 bytes big-endian, and the key itself. A value is one byte that tells a tombstone from a
//! value, and the value itself. The number 0 belongs to no layer: below it lie the markers of all of them.

use crate::{Error, MAX_KEY_LEN, MAX_VALUE_LEN};
use smallvec::SmallVec;
use std::ops::Bound;

/// Bytes of a layer's number.
pub const NUMBER_LEN: usize = size_of::<u64>();
/// Bytes of the tag that each entry begins with.
pub const TAG_LEN: usize = 1;

const TOMBSTONE: u8 = 0;
const VALUE: u8 = 1;

/// A key, or a bound, in the family's map.
pub type LayerKey = SmallVec<[u8; 64]>;

/// Where the entry of a layer for `key` lies.
pub fn layer_key(layer: u64, key: &[u8]) -> LayerKey {
    let mut full = LayerKey::with_capacity(NUMBER_LEN + key.len());
    full.extend_from_slice(&layer.to_be_bytes());
    full.extend_from_slice(key);
    full
}

/// The same key in another layer.
pub fn move_to_layer(full: &mut LayerKey, layer: u64) {
    full[..NUMBER_LEN].copy_from_slice(&layer.to_be_bytes());
}

/// Where the marker of a layer lies.
pub fn marker(layer: u64) -> [u8; 2 * NUMBER_LEN] {
    let mut key = [0; 2 * NUMBER_LEN];
    key[NUMBER_LEN..].copy_from_slice(&layer.to_be_bytes());
    key
}

/// Bounds of a layer's entries, inside bounds of their keys.
pub fn layer_range(
    layer: u64,
    (from, to): (Bound<&[u8]>, Bound<&[u8]>),
) -> (Bound<LayerKey>, Bound<LayerKey>) {
    let from = match from {
        Bound::Unbounded => Bound::Included(layer_key(layer, &[])),
        bound => bound.map(|key| layer_key(layer, key)),
    };
    let to = match to {
        Bound::Unbounded => Bound::Excluded(layer_key(layer + 1, &[])),
        bound => bound.map(|key| layer_key(layer, key)),
    };
    (from, to)
}

/// An entry that holds a value, or a tombstone.
pub fn encode(value: Option<&[u8]>) -> SmallVec<[u8; 128]> {
    let mut entry = SmallVec::with_capacity(TAG_LEN + value.map_or(0, <[u8]>::len));
    entry.push(if value.is_some() { VALUE } else { TOMBSTONE });
    entry.extend_from_slice(value.unwrap_or_default());
    entry
}

/// Whether an entry says that its key is deleted.
pub fn is_tombstone(entry: &[u8]) -> bool {
    entry.first() != Some(&VALUE)
}

/// Whether a layer can hold this write: keys and values have a few bytes less than in a store.
pub fn check(key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
    let (max_key, max_value) = (MAX_KEY_LEN - NUMBER_LEN, MAX_VALUE_LEN - TAG_LEN);
    if key.is_empty() {
        return Err(epoch_store::Error::EmptyKey.into());
    }
    if key.len() > max_key {
        return Err(epoch_store::Error::KeyTooLong { len: key.len(), max: max_key }.into());
    }
    match value {
        Some(value) if value.len() > max_value => {
            Err(epoch_store::Error::ValueTooLong { len: value.len(), max: max_value }.into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_layer_lie_between_its_bounds_and_no_others_do() {
        let inside = |layer: u64, full: &[u8]| {
            let (from, to) = layer_range(layer, (Bound::Unbounded, Bound::Unbounded));
            let (Bound::Included(from), Bound::Excluded(to)) = (from, to) else {
                panic!("other bounds")
            };
            from.as_slice() <= full && full < to.as_slice()
        };
        for key in [&b"\0"[..], b"a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
            assert!(inside(7, &layer_key(7, key)));
            assert!(!inside(7, &layer_key(6, key)) && !inside(7, &layer_key(8, key)));
        }
        assert!(!inside(7, &marker(7)));
    }

    #[test]
    fn an_empty_value_is_no_tombstone() {
        assert!(!is_tombstone(&encode(Some(b""))));
        assert!(is_tombstone(&encode(None)));
    }
}
