//! A parent that is a folder of fjall: a log-structured merge tree.
//!
//! *Role.* [`FjallParent`] is the [`Parent`] whose commits are cheap wherever their keys lie: each is one piece at the end of
//! a journal. Threads in the background write sorted files out of it and merge these; reads look into several of them.
//!
//! *Invariants.* A batch and its version are one batch of fjall, with one checksum in the journal, and in one key space
//! (`keys.rs` says why). A commit returns after fdatasync of the journal (`tree.rs` says why that is enough). Two writes to
//! one key never get into one batch of fjall, which would not know their order.
//!
//! *Checked by* `tests/parents.rs`.

mod errors;
mod keys;
mod options;
mod snapshot;
mod tree;

pub use options::FjallOptions;

use super::directory::{Adapter, Directory};
use super::opened::{Live, Opened, contained};
use super::{Parent, ParentBatch, ParentError, ParentSnapshot};
use crate::MAX_VALUE_LEN;
use snapshot::FjallSnapshot;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use tree::FjallTree;

/// A [`Parent`] that is kept by fjall, in a folder of files in a directory of its own.
///
/// Its keys have at most 65,534 bytes. Two threads work in the background; a commit waits for them when they are far behind.
///
/// *Durable*: `commit` returns when the disk has been told to keep the batch, and has said that it does. *After a crash* the
/// next opening reads the journal, 64 MiB and for moments more. *Damage* is noticed by checksums: of the journal when it is
/// opened, of the rest when it is read. A journal whose last batch is not whole is taken as one whose machine stopped while
/// it was written, and that batch as never made: where the end of the file was lost afterwards, an earlier version is opened, and
/// nothing says so. *After an error of the disk*, in the background too, it is opened anew by the next commit,
/// if no snapshot is held; snapshots go on reading. A panic inside fjall becomes
/// [`ParentErrorKind::Damaged`](crate::ParentErrorKind::Damaged), in programs that are built to unwind.
///
/// While a snapshot is held, what is replaced stays in the files. A disk without room is often met in the background first: the
/// commit that comes then may fail with [`ParentErrorKind::Io`](crate::ParentErrorKind::Io) as well as with
/// [`ParentErrorKind::Full`](crate::ParentErrorKind::Full).
///
/// ```
/// use engine::{FjallParent, Parent, ParentBatch, Version};
/// # let place = tempfile::tempdir()?;
/// # let path = place.path().join("ledger");
/// let parent = FjallParent::open(&path)?;
/// let mut batch = ParentBatch::new(Version::from(1));
/// batch.put(b"k", b"v");
/// parent.commit(&batch)?; // on the disk
/// drop(parent);
///
/// let parent = FjallParent::open(&path)?;
/// assert_eq!(parent.durable_version()?, Version::from(1));
/// assert_eq!(parent.snapshot()?.get(b"k")?.unwrap(), b"v");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FjallParent {
    tree: Opened<FjallTree>,
}

impl FjallParent {
    /// Opens the parent in this directory. One that is empty or not there is made, with those above it.
    ///
    /// # Errors
    /// [`Foreign`](crate::ParentErrorKind::Foreign): it holds something else; [`NewerFormat`](crate::ParentErrorKind::NewerFormat);
    /// nothing in it was changed. [`InUse`](crate::ParentErrorKind::InUse): it is open already, here or in another process.
    /// [`Damaged`](crate::ParentErrorKind::Damaged). Those of the disk.
    ///
    /// ```
    /// use engine::{FjallParent, ParentErrorKind};
    /// # let place = tempfile::tempdir()?;
    /// # let path = place.path().join("ledger");
    /// let parent = FjallParent::open(&path)?;
    /// let error = FjallParent::open(&path).unwrap_err();
    /// assert_eq!(error.kind(), ParentErrorKind::InUse);
    /// # drop(parent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ParentError> {
        FjallOptions::new().open(path)
    }

    fn open_with(path: &Path, options: FjallOptions) -> Result<Self, ParentError> {
        let mut directory = Directory::claim(path, Adapter::Fjall)?;
        if directory.is_new() {
            contained("make a parent", path, || FjallTree::create(&directory, &options))?;
            directory.ready()?;
        }
        let directory = Arc::new(directory);
        let path = directory.path().to_path_buf();
        let tree = Opened::new(&path, move || FjallTree::open(&directory, &options))?;
        Ok(Self { tree })
    }

    /// One that can write, as far as is known.
    fn writable(&self) -> Result<Arc<Live<FjallTree>>, ParentError> {
        let tree = self.tree.live("write")?;
        if !tree.engine().is_poisoned() {
            return Ok(tree);
        }
        tree.fail();
        drop(tree);
        self.tree.live("write")
    }
}

impl Parent for FjallParent {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        Ok(Box::new(FjallSnapshot::new(self.tree.live("read")?)?))
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        let tree = self.writable()?;
        let checked = batch.check_lengths(self.max_key_len(), self.max_value_len());
        checked.map_err(|error| error.at(tree.path()))?;
        let written = contained("write", tree.path(), || tree.engine().write(batch));
        if written.is_err() {
            tree.fail();
        }
        written
    }

    fn max_key_len(&self) -> usize {
        keys::MAX_LEN
    }

    fn max_value_len(&self) -> usize {
        MAX_VALUE_LEN
    }

    fn path(&self) -> Option<&Path> {
        Some(self.tree.path())
    }

    fn close(&self) -> Result<(), ParentError> {
        self.tree.close()
    }
}

impl fmt::Debug for FjallParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallParent")
            .field("path", &self.tree.path())
            .field("closed", &self.tree.is_closed())
            .finish_non_exhaustive()
    }
}
