//! Iteration over a range, from both ends.

use crate::below::{Beneath, OfSnapshot};
use crate::{Error, Key, Value};
use std::iter::FusedIterator;
use std::ops::Bound;

/// An iterator over entries of a snapshot; see [`Snapshot::range`](crate::Snapshot::range).
///
/// Any mix of `next` and `next_back` yields each entry once. Between two calls it holds nothing but its place. It borrows its
/// snapshot; what must not borrow is a [`Cursor`](crate::Cursor).
///
/// ```
/// # let store = engine::Store::in_memory();
/// for key in ["a", "b", "c"] {
///     store.put(key, "")?;
/// }
/// let snapshot = store.snapshot();
/// let mut entries = snapshot.iter();
/// assert_eq!(entries.next().unwrap()?.0, "a");
/// assert_eq!(entries.next_back().unwrap()?.0, "c");
/// assert_eq!(entries.next().unwrap()?.0, "b");
/// assert!(entries.next_back().is_none() && entries.next().is_none());
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Range<'s> {
    entries: Entries<'s>,
}

/// Where they come from.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "what reads memory alone is made for every read, and allocates nothing"
)]
enum Entries<'s> {
    Memory(epoch_store::Range<'s>),
    /// And from what lies below it.
    Merged(Box<OfSnapshot<'s>>),
}

impl<'s> Range<'s> {
    /// The entries between the bounds, of which memory has these.
    pub(super) fn new(
        of_memory: epoch_store::Range<'s>,
        beneath: Option<Beneath<'s, epoch_store::Snapshot>>,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> Self {
        let entries = match beneath {
            None => Entries::Memory(of_memory),
            Some(beneath) => Entries::Merged(Box::new(beneath.merge(bounds, of_memory))),
        };
        Self { entries }
    }

    /// The number of entries left.
    pub(super) fn count_all(mut self) -> Result<usize, Error> {
        self.try_fold(0, |count, entry| entry.map(|_| count + 1))
    }
}

type Entry<'s> = Result<(Key<'s>, Value<'s>), Error>;

#[inline]
fn entry<'s>((key, value): (epoch_store::Key<'s>, epoch_store::Value<'s>)) -> Entry<'s> {
    Ok((Key::of_map(key), Value::of_map(value)))
}

impl<'s> Iterator for Range<'s> {
    type Item = Entry<'s>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.entries {
            Entries::Memory(entries) => entries.next().map(entry),
            Entries::Merged(entries) => entries.next(),
        }
    }
}

impl DoubleEndedIterator for Range<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.entries {
            Entries::Memory(entries) => entries.next_back().map(entry),
            Entries::Merged(entries) => entries.next_back(),
        }
    }
}

impl FusedIterator for Range<'_> {}

/// An iterator over keys of a snapshot; see [`Snapshot::keys`](crate::Snapshot::keys). Otherwise as [`Range`].
///
/// ```
/// # let store = engine::Store::in_memory();
/// store.put("a", "")?;
/// store.put("b", "")?;
/// let snapshot = store.snapshot();
/// let mut keys = snapshot.keys(..).rev();
/// assert_eq!(keys.next().unwrap()?, "b");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Keys<'s> {
    entries: Range<'s>,
}

impl<'s> Keys<'s> {
    pub(super) fn new(entries: Range<'s>) -> Self {
        Self { entries }
    }
}

impl<'s> Iterator for Keys<'s> {
    type Item = Result<Key<'s>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|entry| Ok(entry?.0))
    }
}

impl DoubleEndedIterator for Keys<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back().map(|entry| Ok(entry?.0))
    }
}

impl FusedIterator for Keys<'_> {}
