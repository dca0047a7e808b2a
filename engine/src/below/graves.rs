//! Deletes, in a store where a key that is not in memory may be in the parent.

use super::{Below, Beneath};
use crate::durable::Writes;
use crate::parent::layout;
use crate::{Error, Version};
use epoch_store::{Map, ReadSet, Step, WriteBatch, WriteOp};
use std::ops::Bound;

/// A range that is deleted: its space, its first key, and the key behind its last, if there is one.
type Deleted = (u32, Vec<u8>, Option<Vec<u8>>);

/// Why a commit was not made.
pub enum Refused {
    /// By the map.
    ByMap(epoch_store::Error),
    /// The parent could not be asked.
    ByParent(Error),
}

impl From<epoch_store::Error> for Refused {
    fn from(error: epoch_store::Error) -> Self {
        Self::ByMap(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::ByParent(error)
    }
}

impl Below {
    /// Commits writes and the graves of what they delete, under the conditions of `reads`, if there are any. `None`: they
    /// delete nothing, and are committed like any.
    ///
    /// Of a range, the graves are those of all keys that are there, under the condition that nobody has written into it since
    /// they were looked for: at the version of the caller's conditions; or else at the newest, and again if somebody has.
    pub fn bury(
        &self,
        map: &Map,
        writes: Writes<'_>,
        reads: Option<&ReadSet>,
    ) -> Option<Result<Version, Refused>> {
        let (mut graves, mut ranges) = (Vec::new(), Vec::new());
        writes.for_each(|step| match step {
            Step::Write(WriteOp { value: Some(_), .. }) => {}
            Step::Write(WriteOp { space, key, value: None }) => {
                graves.push(layout::key(space, key))
            }
            Step::DeleteRange { space, from, to } => {
                ranges.push((space, from.to_vec(), to.map(<[u8]>::to_vec)));
            }
        });
        if graves.is_empty() && ranges.is_empty() {
            return None;
        }
        let mut batch = writes.to_batch();
        for key in graves {
            batch.put_in(&self.graves, key, []);
        }
        Some(self.commit(map, &batch, &ranges, reads))
    }

    fn commit(
        &self,
        map: &Map,
        batch: &WriteBatch,
        ranges: &[Deleted],
        reads: Option<&ReadSet>,
    ) -> Result<Version, Refused> {
        match reads {
            None if ranges.is_empty() => Ok(map.commit(batch)?),
            Some(reads) => self.try_to_commit(map, batch, ranges, reads.clone()),
            None => loop {
                let reads = ReadSet::at(&map.snapshot());
                match self.try_to_commit(map, batch, ranges, reads) {
                    Err(Refused::ByMap(epoch_store::Error::Conflict(_))) => {}
                    result => return result,
                }
            },
        }
    }

    fn try_to_commit(
        &self,
        map: &Map,
        batch: &WriteBatch,
        ranges: &[Deleted],
        mut reads: ReadSet,
    ) -> Result<Version, Refused> {
        let mut buried = batch.clone();
        for range in ranges {
            self.bury_range(map, range, &mut reads, &mut buried)?;
        }
        Ok(map.commit_if(&buried, &reads)?)
    }

    /// Adds the graves of a range, and the condition that it is as it was.
    fn bury_range(
        &self,
        map: &Map,
        (space, from, to): &Deleted,
        reads: &mut ReadSet,
        batch: &mut WriteBatch,
    ) -> Result<(), Error> {
        let to = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (Bound::Included(from.as_slice()), to);
        let snapshot = reads.snapshot().clone();
        let named = map.key_spaces().find(|named| named.id() == *space);
        let of_memory = match &named {
            None => snapshot.range(bounds),
            Some(space) => snapshot.space(space)?.range(bounds),
        };
        for entry in Beneath::new(self, &snapshot, *space).merge(bounds, of_memory) {
            batch.put_in(&self.graves, layout::key(*space, &entry?.0), []);
        }
        match &named {
            None => reads.range(bounds),
            Some(space) => reads.range_in(space, bounds),
        };
        Ok(())
    }
}
