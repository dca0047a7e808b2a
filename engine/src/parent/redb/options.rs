//! What can be chosen when a parent is opened.

use super::RedbParent;
use crate::parent::ParentError;
use std::path::Path;

/// How a [`RedbParent`] is opened.
///
/// ```
/// use engine::{Parent, RedbOptions, Version};
/// # let place = tempfile::tempdir()?;
/// let parent = RedbOptions::new().cache_bytes(16 << 20).open(place.path().join("ledger"))?;
/// assert_eq!(parent.durable_version()?, Version::ZERO);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RedbOptions {
    pub(super) cache_bytes: usize,
    pub(super) checked: bool,
    pub(super) quick_repair: bool,
}

impl RedbOptions {
    /// 64 MiB of cache; the file is checked when it is opened.
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::RedbOptions::new().open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Self {
        Self { cache_bytes: 64 << 20, checked: true, quick_repair: false }
    }

    /// Memory for pages of the file, in bytes; what is being written counts too, and may take half of it.
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::RedbOptions::new().cache_bytes(1 << 20).open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Does not check the file when it is opened after an orderly end. It is opened in no time then, however large it is; but
    /// redb looks at checksums in that check only: values that the disk has changed meanwhile would be read as they are.
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::RedbOptions::new().unchecked().open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    /// Writes with every commit what opening after a crash needs: that takes no time then, instead of reading the whole file.
    /// Commits take longer, the disk is waited for twice; and the file is not checked when it is opened, as for
    /// [`unchecked`](Self::unchecked).
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// engine::RedbOptions::new().quick_repair().open(place.path())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quick_repair(mut self) -> Self {
        self.quick_repair = true;
        self.unchecked()
    }

    /// Opens the parent in this directory; [`RedbParent::open`] says how.
    ///
    /// # Errors
    /// As for [`RedbParent::open`].
    ///
    /// ```
    /// # let place = tempfile::tempdir()?;
    /// let parent = engine::RedbOptions::new().open(place.path())?;
    /// # drop(parent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, path: impl AsRef<Path>) -> Result<RedbParent, ParentError> {
        RedbParent::open_with(path.as_ref(), self.clone())
    }
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self::new()
    }
}
