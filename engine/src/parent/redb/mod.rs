//! A parent that is one file of redb: a B-tree that is copied where it is written.
//!
//! *Role.* [`RedbParent`] is the [`Parent`] whose readers are fast and whose opening is simple: one file, nothing in the
//! background. A commit writes every page on the way to a key that it changes, so scattered small writes cost most here.
//!
//! *Invariants.* A batch and its version are written in one transaction with `Durability::Immediate`, which returns after the
//! disk was told to keep it. A snapshot is a read transaction; it holds the database too, since redb fails the readers of
//! one that was closed.
//!
//! *Checked by* `tests/parents.rs`.

mod errors;
mod file;
mod options;
mod snapshot;

pub use options::RedbOptions;

use super::directory::{Adapter, Directory};
use super::opened::{Opened, contained};
use super::{Parent, ParentBatch, ParentError, ParentSnapshot};
use crate::{MAX_KEY_LEN, MAX_VALUE_LEN};
use file::RedbFile;
use snapshot::RedbSnapshot;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Longer than any key of the engine: what it puts before them is a few bytes.
const KEY_ROOM: usize = MAX_KEY_LEN + 16;

/// A [`Parent`] that is kept by redb, in one file in a directory of its own.
///
/// *Durable*: `commit` returns when the disk has been told to keep the batch, and has said that it does. *After a crash* the
/// next opening reads the whole file, to find which pages are in use; [`RedbOptions::quick_repair`] moves that cost to the
/// commits. *Damage* is noticed when the file is opened: its checksums are compared then, unless
/// [`RedbOptions::unchecked`] says otherwise, and reads do not look at them. *After an error of the disk* the file is opened
/// anew by the first call that comes, if no snapshot is held. A panic inside redb becomes
/// [`ParentErrorKind::Damaged`](crate::ParentErrorKind::Damaged), in programs that are built to unwind.
///
/// While a snapshot is held, what is replaced stays in the file, which grows; it is used again afterwards.
///
/// ```
/// use engine::{Parent, ParentBatch, RedbParent, Version};
/// # let place = tempfile::tempdir()?;
/// # let path = place.path().join("ledger");
/// let parent = RedbParent::open(&path)?;
/// let mut batch = ParentBatch::new(Version::from(1));
/// batch.put(b"k", b"v");
/// parent.commit(&batch)?; // on the disk
/// drop(parent);
///
/// let parent = RedbParent::open(&path)?;
/// assert_eq!(parent.durable_version()?, Version::from(1));
/// assert_eq!(parent.snapshot()?.get(b"k")?.unwrap(), b"v");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedbParent {
    file: Opened<RedbFile>,
}

impl RedbParent {
    /// Opens the parent in this directory. One that is empty or not there is made, with those above it.
    ///
    /// # Errors
    /// [`Foreign`](crate::ParentErrorKind::Foreign): it holds something else; [`NewerFormat`](crate::ParentErrorKind::NewerFormat);
    /// nothing in it was changed. [`InUse`](crate::ParentErrorKind::InUse): it is open already, here or in another process.
    /// [`Damaged`](crate::ParentErrorKind::Damaged). Those of the disk.
    ///
    /// ```
    /// use engine::{ParentErrorKind, RedbParent};
    /// # let place = tempfile::tempdir()?;
    /// # let path = place.path().join("ledger");
    /// let parent = RedbParent::open(&path)?;
    /// let error = RedbParent::open(&path).unwrap_err();
    /// assert_eq!(error.kind(), ParentErrorKind::InUse);
    /// # drop(parent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ParentError> {
        RedbOptions::new().open(path)
    }

    fn open_with(path: &Path, options: RedbOptions) -> Result<Self, ParentError> {
        let mut directory = Directory::claim(path, Adapter::Redb)?;
        if directory.is_new() {
            contained("make a parent", path, || RedbFile::create(&directory, &options))?;
            directory.ready()?;
        }
        let directory = Arc::new(directory);
        let path = directory.path().to_path_buf();
        let file = Opened::new(&path, move || RedbFile::open(&directory, &options))?;
        Ok(Self { file })
    }
}

impl Parent for RedbParent {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        Ok(Box::new(RedbSnapshot::new(self.file.live("read")?)?))
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        let file = self.file.live("write")?;
        let checked = batch.check_lengths(self.max_key_len(), self.max_value_len());
        checked.map_err(|error| error.at(file.path()))?;
        let written = contained("write", file.path(), || file.engine().write(batch));
        if written.is_err() {
            file.fail();
        }
        written
    }

    fn max_key_len(&self) -> usize {
        KEY_ROOM
    }

    fn max_value_len(&self) -> usize {
        MAX_VALUE_LEN
    }

    fn path(&self) -> Option<&Path> {
        Some(self.file.path())
    }

    fn close(&self) -> Result<(), ParentError> {
        self.file.close()
    }
}

impl fmt::Debug for RedbParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbParent")
            .field("path", &self.file.path())
            .field("closed", &self.file.is_closed())
            .finish_non_exhaustive()
    }
}
