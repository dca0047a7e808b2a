//! What readers hold: snapshots and what is read through them.

mod range;
mod space_view;

pub use range::Range;
pub use space_view::SpaceView;

use crate::shared::Shared;
use crate::{Error, Key, KeyRange, Value, Version};
use std::fmt;
use std::sync::Arc;

/// The store as it was at one version, for as long as this is held.
#[derive(Clone)]
pub struct Snapshot {
    map: epoch_store::Snapshot,
    shared: Arc<Shared>,
}

impl Snapshot {
    pub(crate) fn new(map: epoch_store::Snapshot, shared: Arc<Shared>) -> Self {
        Self { map, shared }
    }

    /// The snapshot of the map.
    pub(crate) fn of_map(&self) -> &epoch_store::Snapshot {
        &self.map
    }

    /// What it shares with the handles of its store.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The version that this snapshot shows.
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// The value of `key`, borrowed from the snapshot.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'_>>, Error> {
        Ok(self.map.get(key).map(Value::of_map))
    }

    /// Whether `key` has a value.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.map.contains(key))
    }

    /// The entries inside the bounds, in key order, from either end. An inverted range is empty.
    pub fn range(&self, keys: impl KeyRange) -> Range<'_> {
        Range::new(self.map.range(keys))
    }

    /// All entries, in key order, from either end.
    pub fn iter(&self) -> Range<'_> {
        Range::new(self.map.iter())
    }

    /// The entries whose keys begin with `prefix`.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range<'_> {
        Range::new(self.map.prefix(prefix))
    }

    /// The entry with the smallest key.
    pub fn first(&self) -> Result<Option<(Key<'_>, Value<'_>)>, Error> {
        self.iter().next().transpose()
    }

    /// The entry with the greatest key.
    pub fn last(&self) -> Result<Option<(Key<'_>, Value<'_>)>, Error> {
        self.iter().next_back().transpose()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version()).finish_non_exhaustive()
    }
}
