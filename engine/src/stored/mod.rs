//! What a parent has kept, read where it lies.
//!
//! *Role.* A store reads everything into memory before its first answer. Tools that look for one key, or copy everything once,
//! need not: [`Stored`] reads the parent itself, and writes nothing to it.
//!
//! *Checked by* `tests/stored.rs`.

mod space;
mod verify;

pub use space::{StoredRange, StoredSpace};
pub use verify::Verified;

use crate::backup::StreamWriter;
use crate::parent::{Parent, ParentSnapshot, layout};
use crate::shared::{METADATA, OWN_SPACES, is_reserved};
use crate::{BackupProgress, Error, Exported, Version};
use std::fmt;
use std::io::Write;

/// What a [`Parent`] has kept of a store, at one version: to be read without opening a store on it.
///
/// *Guarantee.* What a store would show that was opened on the parent when this was; nothing is written. *Cost.* Opening reads the
/// names of the key spaces; each read goes to the parent, and may wait for its disk. Keys and values are copies.
///
/// ```
/// use engine::{MemoryParent, Store, Stored};
/// let parent = MemoryParent::new();
/// let store = Store::builder().parent(parent.reopened()).open()?;
/// store.put("k", "v")?;
/// store.close()?;
/// let stored = Stored::open(&parent)?;
/// assert_eq!(stored.default_space().get("k")?.unwrap(), b"v");
/// # Ok::<(), engine::Error>(())
/// ```
pub struct Stored {
    snapshot: Box<dyn ParentSnapshot>,
    /// By their numbers, from 1 on; the engine's own is the first.
    names: Vec<String>,
}

impl Stored {
    /// What is there now. A parent that was never used has nothing, at [`Version::ZERO`].
    ///
    /// # Errors
    /// [`Error::Parent`]: what keeps the parent from reading, or what lies there from being a store.
    ///
    /// ```
    /// use engine::{MemoryParent, Stored, Version};
    /// assert_eq!(Stored::open(&MemoryParent::new())?.version(), Version::ZERO);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn open(parent: &dyn Parent) -> Result<Self, Error> {
        let snapshot = parent.snapshot()?;
        let names =
            if layout::is_in_use(&*snapshot)? { layout::spaces(&*snapshot)? } else { Vec::new() };
        if snapshot.version().get() > epoch_store::MAX_FIRST_VERSION {
            return Err(verify::damaged("open a store", "no store has come to its version"));
        }
        if names.iter().zip(OWN_SPACES).any(|(name, own)| name != own) {
            return Err(verify::damaged("open a store", "the key spaces are not those of a store"));
        }
        Ok(Self { snapshot, names })
    }

    /// The version that it shows.
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// let version = store.put("k", "v")?;
    /// store.close()?;
    /// assert_eq!(Stored::open(&parent)?.version(), version);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.snapshot.version()
    }

    /// As [`Snapshot::metadata`](crate::Snapshot::metadata).
    ///
    /// # Errors
    /// [`Error::Parent`].
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored, WriteBatch};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// store.commit_tagged(&WriteBatch::new(), "block 7")?;
    /// store.close()?;
    /// assert_eq!(Stored::open(&parent)?.metadata()?.unwrap(), b"block 7");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn metadata(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.names.first() {
            Some(_) => StoredSpace::new(self, 1, None).get(METADATA),
            None => Ok(None),
        }
    }

    /// The space without a name.
    ///
    /// ```
    /// # use engine::{MemoryParent, Stored};
    /// assert_eq!(Stored::open(&MemoryParent::new())?.default_space().get("k")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn default_space(&self) -> StoredSpace<'_> {
        StoredSpace::new(self, 0, None)
    }

    /// The key spaces with names that have had an entry, in the order in which they were created.
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// store.key_space("accounts")?.put("alice", "10")?;
    /// store.close()?;
    /// let stored = Stored::open(&parent)?;
    /// let names: Vec<_> = stored.key_spaces().map(|space| space.name()).collect();
    /// assert_eq!(names, [Some("accounts")]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn key_spaces(&self) -> impl Iterator<Item = StoredSpace<'_>> {
        let numbered = self.names.iter().zip(1..);
        let users = numbered.filter(|(name, _)| !is_reserved(name));
        users.map(|(name, number)| StoredSpace::new(self, number, Some(name)))
    }

    /// The key space with this name, if there is one.
    ///
    /// ```
    /// # use engine::{MemoryParent, Stored};
    /// assert!(Stored::open(&MemoryParent::new())?.find_key_space("accounts").is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn find_key_space(&self, name: impl AsRef<str>) -> Option<StoredSpace<'_>> {
        self.key_spaces().find(|space| space.name() == Some(name.as_ref()))
    }

    /// Writes a backup, as [`Snapshot::export`](crate::Snapshot::export) does: of the same version, the same bytes.
    ///
    /// # Errors
    /// [`Error::BackupIo`], what the writer says; [`Error::Parent`].
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// store.put("k", "v")?;
    /// let exported = store.snapshot().export(std::io::sink(), |_| ())?;
    /// store.close()?;
    /// assert_eq!(Stored::open(&parent)?.export(std::io::sink(), |_| ())?, exported);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn export(
        &self,
        writer: impl Write,
        watch: impl FnMut(&BackupProgress<'_>),
    ) -> Result<Exported, Error> {
        let metadata = self.metadata()?;
        let mut stream = StreamWriter::begin(writer, watch, self.version(), metadata.as_deref())?;
        for space in std::iter::once(self.default_space()).chain(self.key_spaces()) {
            stream.space(space.name(), space.range(..))?;
        }
        stream.end()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("version", &self.version()).finish_non_exhaustive()
    }
}
