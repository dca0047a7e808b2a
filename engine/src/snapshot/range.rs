//! Iteration over a range, from both ends.

use crate::{Error, Key, Value};
use std::iter::FusedIterator;

/// An iterator over entries of a snapshot; see [`Snapshot::range`](crate::Snapshot::range).
#[derive(Debug)]
pub struct Range<'s> {
    entries: epoch_store::Range<'s>,
}

impl<'s> Range<'s> {
    pub(super) fn new(entries: epoch_store::Range<'s>) -> Self {
        Self { entries }
    }
}

impl<'s> Iterator for Range<'s> {
    type Item = Result<(Key<'s>, Value<'s>), Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.entries.next()?;
        Some(Ok((Key::of_map(key), Value::of_map(value))))
    }
}

impl DoubleEndedIterator for Range<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (key, value) = self.entries.next_back()?;
        Some(Ok((Key::of_map(key), Value::of_map(value))))
    }
}

impl FusedIterator for Range<'_> {}
