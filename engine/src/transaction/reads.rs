//! What a transaction has read and depends on.

use super::bounds::Bounds;
use epoch_store::{KeySpace, ReadSet, Snapshot};

/// Keys and ranges that were read at the transaction's snapshot.
///
/// A range that is being iterated stands in a place of its own, at first with all that it may come to read. The iterator
/// takes it from there when it is dropped, and leaves what it has read. So one that is forgotten without a drop counts
/// as read to its end: too much, and never too little.
#[derive(Debug)]
pub(super) struct Reads {
    set: ReadSet,
    open: Vec<Option<OpenRange>>,
    /// Whether what was read must hold also if nothing is written.
    for_update: bool,
}

/// The range of an iterator, and its key space.
type OpenRange = (Option<KeySpace>, Bounds);

impl Reads {
    pub(super) fn at(snapshot: &Snapshot) -> Self {
        Self { set: ReadSet::at(snapshot), open: Vec::new(), for_update: false }
    }

    pub(super) fn key(&mut self, space: Option<&KeySpace>, key: &[u8]) {
        match space {
            Some(space) => self.set.key_in(space, key),
            None => self.set.key(key),
        };
    }

    /// From now on, what was read must hold also if nothing is written.
    pub(super) fn require(&mut self) {
        self.for_update = true;
    }

    pub(super) fn are_required(&self) -> bool {
        self.for_update
    }

    fn range(&mut self, space: Option<&KeySpace>, range: Bounds) {
        match space {
            Some(space) => self.set.range_in(space, range),
            None => self.set.range(range),
        };
    }

    /// A range is going to be iterated. Returns its place.
    pub(super) fn open(&mut self, space: Option<&KeySpace>, range: Bounds) -> usize {
        self.open.push(Some((space.cloned(), range)));
        self.open.len() - 1
    }

    /// The iterator of the range at a place has read these parts of it.
    pub(super) fn close(
        &mut self,
        place: usize,
        parts: impl FnOnce(Bounds) -> [Option<Bounds>; 2],
    ) {
        let Some((space, range)) = self.open.get_mut(place).and_then(Option::take) else { return };
        for part in parts(range).into_iter().flatten() {
            self.range(space.as_ref(), part);
        }
        while let Some(None) = self.open.last() {
            self.open.pop();
        }
    }

    /// Counts the ranges whose iterators were forgotten as read.
    pub(super) fn settle(&mut self) {
        for (space, range) in std::mem::take(&mut self.open).into_iter().flatten() {
            self.range(space.as_ref(), range);
        }
    }

    /// What was read, but for ranges that are being iterated.
    pub(super) fn set(&self) -> &ReadSet {
        &self.set
    }
}
