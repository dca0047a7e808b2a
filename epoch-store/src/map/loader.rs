//! A map on its way to its first version.

use super::Map;
use crate::Version;
use crate::batch::WriteBatch;
use crate::error::{Error, MAX_FIRST_VERSION};
use crate::store::{Loading, Options};
use std::fmt;

/// Entries that become one batch.
const BATCH: usize = 4096;
/// Bytes after which a batch is full, however few entries it has.
const BATCH_BYTES: usize = 1 << 20;

/// Fills a map before anybody sees it; see [`Builder::load_at`](crate::Builder::load_at).
///
/// Each key of a space may be put once. Keys in order are put fastest. Memory: that of the map, and of a batch.
pub struct Loader {
    loading: Loading,
    version: Version,
    /// What is put now goes here: 0 is the default space.
    space: u32,
    batch: WriteBatch,
    bytes: usize,
    most: usize,
}

impl Loader {
    pub(super) fn new(options: Options, version: Version) -> Self {
        let most = options.max_batch_len.clamp(1, BATCH);
        // One that it cannot begin at is refused later: a loader is made without a result.
        let loading = Loading::new(options, version.get().min(MAX_FIRST_VERSION));
        Self { loading, version, space: 0, batch: WriteBatch::new(), bytes: 0, most }
    }

    /// What is put from now on goes into the key space with this name, which is created if there is none. Spaces get their
    /// numbers in the order in which they are entered for the first time.
    ///
    /// # Errors
    /// Those of [`Map::key_space`].
    ///
    /// ```
    /// use epoch_store::{Map, Version};
    /// let mut loader = Map::builder().load_at(Version::from(7));
    /// loader.enter("accounts")?;
    /// loader.put("alice", "10")?;
    /// let map = loader.finish()?;
    /// let accounts = map.find_key_space("accounts").unwrap();
    /// assert_eq!(map.snapshot().space(&accounts)?.get("alice").unwrap(), b"10");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn enter(&mut self, space: &str) -> Result<(), Error> {
        self.space = self.loading.open_space(space)?;
        Ok(())
    }

    /// What is put from now on goes into the default space, as in the beginning.
    pub fn enter_default(&mut self) {
        self.space = 0;
    }

    /// Puts `value` under `key`, which was not put before.
    ///
    /// # Errors
    /// Those of [`Map::put`], for this entry or one of those before it; [`Error::NothingAtZero`], [`Error::VersionTooHigh`]. The loader is of no
    /// use then.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        if self.version == Version::ZERO {
            return Err(Error::NothingAtZero);
        }
        let (key, value) = (key.as_ref(), value.as_ref());
        self.batch.add(self.space, key, Some(value));
        self.bytes += key.len() + value.len();
        if self.batch.len() >= self.most || self.bytes >= BATCH_BYTES {
            self.add()?;
        }
        Ok(())
    }

    fn add(&mut self) -> Result<(), Error> {
        if self.version.get() > MAX_FIRST_VERSION {
            let (version, max) = (self.version, MAX_FIRST_VERSION.into());
            return Err(Error::VersionTooHigh { version, max });
        }
        if !self.batch.is_empty() {
            self.loading.add(&self.batch)?;
            self.batch.clear();
            self.bytes = 0;
        }
        Ok(())
    }

    /// The map, at its version.
    ///
    /// # Errors
    /// As for [`Loader::put`].
    pub fn finish(mut self) -> Result<Map, Error> {
        self.add()?;
        Ok(Map::from_store(self.loading.finish()))
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("version", &self.version).finish_non_exhaustive()
    }
}
