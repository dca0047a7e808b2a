//! Writes that are to become one commit.

use crate::error::{Error, MAX_KEY_LEN, MAX_VALUE_LEN};
use std::ops::Range;

/// A list of writes that [`Map::commit`](crate::Map::commit) applies as one atomic step.
///
/// Writes are kept in the order given; of two writes to one key the later one counts. A batch can be committed again,
/// or cleared and filled again without giving its memory back. Its content is checked when it is committed.
///
/// ```
/// use epoch_store::{Map, WriteBatch};
/// let map = Map::new();
/// let mut batch = WriteBatch::new();
/// batch.put(b"alice", b"7").put(b"bob", b"3").delete(b"carol");
/// map.commit(&batch)?;
/// assert_eq!(map.snapshot().get(b"bob").unwrap(), b"3");
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    bytes: Vec<u8>,
    ops: Vec<Op>,
}

/// Where an operation's bytes lie.
#[derive(Debug, Clone)]
struct Op {
    key: Range<usize>,
    /// `None`: delete.
    value: Option<Range<usize>>,
}

/// One write, as the store takes it.
#[derive(Debug, Clone, Copy)]
pub struct WriteOp<'a> {
    /// Where.
    pub key: &'a [u8],
    /// What; `None`: delete.
    pub value: Option<&'a [u8]>,
}

impl WriteOp<'_> {
    /// Whether key and value have lengths that can be stored.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (key, value) = (self.key.len(), self.value.map_or(0, <[u8]>::len));
        if key == 0 {
            return Err(Error::EmptyKey);
        }
        if key > MAX_KEY_LEN {
            return Err(Error::KeyTooLong { len: key, max: MAX_KEY_LEN });
        }
        if value > MAX_VALUE_LEN {
            return Err(Error::ValueTooLong { len: value, max: MAX_VALUE_LEN });
        }
        Ok(())
    }
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for `ops` writes of `bytes` bytes together, keys and values. A hint: room that cannot be
    /// had is not reserved.
    pub fn with_capacity(ops: usize, bytes: usize) -> Self {
        let mut batch = Self::new();
        let _ = batch.ops.try_reserve(ops);
        let _ = batch.bytes.try_reserve(bytes);
        batch
    }

    /// Adds a write of `value` under `key`. Copies both.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        let key = self.store(key.as_ref());
        let value = Some(self.store(value.as_ref()));
        self.ops.push(Op { key, value });
        self
    }

    /// Adds a delete of `key`. Deleting a key that is not there is allowed, and leaves a tombstone too.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        let key = self.store(key.as_ref());
        self.ops.push(Op { key, value: None });
        self
    }

    /// Number of writes added.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Forgets all writes, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ops.clear();
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    pub(crate) fn ops(&self) -> impl ExactSizeIterator<Item = WriteOp<'_>> + Clone {
        self.ops.iter().map(|op| WriteOp {
            key: &self.bytes[op.key.clone()],
            value: op.value.clone().map(|value| &self.bytes[value]),
        })
    }
}
