//! What lies below a store and outlives the process: an embedded engine that exists.
//!
//! *Role.* [`Parent`] is what a store asks of such an engine; [`MemoryParent`] keeps it to the letter in memory, for tests
//! and for whoever writes another; behind features there are `RedbParent` and `FjallParent`. A parent knows nothing of key
//! spaces, of records or of snapshots of the store: it is one ordered map of byte keys with one number, its version, and
//! all that is written comes in batches that change both in one step.
//!
//! ```text
//!   Store ── commits ──► Journal ──► Persister ── ParentBatch{ version, writes } ──► Parent ──► a disk
//!     ▲                                                                                │
//!     └───────────────────── what was there, when the store is opened ◄── ParentSnapshot
//! ```
//! *Checked by* `tests/parents.rs`, one suite for all of them.

mod batch;
mod bounds;
#[cfg(any(feature = "redb", feature = "fjall"))]
mod directory;
mod error;
#[cfg(feature = "fault-injection")]
mod faulty;
#[cfg(feature = "fjall")]
mod fjall;
pub(crate) mod layout;
mod memory;
#[cfg(any(feature = "redb", feature = "fjall"))]
mod opened;
#[cfg(feature = "redb")]
mod redb;

pub use batch::ParentBatch;
pub use error::{ParentError, ParentErrorKind};
#[cfg(feature = "fault-injection")]
pub use faulty::{Fault, Faults, FaultyParent};
#[cfg(feature = "fjall")]
pub use fjall::{FjallOptions, FjallParent};
pub use memory::MemoryParent;
#[cfg(feature = "redb")]
pub use redb::{RedbOptions, RedbParent};

use crate::Version;
use std::ops::Bound;
use std::path::Path;

/// An embedded engine that keeps what a store has committed.
///
/// One thread of the store writes; snapshots are opened and read by any. The store calls
/// [`commit`](Parent::commit) with versions that rise; only the parts of an [import](crate::Builder::import) are all at
/// [`Version::ZERO`], up to the last.
///
/// *To be kept by every implementation*, and checked by one suite, `engine/tests/parents.rs`: a batch is there whole or not
/// at all, also after the process was killed in the middle of it; what `commit` has returned from stays, also if the machine
/// loses power; a snapshot shows one version for as long as it is held, whatever is committed meanwhile.
///
/// ```
/// use engine::{MemoryParent, Parent, ParentBatch, Version};
/// let parent = MemoryParent::new();
/// let mut batch = ParentBatch::new(Version::from(7));
/// batch.put(b"k", b"v");
/// parent.commit(&batch)?;
/// let snapshot = parent.snapshot()?;
/// assert_eq!(snapshot.version(), Version::from(7));
/// assert_eq!(snapshot.get(b"k")?.unwrap(), b"v");
/// # Ok::<(), engine::ParentError>(())
/// ```
pub trait Parent: Send + Sync + 'static {
    /// What is there now, to read. May wait for a moment; takes time that does not depend on how much is there.
    ///
    /// # Errors
    /// Whatever keeps the engine from reading.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// let parent = MemoryParent::new();
    /// # let mut batch = ParentBatch::new(Version::from(1));
    /// # batch.put(b"a", b"1");
    /// # batch.put(b"b", b"2");
    /// # parent.commit(&batch)?;
    /// let snapshot = parent.snapshot()?;
    /// parent.commit(&ParentBatch::new(Version::from(2)))?;
    /// assert_eq!(snapshot.version(), Version::from(1));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError>;

    /// Makes all writes of `batch`, and its version the parent's, in one step. When this returns it is durable.
    ///
    /// Blocks until the disk has it. Making a batch again that was made, or was perhaps made, is allowed and changes nothing.
    ///
    /// # Errors
    /// Whatever keeps the engine from writing. What was there before still is; whether the batch is may be unknown,
    /// but it is not there in part.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// let parent = MemoryParent::new();
    /// let mut batch = ParentBatch::new(Version::from(1));
    /// batch.put(b"k", b"v");
    /// parent.commit(&batch)?;
    /// parent.commit(&batch)?; // as if once
    /// assert_eq!(parent.durable_version()?, Version::from(1));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError>;

    /// The version of the last batch that is durable; [`Version::ZERO`], if there was none.
    ///
    /// # Errors
    /// As for [`Parent::snapshot`].
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// let parent = MemoryParent::new();
    /// parent.commit(&ParentBatch::new(Version::from(9)))?;
    /// assert_eq!(parent.durable_version()?, Version::from(9));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn durable_version(&self) -> Result<Version, ParentError> {
        Ok(self.snapshot()?.version())
    }

    /// The longest key that can be written, in bytes.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, ParentErrorKind, Version};
    /// let parent = MemoryParent::new();
    /// let mut batch = ParentBatch::new(Version::from(1));
    /// batch.delete(&vec![0; parent.max_key_len() + 1]);
    /// assert_eq!(parent.commit(&batch).unwrap_err().kind(), ParentErrorKind::TooLong);
    /// ```
    fn max_key_len(&self) -> usize;

    /// The longest value that can be written, in bytes.
    ///
    /// ```
    /// # use engine::{MAX_VALUE_LEN, MemoryParent, Parent};
    /// assert!(MemoryParent::new().max_value_len() >= MAX_VALUE_LEN);
    /// ```
    fn max_value_len(&self) -> usize;

    /// Where it lies, for messages.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent};
    /// assert_eq!(MemoryParent::new().path(), None);
    /// ```
    fn path(&self) -> Option<&Path>;

    /// Gives up what is held, files and locks above all, as soon as the last snapshot is dropped. What was committed stays.
    /// Everything else that is asked of the parent from now on is refused with [`ParentErrorKind::Closed`]; closing twice is
    /// closing once.
    ///
    /// # Errors
    /// Whatever keeps the engine from an orderly end. Nothing that was committed is lost by it.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentErrorKind};
    /// let parent = MemoryParent::new();
    /// let snapshot = parent.snapshot()?;
    /// parent.close()?;
    /// assert_eq!(parent.snapshot().err().unwrap().kind(), ParentErrorKind::Closed);
    /// assert_eq!(snapshot.get(b"k")?, None); // goes on
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn close(&self) -> Result<(), ParentError>;
}

