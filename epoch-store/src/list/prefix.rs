//! Eight bytes of a key as a number: comparing numbers in one array beats comparing keys behind pointers.

use std::ops::Range;

/// The eight bytes of `key` after `skip`, big endian, padded with zeros: orders as the keys do, up to ties.
#[inline]
pub(super) fn prefix8(key: &[u8], skip: usize) -> u64 {
    let rest = key.get(skip..).unwrap_or_default();
    if let Some(bytes) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(bytes)
}

/// Length of the common prefix.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The `skip` for the fences `low` and `high`, given the one in use: kept unless the fences have moved apart, or much can
/// be gained, because taking new prefixes touches every key.
pub(super) fn better_skip(in_use: usize, low: &[u8], high: Option<&[u8]>) -> usize {
    const WORTH_IT: usize = 3;
    let possible = high.map_or(0, |high| common(low, high));
    if possible < in_use || possible >= in_use + WORTH_IT { possible } else { in_use }
}

/// The shortest key that is above `left` and not above `right`.
pub(super) fn separator<'k>(left: &[u8], right: &'k [u8]) -> &'k [u8] {
    debug_assert!(left < right, "a separator needs two keys in order");
    &right[..common(left, right) + 1]
}

/// The entries whose prefix is that of `key`: it is one of them, or nowhere. No key is looked at.
#[inline]
pub(super) fn tied(prefixes: &[u64], key: &[u8], skip: usize) -> Range<usize> {
    let wanted = prefix8(key, skip);
    let low = prefixes.partition_point(|&prefix| prefix < wanted);
    low..low + prefixes[low..].partition_point(|&prefix| prefix == wanted)
}

/// Binary search for `key` among entries with these prefixes, whose whole keys `key_at` tells where prefixes tie.
#[inline]
pub(super) fn search<'k>(
    prefixes: &[u64],
    key: &[u8],
    skip: usize,
    key_at: impl Fn(usize) -> &'k [u8],
) -> Result<usize, usize> {
    let Range { start: mut low, end: mut high } = tied(prefixes, key, skip);
    while low < high {
        let middle = low + (high - low) / 2;
        match key_at(middle).cmp(key) {
            std::cmp::Ordering::Equal => return Ok(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Err(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_order_as_keys_do() {
        let mut keys: Vec<&[u8]> =
            vec![b"", b"\0", b"a", b"a\0", b"ab", b"abcdefgh", b"abcdefghi", b"b", b"\xff"];
        keys.sort_unstable();
        for pair in keys.windows(2) {
            assert!(prefix8(pair[0], 0) <= prefix8(pair[1], 0), "{pair:?}");
        }
    }

    #[test]
    fn search_finds_every_key_and_every_gap_also_among_ties() {
        let keys: Vec<Vec<u8>> = ["aaaaaaaa", "aaaaaaaa1", "aaaaaaaa2", "b", "b\0"]
            .map(|k| k.as_bytes().to_vec())
            .into();
        let prefixes: Vec<u64> = keys.iter().map(|key| prefix8(key, 0)).collect();
        let find = |key: &[u8]| search(&prefixes, key, 0, |i| &keys[i]);
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(find(key), Ok(i));
        }
        assert_eq!(find(b"aaaaaaaa11"), Err(2));
        assert_eq!(find(b""), Err(0));
        assert_eq!(find(b"c"), Err(5));
    }

    #[test]
    fn a_separator_parts_its_neighbours_and_is_short() {
        for (left, right, between) in
            [("abc", "abd", "abd"), ("a", "b", "b"), ("ab", "abcde", "abc"), ("az", "bzzz", "b")]
        {
            let found = separator(left.as_bytes(), right.as_bytes());
            assert_eq!(found, between.as_bytes());
            assert!(left.as_bytes() < found && found <= right.as_bytes());
        }
    }
}
