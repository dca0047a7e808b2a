//! The base of a block, and what may lie below it: where not all of a store is in memory.

use super::Writer;
use crate::snapshot::{Range, Snapshot};
use std::fmt;

/// What is asked for what a base has not got in memory. Asked by those who run transactions: it may take its time. One that
/// cannot answer remembers that, says that there is nothing, and sees to it that the block is of no use.
pub trait Ground: Send + Sync {
    /// The value of a key that is not in the base.
    fn get(&self, base: &Snapshot, key: &[u8]) -> Option<Vec<u8>>;

    /// All entries between the bounds, those of the base among them.
    fn range<'b>(
        &'b self,
        base: &'b Snapshot,
        lo: std::ops::Bound<&[u8]>,
        hi: std::ops::Bound<&[u8]>,
    ) -> Box<Grounded<'b>>;
}

/// Entries of a base and its ground, from either end.
pub type Grounded<'b> = dyn DoubleEndedIterator<Item = (Vec<u8>, Vec<u8>)> + Send + Sync + 'b;

/// Entries of the base, which live as long as the block; see [`BlockMap::base_range`](super::BlockMap::base_range).
pub struct BaseRange<'b>(Entries<'b>);

#[expect(clippy::large_enum_variant, reason = "the usual one is to cost no allocation")]
enum Entries<'b> {
    OfMemory(Range<'b>),
    OfGround(Box<Grounded<'b>>),
}

impl<'b> BaseRange<'b> {
    pub(super) fn of_memory(entries: Range<'b>) -> Self {
        Self(Entries::OfMemory(entries))
    }

    pub(super) fn of_ground(entries: Box<Grounded<'b>>) -> Self {
        Self(Entries::OfGround(entries))
    }

    /// The next entry from the lower end. What is not in memory is copied into the block, by `writer`.
    #[inline]
    pub fn next(&mut self, writer: &mut Writer<'b>) -> Option<(&'b [u8], &'b [u8])> {
        match &mut self.0 {
            Entries::OfMemory(entries) => {
                entries.next().map(|(key, value)| (key.bytes(), value.bytes()))
            }
            Entries::OfGround(entries) => entries.next().map(|entry| copy(&entry, writer)),
        }
    }

    /// As [`next`](BaseRange::next), from the upper end.
    #[inline]
    pub fn next_back(&mut self, writer: &mut Writer<'b>) -> Option<(&'b [u8], &'b [u8])> {
        match &mut self.0 {
            Entries::OfMemory(entries) => {
                entries.next_back().map(|(key, value)| (key.bytes(), value.bytes()))
            }
            Entries::OfGround(entries) => entries.next_back().map(|entry| copy(&entry, writer)),
        }
    }
}

fn copy<'b>(entry: &(Vec<u8>, Vec<u8>), writer: &mut Writer<'b>) -> (&'b [u8], &'b [u8]) {
    (writer.bytes(&entry.0), writer.bytes(&entry.1))
}

impl fmt::Debug for BaseRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseRange").finish_non_exhaustive()
    }
}