/// What a parent held at one version.
pub trait ParentSnapshot: Send + Sync {
    /// The version of the last batch that it shows.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// # let parent = MemoryParent::new();
    /// # let mut batch = ParentBatch::new(Version::from(1));
    /// # batch.put(b"a", b"1");
    /// # batch.put(b"b", b"2");
    /// # parent.commit(&batch)?;
    /// assert_eq!(parent.snapshot()?.version(), Version::from(1));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn version(&self) -> Version;

    /// The value of `key`.
    ///
    /// # Errors
    /// Whatever keeps the engine from reading.
    ///
    /// ```
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// # let parent = MemoryParent::new();
    /// # let mut batch = ParentBatch::new(Version::from(1));
    /// # batch.put(b"a", b"1");
    /// # batch.put(b"b", b"2");
    /// # parent.commit(&batch)?;
    /// let snapshot = parent.snapshot()?;
    /// assert_eq!(snapshot.get(b"a")?.unwrap(), b"1");
    /// assert_eq!(snapshot.get(b"c")?, None);
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ParentError>;

    /// The entries inside the bounds in key order, from either end. An inverted range is empty.
    ///
    /// ```
    /// # use std::ops::Bound::{Excluded, Unbounded};
    /// # use engine::{MemoryParent, Parent, ParentBatch, Version};
    /// # let parent = MemoryParent::new();
    /// # let mut batch = ParentBatch::new(Version::from(1));
    /// # batch.put(b"a", b"1");
    /// # batch.put(b"b", b"2");
    /// # parent.commit(&batch)?;
    /// let snapshot = parent.snapshot()?;
    /// let (key, value) = snapshot.range(Excluded(b"a"), Unbounded).next_back().unwrap()?;
    /// assert_eq!((&*key, &*value), (&b"b"[..], &b"2"[..]));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Box<ParentRange<'_>>;
}

/// Entries of a [`ParentSnapshot`], in key order, from either end. After an error there is nothing more.
pub type ParentRange<'a> =
    dyn DoubleEndedIterator<Item = Result<(Vec<u8>, Vec<u8>), ParentError>> + 'a;
