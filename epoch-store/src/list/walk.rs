//! Reading one leaf's records in order, tail included, within bounds. Sealed ones too: their readers see nothing in them.

use super::BodyRef;
use super::fold::sorted_tail;
use crate::chain::Record;
use std::ops::{Bound, Range};
use std::ptr::NonNull;

/// Bounds on keys, as a leaf is asked for them.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    /// Where to begin.
    pub from: Bound<&'a [u8]>,
    /// Where to end.
    pub to: Bound<&'a [u8]>,
}

impl<'a> Within<'a> {
    /// The key from which on a walk to the right meets all that lie inside.
    pub fn lowest(&self) -> &'a [u8] {
        match self.from {
            Bound::Included(from) | Bound::Excluded(from) => from,
            Bound::Unbounded => &[],
        }
    }

    /// Whether a leaf that begins at `low` may hold keys inside, if the one before it did.
    pub fn reaches(&self, low: &[u8]) -> bool {
        match self.to {
            Bound::Included(to) => low <= to,
            Bound::Excluded(to) => low < to,
            Bound::Unbounded => true,
        }
    }

    /// Whether `key` lies inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        let after = match self.from {
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
            Bound::Unbounded => true,
        };
        after
            && match self.to {
                Bound::Included(to) => key <= to,
                Bound::Excluded(to) => key < to,
                Bound::Unbounded => true,
            }
    }

    /// Whether nothing can lie inside.
    pub fn is_empty(&self) -> bool {
        match (self.from, self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
            _ => false,
        }
    }
}

impl BodyRef<'_> {
    /// The sorted entries inside the bounds, as a range of positions. Binary search only.
    fn sorted_within(self, low: &[u8], within: Within<'_>) -> Range<usize> {
        let from = match within.from {
            // Prefixes order only keys inside the fences (I-16): a bound outside of them is not searched for.
            Bound::Included(key) if key >= low => self.lower(key),
            Bound::Excluded(key) if key >= low => self.upper(key),
            _ => 0,
        };
        let to = match within.to {
            Bound::Unbounded => self.sorted_len(),
            Bound::Included(key) => self.upper(key),
            Bound::Excluded(key) => self.lower(key),
        };
        from..to.max(from)
    }

    fn lower(self, key: &[u8]) -> usize {
        if self.is_beyond(key) {
            return self.sorted_len();
        }
        self.position(key).unwrap_or_else(|gap| gap)
    }

    fn upper(self, key: &[u8]) -> usize {
        if self.is_beyond(key) {
            return self.sorted_len();
        }
        self.position(key).map_or_else(|gap| gap, |at| at + 1)
    }

    /// Whether `key` is above every key of the leaf (prefixes only order keys inside the fences, I-16).
    fn is_beyond(self, key: &[u8]) -> bool {
        self.high().is_some_and(|high| key >= high)
    }

    /// Appends the records inside the bounds to `out`, in key order. `low` is the leaf's lower fence; the upper bound
    /// must not lie below it.
    pub fn collect(self, low: &[u8], within: Within<'_>, out: &mut Vec<NonNull<Record>>) {
        let sorted = self.sorted_within(low, within);
        if !self.has_tail() {
            out.extend(self.records(sorted));
            return;
        }
        let mut from = sorted.start;
        for (_, record) in sorted_tail(self) {
            if !within.contains(record.key()) {
                continue;
            }
            let to = self.position(record.key()).unwrap_or_else(|gap| gap);
            out.extend(self.records(from..to));
            out.push(record.as_ptr());
            from = to;
        }
        out.extend(self.records(from..sorted.end));
    }
}
