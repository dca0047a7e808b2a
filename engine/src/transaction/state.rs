//! What a transaction has done so far.

use super::Isolation;
use super::bounds::Bounds;
use super::reads::Reads;
use super::writes::Writes;
use crate::{ConflictKind, Error};
use epoch_store::{KeySpace, ReadSet, WriteBatch};
use std::borrow::Cow;

/// Reads, writes, and the key spaces that either of them names.
#[derive(Debug)]
pub(super) struct State {
    pub(super) reads: Reads,
    pub(super) writes: Writes,
    /// Named key spaces: the one at place `n` has the index `n + 1`; the default space has the index 0.
    spaces: Vec<KeySpace>,
}

impl State {
    pub(super) fn at(snapshot: &epoch_store::Snapshot) -> Self {
        Self { reads: Reads::at(snapshot), writes: Writes::default(), spaces: Vec::new() }
    }

    /// Begins anew, at another snapshot. Savepoints are not there any more.
    pub(super) fn restart(&mut self, snapshot: &epoch_store::Snapshot) {
        self.reads = Reads::at(snapshot);
        self.writes.clear();
    }

    /// The index of a named key space.
    pub(super) fn index_of(&mut self, space: &KeySpace) -> usize {
        let known = self.index_of_name(Some(space.name()));
        known.unwrap_or_else(|| {
            self.spaces.push(space.clone());
            self.spaces.len()
        })
    }

    /// The index of the key space with this name, if the transaction has used it; `None`: the default space.
    pub(super) fn index_of_name(&self, name: Option<&str>) -> Option<usize> {
        let Some(name) = name else { return Some(0) };
        self.spaces.iter().position(|space| space.name() == name).map(|place| place + 1)
    }

    /// The key space with an index; `None`: the default space.
    fn space(&self, index: usize) -> Option<&KeySpace> {
        self.spaces.get(index.checked_sub(1)?)
    }

    /// Notes that a key was read.
    pub(super) fn read_key(&mut self, space: usize, key: &[u8]) {
        let space = space.checked_sub(1).and_then(|place| self.spaces.get(place));
        self.reads.key(space, key);
    }

    /// Notes that a range is going to be iterated. Returns its place among the reads.
    pub(super) fn open_range(&mut self, space: usize, range: Bounds) -> usize {
        let space = space.checked_sub(1).and_then(|place| self.spaces.get(place));
        self.reads.open(space, range)
    }

    /// The writes, as one batch.
    pub(super) fn batch(&self) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for (space, key, written) in self.writes.all() {
            match (self.space(space), written) {
                (None, Some(value)) => batch.put(key, value),
                (None, None) => batch.delete(key),
                (Some(space), Some(value)) => batch.put_in(space, key, value),
                (Some(space), None) => batch.delete_in(space, key),
            };
        }
        batch
    }

    /// What nobody else may have written to, if the writes are to be committed.
    pub(super) fn dependencies(&self, isolation: Isolation) -> Cow<'_, ReadSet> {
        // No range is among the reads under snapshot isolation, and of the keys only those that were asked for.
        let reads = self.reads.set();
        match isolation {
            Isolation::Serializable => Cow::Borrowed(reads),
            Isolation::Snapshot => {
                let mut reads = reads.clone();
                for (space, key, _) in self.writes.all() {
                    match self.space(space) {
                        Some(space) => reads.key_in(space, key),
                        None => reads.key(key),
                    };
                }
                Cow::Owned(reads)
            }
        }
    }

    /// Why a commit was refused: under snapshot isolation a conflict is one of writes, if all of its keys were to be
    /// written.
    pub(super) fn explain(&self, isolation: Isolation, error: epoch_store::Error) -> Error {
        let mut error = Error::from(error);
        if let (Error::Conflict(conflict), Isolation::Snapshot) = (&mut error, isolation) {
            let written = conflict.keys.iter().all(|key| {
                let space = self.index_of_name(key.space.as_deref());
                space.is_some_and(|space| self.writes.get(space, &key.key).is_some())
            });
            if written && !self.writes.is_empty() {
                conflict.kind = ConflictKind::WriteWrite;
            }
        }
        error
    }
}
