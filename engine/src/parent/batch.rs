//! What is written to a parent in one step.

use super::{ParentError, ParentErrorKind};
use crate::Version;

/// Writes to a [`Parent`](crate::Parent), and the version that they bring it to.
///
/// Keys lie one behind the other in one buffer. Of two writes to one key the later one counts; what the engine itself writes
/// comes in key order, without any key twice.
///
/// ```
/// use engine::{ParentBatch, Version};
/// let mut batch = ParentBatch::new(Version::from(1));
/// batch.put(b"a", b"1");
/// batch.delete(b"b");
/// let writes: Vec<_> = batch.writes().collect();
/// assert_eq!(writes, [(&b"a"[..], Some(&b"1"[..])), (b"b", None)]);
/// ```
#[derive(Debug, Clone)]
pub struct ParentBatch {
    version: Version,
    bytes: Vec<u8>,
    writes: Vec<Write>,
}

/// Where a key begins in `bytes`, with its value behind it, and how long they are: a batch has many.
#[derive(Debug, Clone, Copy)]
struct Write {
    start: usize,
    key_len: usize,
    value_len: Option<usize>,
}

impl ParentBatch {
    /// No writes yet.
    ///
    /// ```
    /// # use engine::{ParentBatch, Version};
    /// assert_eq!(ParentBatch::new(Version::from(1)).writes().len(), 0);
    /// ```
    pub fn new(version: Version) -> Self {
        Self { version, bytes: Vec::new(), writes: Vec::new() }
    }

    /// The same writes, that bring the parent to another version.
    pub(crate) fn at(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// No writes yet, and room for so many, with so many bytes in their keys and values.
    pub(crate) fn with_capacity(version: Version, writes: usize, bytes: usize) -> Self {
        Self { version, bytes: Vec::with_capacity(bytes), writes: Vec::with_capacity(writes) }
    }

    /// The version of the parent once it is made.
    ///
    /// ```
    /// # use engine::{ParentBatch, Version};
    /// assert_eq!(ParentBatch::new(Version::from(4)).version(), Version::from(4));
    /// ```
    pub fn version(&self) -> Version {
        self.version
    }

    /// Stores `value` under `key`.
    ///
    /// ```
    /// # use engine::{ParentBatch, Version};
    /// let mut batch = ParentBatch::new(Version::from(1));
    /// batch.put(b"k", b"v");
    /// assert_eq!(batch.writes().next(), Some((&b"k"[..], Some(&b"v"[..]))));
    /// ```
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.store(key, Some(value));
    }

    /// Deletes `key`, if it is there.
    ///
    /// ```
    /// # use engine::{ParentBatch, Version};
    /// let mut batch = ParentBatch::new(Version::from(1));
    /// batch.delete(b"k");
    /// assert_eq!(batch.writes().next(), Some((&b"k"[..], None)));
    /// ```
    pub fn delete(&mut self, key: &[u8]) {
        self.store(key, None);
    }

    /// The writes in the order in which they were added: a key, and the value that it gets; `None`: it is deleted.
    ///
    /// ```
    /// # use engine::{ParentBatch, Version};
    /// let mut batch = ParentBatch::new(Version::from(1));
    /// batch.put(b"b", b"1");
    /// batch.delete(b"a");
    /// assert!(batch.writes().map(|(key, _)| key).eq([b"b", b"a"]));
    /// ```
    pub fn writes(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|write| {
            let (key, rest) = self.bytes[write.start..].split_at(write.key_len);
            (key, write.value_len.map(|len| &rest[..len]))
        })
    }

    /// Bytes of keys and values.
    ///
    /// ```
    /// # use engine::{ParentBatch, Version};
    /// let mut batch = ParentBatch::new(Version::from(1));
    /// batch.put(b"key", b"value");
    /// assert_eq!(batch.bytes(), 8);
    /// ```
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Refuses the batch if a key or a value is longer than that: before anything of it is written.
    pub(super) fn check_lengths(
        &self,
        key_len: usize,
        value_len: usize,
    ) -> Result<(), ParentError> {
        for (key, value) in self.writes() {
            let (key, value) = (key.len(), value.map_or(0, <[u8]>::len));
            if key > key_len || value > value_len {
                let lengths = format!("{key} and {value} bytes, of {key_len} and {value_len}");
                return Err(ParentError::new(ParentErrorKind::TooLong, "write").because(lengths));
            }
        }
        Ok(())
    }

    fn store(&mut self, key: &[u8], value: Option<&[u8]>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.writes.push(Write { start, key_len: key.len(), value_len: value.map(<[u8]>::len) });
    }
}
