//! Handles to key spaces: the named ordered maps inside a store.

use crate::shared::{Shared, is_reserved};
use crate::{Error, KeyRange, Snapshot, SpaceView, Version, WriteBatch};
use std::fmt;
use std::sync::Arc;

/// A named ordered map inside a [`Store`](crate::Store).
#[derive(Clone)]
pub struct KeySpace {
    map: epoch_store::KeySpace,
    shared: Arc<Shared>,
}

impl KeySpace {
    pub(super) fn open(shared: &Arc<Shared>, name: &str) -> Result<Self, Error> {
        if is_reserved(name) {
            return Err(Error::ReservedSpaceName);
        }
        let map = shared.map().key_space(name)?;
        Ok(Self { map, shared: shared.clone() })
    }

    /// The space of the map.
    pub(crate) fn of_map(&self) -> &epoch_store::KeySpace {
        &self.map
    }

    /// The name that the space was opened by.
    pub fn name(&self) -> &str {
        self.map.name()
    }

    /// Stores `value` under `key` in this space, as a commit of its own.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.shared.admit(1)?;
        Ok(self.map.put(key, value)?)
    }

    /// Deletes `key` in this space, as a commit of its own.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.shared.admit(1)?;
        Ok(self.map.delete(key)?)
    }

    /// Deletes every key in `range` in this space, as a commit of its own.
    pub fn delete_range(&self, range: impl KeyRange) -> Result<Version, Error> {
        self.shared.admit(1)?;
        Ok(self.map.delete_range(range)?)
    }
}

impl fmt::Debug for KeySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySpace").field("name", &self.name()).finish_non_exhaustive()
    }
}

// Here, and not with the rest of a batch and a snapshot: a handle is made of what they are made of.
impl WriteBatch {
    /// Adds a write of `value` under `key` in `space`. Copies both.
    pub fn put_in(
        &mut self,
        space: &KeySpace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> &mut Self {
        self.of_map_mut().put_in(&space.map, key, value);
        self
    }

    /// Adds a delete of `key` in `space`.
    pub fn delete_in(&mut self, space: &KeySpace, key: impl AsRef<[u8]>) -> &mut Self {
        self.of_map_mut().delete_in(&space.map, key);
        self
    }

    /// Adds a delete of every key of `space` in `range`.
    pub fn delete_range_in(&mut self, space: &KeySpace, range: impl KeyRange) -> &mut Self {
        self.of_map_mut().delete_range_in(&space.map, range);
        self
    }
}

impl Snapshot {
    /// The keys of `space` at this version.
    pub fn space(&self, space: &KeySpace) -> Result<SpaceView<'_>, Error> {
        Ok(SpaceView::new(self.of_map().space(&space.map)?))
    }
}
