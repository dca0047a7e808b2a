//! Deletes, and what depends on them, in a store where a key that is not in memory may be in the parent.

use super::{Below, Beneath};
use crate::durable::Writes;
use crate::parent::layout;
use crate::{Error, Version};
use epoch_store::{Map, ReadSet, Step, WriteBatch, WriteOp};
use std::ops::Bound;

/// A range that is deleted: its space, its first key, and the key behind its last, if there is one.
type Deleted = (u32, Vec<u8>, Option<Vec<u8>>);

/// A commit that leaves graves, or that depends on there being none.
pub struct Buried {
    batch: WriteBatch,
    reads: Option<ReadSet>,
    is_own: bool,
}

impl Buried {
    /// Makes it.
    ///
    /// # Errors
    /// Those of the map.
    pub fn commit(&self, map: &Map) -> Result<Version, epoch_store::Error> {
        match &self.reads {
            None => map.commit(&self.batch),
            Some(reads) => map.commit_if(&self.batch, reads),
        }
    }

    /// Whether its conditions are the engine's own, so that a conflict is nobody's: it is to be made anew.
    pub fn is_own(&self) -> bool {
        self.is_own
    }
}

/// What a batch deletes.
#[derive(Default)]
struct Deletes {
    graves: Vec<Vec<u8>>,
    ranges: Vec<Deleted>,
}

impl Deletes {
    fn of(writes: Writes<'_>) -> Self {
        let mut deletes = Self::default();
        writes.for_each(|step| match step {
            Step::Write(WriteOp { value: Some(_), .. }) => {}
            Step::Write(WriteOp { space, key, value: None }) => {
                deletes.graves.push(layout::key(space, key));
            }
            Step::DeleteRange { space, from, to } => {
                deletes.ranges.push((space, from.to_vec(), to.map(<[u8]>::to_vec)));
            }
        });
        deletes
    }
}

impl Below {
    /// These writes with the graves of what they delete, under the conditions of `reads`, if there are any. `None`: they delete
    /// nothing and depend on nothing, and are committed like any.
    ///
    /// Of a range, the graves are those of all keys that are there, under the condition that nobody writes into it after
    /// they were looked for: at the version of the caller's conditions, or else at the newest. That takes time, and so is
    /// done before anybody waits for the commit.
    ///
    /// # Errors
    /// Whatever keeps the parent from reading; a space of another store.
    pub fn bury(
        &self,
        map: &Map,
        writes: Writes<'_>,
        reads: Option<&ReadSet>,
    ) -> Result<Option<Buried>, Error> {
        let Deletes { graves, ranges } = Deletes::of(writes);
        if graves.is_empty() && ranges.is_empty() && reads.is_none() {
            return Ok(None);
        }
        let is_own = reads.is_none() && !ranges.is_empty();
        let mut reads = reads.map(|reads| self.with_graves(reads));
        let mut batch = writes.to_batch();
        for key in graves {
            batch.put_in(&self.graves, key, []);
        }
        for range in &ranges {
            let reads = reads.get_or_insert_with(|| ReadSet::at(&map.snapshot()));
            self.bury_range(map, range, reads, &mut batch)?;
        }
        Ok(Some(Buried { batch, reads, is_own }))
    }

    /// The same conditions, and that there be no new graves: who has read a key below memory, or has found none, finds no
    /// later version of it there when it is deleted (E-7).
    fn with_graves(&self, reads: &ReadSet) -> ReadSet {
        let mut with = reads.clone();
        for (space, key) in reads.keys() {
            with.key_in(&self.graves, layout::key(space, key));
        }
        for (space, from, to) in reads.spans() {
            let to = to.map_or(Bound::Unbounded, Bound::Excluded);
            with.range_in(&self.graves, layout::bounds(space, Bound::Included(from), to));
        }
        with
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

    /// A refusal in terms of the user's keys: a grave stands for the key that it is of.
    pub fn exhume(&self, map: &Map, error: epoch_store::Error) -> epoch_store::Error {
        let epoch_store::Error::Conflict(mut conflict) = error else { return error };
        for found in &mut conflict.keys {
            if found.space.as_deref() != Some(self.graves.name()) {
                continue;
            }
            let Some((space, key)) = layout::split(&found.key) else { continue };
            let named = map.key_spaces().find(|named| named.id() == space);
            found.space = named.map(|named| named.name().to_owned());
            found.key = key.to_vec();
        }
        epoch_store::Error::Conflict(conflict)
    }
}
