//! A few bytes that say what a commit was: a height, an offset, the name of a job.
//!
//! They are one key of the hidden space, written by the commit that they belong to: so they are seen exactly when the commit
//! is, and an old snapshot shows those of its time.

use super::Store;
use crate::durable::Writes;
use crate::shared::{METADATA, Shared, Terms};
use crate::{Error, MAX_METADATA_LEN, Snapshot, Value, Version, WriteBatch};

impl Store {
    /// Applies all writes of `batch` as one commit, as [`Store::commit`] does, with some bytes about it that
    /// [`Snapshot::metadata`] shows from then on, until another commit has some. An empty batch is a commit too, of the
    /// metadata alone.
    ///
    /// *Guarantee.* Whoever sees the commit sees its metadata, and the other way round. *Cost.* That of a commit, of one write
    /// more, and of a copy of the batch. Every tagged commit writes the same key: keep that in mind where old versions are kept.
    ///
    /// # Errors
    /// [`Error::MetadataTooLong`], if there are more than [`MAX_METADATA_LEN`] bytes; those of [`Store::commit`].
    ///
    /// ```
    /// use engine::{Store, WriteBatch};
    /// let store = Store::in_memory();
    /// let mut batch = WriteBatch::new();
    /// batch.put("alice", "10");
    /// store.commit_tagged(&batch, "block 7")?;
    /// store.put("alice", "11")?;
    /// assert_eq!(store.snapshot().metadata()?.unwrap(), "block 7");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn commit_tagged(
        &self,
        batch: &WriteBatch,
        metadata: impl AsRef<[u8]>,
    ) -> Result<Version, Error> {
        self.shared().commit_tagged(batch.of_map().clone(), metadata.as_ref())
    }
}

impl Shared {
    /// Commits a batch with the metadata of the commit.
    ///
    /// # Errors
    /// As for [`Store::commit_tagged`].
    pub fn commit_tagged(
        &self,
        mut batch: epoch_store::WriteBatch,
        metadata: &[u8],
    ) -> Result<Version, Error> {
        let (len, max) = (metadata.len(), MAX_METADATA_LEN);
        if len > max {
            return Err(Error::MetadataTooLong { len, max });
        }
        batch.put_in(self.hidden(), METADATA, metadata);
        let terms = Terms { added: 1, ..Terms::default() };
        self.commit_on(terms, Writes::Batch(&batch), |map| map.commit(&batch))
    }
}

// Here, and not with the other reads of a snapshot: how they lie is said once.
impl Snapshot {
    /// The bytes that the newest commit that had any was [tagged](Store::commit_tagged) with, at the version of this snapshot.
    /// `None`: no commit was. Wait-free; a look-up.
    ///
    /// ```
    /// # use engine::{Store, WriteBatch};
    /// let store = Store::in_memory();
    /// let before = store.snapshot();
    /// store.commit_tagged(&WriteBatch::new(), "started")?;
    /// assert_eq!(before.metadata()?, None);
    /// assert_eq!(store.snapshot().metadata()?.unwrap(), "started");
    /// # Ok::<(), engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// None as yet; see [`Snapshot::get`].
    pub fn metadata(&self) -> Result<Option<Value<'_>>, Error> {
        let hidden = self.of_map().space(self.shared().hidden())?;
        Ok(hidden.get(METADATA).map(Value::of_map))
    }
}
