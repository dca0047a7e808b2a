//! What is written to a parent in one step.

use super::{ParentError, ParentErrorKind};
use crate::Version;
use std::ops::Range;

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

/// Places in `bytes`.
#[derive(Debug, Clone)]
struct Write {
    key: Range<usize>,
    value: Option<Range<usize>>,
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

    /// No writes yet, and room for so many bytes of keys and values.
    pub(crate) fn with_capacity(version: Version, bytes: usize) -> Self {
        Self { version, bytes: Vec::with_capacity(bytes), writes: Vec::new() }
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
        let (key, value) = (self.store(key), self.store(value));
        self.writes.push(Write { key, value: Some(value) });
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
        let key = self.store(key);
        self.writes.push(Write { key, value: None });
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
            let value = write.value.clone().map(|value| &self.bytes[value]);
            (&self.bytes[write.key.clone()], value)
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

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}
