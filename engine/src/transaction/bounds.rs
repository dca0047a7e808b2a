//! Bounds of ranges, shared by those who read them.

use super::chain::Shared;
use epoch_store::KeyRange;
use std::ops::Bound;

/// The bounds of a range.
pub(super) type Bounds = (Bound<Shared>, Bound<Shared>);

/// A copy of the bounds of a range.
pub(super) fn copied(range: &impl KeyRange) -> Bounds {
    let (from, to) = range.bounds();
    (from.map(Shared::from), to.map(Shared::from))
}

/// The bounds of the keys that begin with `prefix`.
pub(super) fn of_prefix(prefix: &[u8]) -> Bounds {
    let to = successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
    (Bound::Included(Shared::from(prefix)), to)
}

/// The lowest key above all that begin with `prefix`, if there is one.
fn successor(prefix: &[u8]) -> Option<Shared> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end.into())
}

/// Whether no key lies inside the bounds, whatever keys there are; of such bounds a B-tree would make a panic.
pub(super) fn are_empty(bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    use Bound::{Excluded, Included};
    match bounds {
        (Included(from), Included(to)) => from > to,
        (Included(from) | Excluded(from), Included(to) | Excluded(to)) => from >= to,
        _ => false,
    }
}
