//! Writes that are to become one commit.

use crate::KeyRange;

/// A list of writes that [`Store::commit`](crate::Store::commit) applies as one atomic step.
///
/// Writes are kept in the order given; of two writes to one key (of one key space) the later one counts, and so does the
/// later of a write and a [`delete_range`](WriteBatch::delete_range) that covers its key. A batch can be committed again,
/// or cleared and filled again without giving its memory back. Its content is checked when it is committed.
///
/// *Cost.* Each write is copied into the batch: two or three amortized steps and no allocation of its own.
///
/// ```
/// use engine::{Store, WriteBatch};
/// let store = Store::in_memory();
/// let mut batch = WriteBatch::new();
/// batch.put("alice", "7").put("bob", "3").delete("carol");
/// store.commit(&batch)?;
/// assert_eq!(store.snapshot().get("bob")?.unwrap(), "3");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    writes: epoch_store::WriteBatch,
}

impl WriteBatch {
    /// An empty batch.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// assert!(WriteBatch::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for `writes` writes of `bytes` bytes together, keys and values. A hint: room that cannot
    /// be had is not reserved.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// let batch = WriteBatch::with_capacity(1_000, 32_000);
    /// assert!(batch.is_empty()); // room, and no writes
    /// ```
    pub fn with_capacity(writes: usize, bytes: usize) -> Self {
        Self { writes: epoch_store::WriteBatch::with_capacity(writes, bytes) }
    }

    /// Adds a write of `value` under `key`. Copies both. An empty value is a value.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// let store = engine::Store::in_memory();
    /// let mut batch = WriteBatch::new();
    /// batch.put("k", "1").put("k", "2");
    /// store.commit(&batch)?;
    /// assert_eq!(store.snapshot().get("k")?.unwrap(), "2");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        self.writes.put(key, value);
        self
    }

    /// Adds a delete of `key`, which is allowed not to be there.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// store.commit(WriteBatch::new().delete("k").delete("absent"))?;
    /// assert!(store.snapshot().is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.writes.delete(key);
        self
    }

    /// Adds a delete of every key in `range` that has a value when the batch is committed, whoever put it there before,
    /// but for keys that the batch writes later. Copies the bounds. An empty range deletes nothing.
    ///
    /// Counts as one write of the batch; what its commit costs: [`Store::delete_range`](crate::Store::delete_range).
    ///
    /// ```
    /// use engine::{Store, WriteBatch};
    /// let store = Store::in_memory();
    /// store.put("a1", "old")?;
    /// store.put("a2", "old")?;
    /// let mut batch = WriteBatch::new();
    /// batch.delete_range("a".."b").put("a2", "new");
    /// store.commit(&batch)?;
    /// let snapshot = store.snapshot();
    /// assert_eq!(snapshot.get("a1")?, None);
    /// assert_eq!(snapshot.get("a2")?.unwrap(), "new");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&mut self, range: impl KeyRange) -> &mut Self {
        self.writes.delete_range(range);
        self
    }

    /// Number of writes added, ranges among them.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// assert_eq!(WriteBatch::new().put("k", "1").put("k", "2").delete_range(..).len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// let mut batch = WriteBatch::new();
    /// assert!(batch.is_empty());
    /// assert!(!batch.delete("k").is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Forgets all writes, keeps the memory.
    ///
    /// ```
    /// use engine::WriteBatch;
    /// let store = engine::Store::in_memory();
    /// let mut batch = WriteBatch::new();
    /// for round in 0..3_u8 {
    ///     batch.clear(); // a commit leaves the batch as it is
    ///     batch.put([round], "");
    ///     store.commit(&batch)?;
    /// }
    /// assert_eq!(batch.len(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn clear(&mut self) {
        self.writes.clear();
    }

    /// The batch as the map takes it.
    pub(crate) fn of_map(&self) -> &epoch_store::WriteBatch {
        &self.writes
    }

    /// As [`WriteBatch::of_map`].
    pub(crate) fn of_map_mut(&mut self) -> &mut epoch_store::WriteBatch {
        &mut self.writes
    }
}
