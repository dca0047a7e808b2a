//! A parent in memory, which keeps the contract to the letter and nothing else.

use super::bounds::is_empty;
use super::{Parent, ParentBatch, ParentError, ParentErrorKind, ParentRange, ParentSnapshot};
use crate::{MAX_KEY_LEN, MAX_VALUE_LEN, Version};
use arc_swap::ArcSwap;
use epoch_store::atomics::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// Longer than any key of the engine: what it puts before them is a few bytes.
const KEY_ROOM: usize = MAX_KEY_LEN + 16;

/// A [`Parent`] in memory: for tests, and as a measure of others. It outlives a store, but not the process.
///
/// [`reopened`](MemoryParent::reopened) is what a second opening of a file is elsewhere. Each commit copies the map: it is simple, not fast.
///
/// ```
/// use engine::{MemoryParent, Parent, ParentBatch, Version};
/// let parent = MemoryParent::new();
/// parent.commit(&ParentBatch::new(Version::from(3)))?;
/// parent.close()?;
/// assert!(parent.snapshot().is_err());
/// assert_eq!(parent.reopened().durable_version()?, Version::from(3));
/// # Ok::<(), engine::ParentError>(())
/// ```
#[derive(Default)]
pub struct MemoryParent {
    kept: Arc<ArcSwap<Kept>>,
    /// Set once; whoever was told that it is set reads it as set. Relaxed: nothing depends on it.
    closed: AtomicBool,
}

#[derive(Clone, Default)]
struct Kept {
    version: Version,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryParent {
    /// An empty one.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, Version};
    /// assert_eq!(MemoryParent::new().durable_version()?, Version::ZERO);
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Another handle to what this one keeps; open, whether this one is or not.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// let parent = MemoryParent::new();
    /// let other = parent.reopened();
    /// parent.commit(&ParentBatch::new(Version::from(1)))?;
    /// assert_eq!(other.durable_version()?, Version::from(1));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    #[must_use]
    pub fn reopened(&self) -> Self {
        Self { kept: self.kept.clone(), closed: AtomicBool::new(false) }
    }

    fn check_open(&self, action: &'static str) -> Result<(), ParentError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(ParentError::new(ParentErrorKind::Closed, action));
        }
        Ok(())
    }
}

impl Parent for MemoryParent {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.check_open("read")?;
        Ok(Box::new(self.kept.load_full()))
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        self.check_open("write")?;
        batch.check_lengths(self.max_key_len(), self.max_value_len())?;
        let mut kept = Kept::clone(&self.kept.load());
        kept.version = batch.version();
        for (key, value) in batch.writes() {
            match value {
                Some(value) => kept.entries.insert(key.into(), value.into()),
                None => kept.entries.remove(key),
            };
        }
        // One thread commits: nobody has stored another meanwhile.
        self.kept.store(Arc::new(kept));
        Ok(())
    }

    fn max_key_len(&self) -> usize {
        KEY_ROOM
    }

    fn max_value_len(&self) -> usize {
        MAX_VALUE_LEN
    }

    fn path(&self) -> Option<&Path> {
        None
    }

    fn close(&self) -> Result<(), ParentError> {
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl ParentSnapshot for Arc<Kept> {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ParentError> {
        Ok(self.entries.get(key).cloned())
    }

    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Box<ParentRange<'_>> {
        if is_empty(from, to) {
            return Box::new(std::iter::empty());
        }
        let entries = self.entries.range::<[u8], _>((from, to));
        Box::new(entries.map(|(key, value)| Ok((key.clone(), value.clone()))))
    }
}

impl fmt::Debug for MemoryParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.load();
        f.debug_struct("MemoryParent")
            .field("version", &kept.version)
            .field("entries", &kept.entries.len())
            .finish_non_exhaustive()
    }
}
