//! What writers hold: the store.

mod builder;
mod key_space;

pub use builder::Builder;
pub use key_space::KeySpace;

use crate::shared::Shared;
use crate::{Error, KeyRange, Snapshot, Version, WriteBatch};
use std::fmt;
use std::sync::Arc;

/// An ordered store of byte keys and byte values that many threads read and write at once, at consistent versions.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// An empty store that lives in memory.
    pub fn in_memory() -> Self {
        let opened = Self::builder().open();
        opened.unwrap_or_else(|error| {
            unreachable!("an empty map has room for one key space: {error}")
        })
    }

    /// A store with choices.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Another handle, from what the handles share.
    pub(crate) fn from_shared(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stores `value` under `key` as a commit of its own. Returns its version once it is visible.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Version, Error> {
        Ok(self.shared.admit(1)?.put(key, value)?)
    }

    /// Deletes `key` as a commit of its own, also if it has no value.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        Ok(self.shared.admit(1)?.delete(key)?)
    }

    /// Deletes every key in `range`, as a commit of its own.
    pub fn delete_range(&self, range: impl KeyRange) -> Result<Version, Error> {
        Ok(self.shared.admit(1)?.delete_range(range)?)
    }

    /// Applies all writes of `batch` as one commit. Returns its version once it is visible.
    pub fn commit(&self, batch: &WriteBatch) -> Result<Version, Error> {
        Ok(self.shared.admit(batch.len())?.commit(batch.of_map())?)
    }

    /// The store as it is now, to read from. Wait-free.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.shared.map().snapshot(), self.shared.clone())
    }

    /// The newest version. Wait-free.
    pub fn version(&self) -> Version {
        self.shared.map().version()
    }

    /// The key space with this name, which is created if there is none.
    pub fn key_space(&self, name: impl AsRef<str>) -> Result<KeySpace, Error> {
        KeySpace::open(&self.shared, name.as_ref())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("version", &self.version()).finish_non_exhaustive()
    }
}
