//! Ranges of keys, as users write them.

use std::ops::{
    Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive,
};

/// A range of keys: `a..b`, `a..=b`, `a..`, `..b`, `..=b`, `..`, or a pair of [`Bound`]s, over anything that is bytes.
///
/// This is [`RangeBounds`] for byte keys: with that trait itself, `b"a"..b"b"` and `..` would need type annotations.
///
/// ```
/// use std::ops::Bound;
/// # let map = epoch_store::Map::new();
/// map.put(b"b", b"")?;
/// let snapshot = map.snapshot();
/// assert_eq!(snapshot.range("a".."c").count(), 1);
/// assert_eq!(snapshot.range(..=vec![b'b']).count(), 1);
/// assert_eq!(snapshot.range((Bound::Excluded(b"b"), Bound::Unbounded)).count(), 0);
/// assert_eq!(snapshot.range(..).count(), 1);
/// # Ok::<(), epoch_store::Error>(())
/// ```
///
/// Nobody else implements it:
///
/// ```compile_fail,E0277
/// struct Mine;
/// impl epoch_store::KeyRange for Mine {
///     fn bounds(&self) -> (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>) {
///         (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded)
///     }
/// }
/// ```
pub trait KeyRange: sealed::Sealed {
    /// Its bounds.
    fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>);
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! key_range {
    ($($range:ty),*) => {
        $(
            impl<K: AsRef<[u8]>> sealed::Sealed for $range {}

            impl<K: AsRef<[u8]>> KeyRange for $range {
                fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
                    let from = RangeBounds::<K>::start_bound(self);
                    let to = RangeBounds::<K>::end_bound(self);
                    (from.map(AsRef::as_ref), to.map(AsRef::as_ref))
                }
            }
        )*
    };
}

key_range!(
    Range<K>,
    RangeInclusive<K>,
    RangeFrom<K>,
    RangeTo<K>,
    RangeToInclusive<K>,
    (Bound<K>, Bound<K>)
);

impl sealed::Sealed for RangeFull {}

impl KeyRange for RangeFull {
    fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (Bound::Unbounded, Bound::Unbounded)
    }
}
