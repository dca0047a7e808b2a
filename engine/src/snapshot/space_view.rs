//! One key space of a snapshot.

use super::Range;
use crate::{Error, Key, KeyRange, Value, Version};

/// One key space of a snapshot, from [`Snapshot::space`](crate::Snapshot::space): reads as the snapshot itself does, inside
/// this space.
#[derive(Debug, Clone, Copy)]
pub struct SpaceView<'s> {
    map: epoch_store::SpaceView<'s>,
}

impl<'s> SpaceView<'s> {
    pub(crate) fn new(map: epoch_store::SpaceView<'s>) -> Self {
        Self { map }
    }

    /// The version that the snapshot shows.
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// The value of `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'s>>, Error> {
        Ok(self.map.get(key).map(Value::of_map))
    }

    /// Whether `key` has a value.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.map.contains(key))
    }

    /// The entries inside the bounds, in key order, from either end.
    pub fn range(&self, keys: impl KeyRange) -> Range<'s> {
        Range::new(self.map.range(keys))
    }

    /// All entries of the space, in key order, from either end.
    pub fn iter(&self) -> Range<'s> {
        Range::new(self.map.iter())
    }

    /// The entries whose keys begin with `prefix`.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range<'s> {
        Range::new(self.map.prefix(prefix))
    }

    /// The entry with the smallest key of the space.
    pub fn first(&self) -> Result<Option<(Key<'s>, Value<'s>)>, Error> {
        self.iter().next().transpose()
    }

    /// The entry with the greatest key of the space.
    pub fn last(&self) -> Result<Option<(Key<'s>, Value<'s>)>, Error> {
        self.iter().next_back().transpose()
    }
}
