//! What can be chosen when a parent is opened.

use super::FjallParent;
use crate::parent::ParentError;
use std::path::Path;

/// How a [`FjallParent`] is opened.
///
/// ```
/// use engine::{FjallOptions, Parent, Version};
/// # let place = tempfile::tempdir()?;
/// let parent = FjallOptions::new().cache_bytes(16 << 20).open(place.path().join("ledger"))?;
/// assert_eq!(parent.durable_version()?, Version::ZERO);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct FjallOptions {
    pub(super) cache_bytes: u64,
    pub(super) write_buffer_bytes: u64,
}

impl FjallOptions {
    /// 64 MiB of cache, and 64 MiB for what was written last.
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::FjallOptions::new().open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Self {
        Self { cache_bytes: 64 << 20, write_buffer_bytes: 64 << 20 }
    }

    /// Memory for blocks of the files, in bytes. What was written last is in memory besides:
    /// [`write_buffer_bytes`](Self::write_buffer_bytes).
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::FjallOptions::new().cache_bytes(1 << 20).open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes as u64;
        self
    }

    /// How much of what was written last is in memory before it goes to files, in bytes; for moments it is a few times as much.
    /// With less there are more files to merge, and opening has less of the log to read. It counts when the parent is made, and
    /// stays so.
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::FjallOptions::new().write_buffer_bytes(4 << 20).open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_buffer_bytes(mut self, bytes: usize) -> Self {
        self.write_buffer_bytes = bytes as u64;
        self
    }

    /// Opens the parent in this directory; [`FjallParent::open`] says how.
    ///
    /// # Errors
    /// As for [`FjallParent::open`].
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// let parent = engine::FjallOptions::new().open(place.path())?;
    /// # drop(parent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, path: impl AsRef<Path>) -> Result<FjallParent, ParentError> {
        FjallParent::open_with(path.as_ref(), self.clone())
    }
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self::new()
    }
}
