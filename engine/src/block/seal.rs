//! From final transactions to one commit of the store.

use super::Block;
use crate::{Error, Version};
use epoch_store::WriteBatch;
use epoch_store::block::{KeyRef, State};
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

impl Block {
    /// Commits what is not committed yet ([`commit_prefix`](Block::commit_prefix)), and brings the last value of each written
    /// key into the store: as one commit, seen whole or not at all. Where nothing has changed there is none, and the version
    /// is the newest of the store.
    ///
    /// The store does not ask whether others have written since the block was opened: what they wrote to its keys is
    /// overwritten. One block at a time is open to be sealed, and nobody else writes to its key space.
    ///
    /// Takes time proportional to the keys that were written, sorts them, and copies the values.
    ///
    /// # Errors
    /// Those of [`Block::commit_prefix`]; those of [`Store::commit`](crate::Store::commit). Nothing is committed to the store then.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let block = store.block(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("b", "2")?;
    /// view.put("a", "1")?;
    /// block.publish(view)?;
    /// let sealed = block.seal()?;
    /// assert_eq!(sealed.version(), store.version());
    /// let keys: Vec<_> = sealed.changed().iter().map(|(key, _)| key).collect();
    /// assert_eq!(keys, [b"a", b"b"]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seal(self) -> Result<Sealed, Error> {
        self.commit_prefix(self.end())?;
        let end = self.end();
        self.seal_prefix(end)
    }

    /// Seals the transactions before `end`, which are final and whose merges are values.
    pub(crate) fn seal_prefix(self, end: u32) -> Result<Sealed, Error> {
        let written = self.map.written().into_iter();
        let mut keys: Vec<_> = written.map(|key| (prefix(key.key()), key)).collect();
        keys.sort_unstable_by(|(first, a), (second, b)| {
            first.cmp(second).then_with(|| a.key().cmp(b.key()))
        });
        let mut sealed = Sealed::default();
        for (_, key) in keys {
            self.add_last(key, end, &mut sealed);
        }
        sealed.version = self.commit_to_store(&sealed)?;
        Ok(sealed)
    }

    /// What the last of the transactions has left at a key, if it changes anything.
    fn add_last(&self, key: KeyRef<'_>, end: u32, sealed: &mut Sealed) {
        let value = match key.visible(end).get() {
            State::Value(value) => Some(value),
            State::Deleted => None,
            State::Base => return,
            State::Merge { .. } | State::Estimate { .. } => {
                debug_assert!(false, "a run that is not final is sealed");
                return;
            }
        };
        if value != key.base() || self.options.keeps_unchanged {
            sealed.add(key.key(), value);
        }
    }

    fn commit_to_store(&self, sealed: &Sealed) -> Result<Version, Error> {
        let changed = sealed.changed();
        let mut batch = WriteBatch::with_capacity(changed.len(), sealed.bytes.len());
        for (key, value) in changed {
            match (self.map.space(), value) {
                (None, Some(value)) => batch.put(key, value),
                (None, None) => batch.delete(key),
                (Some(space), Some(value)) => batch.put_in(space, key, value),
                (Some(space), None) => batch.delete_in(space, key),
            };
        }
        self.shared.commit(batch.len(), |map| map.commit(&batch))
    }
}

/// The first bytes of a key, as a number that orders as they do: most comparisons need no more.
fn prefix(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let len = key.len().min(8);
    first[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(first)
}

/// A block that was committed: its version, and what it has changed.
///
/// ```
/// # let store = engine::Store::in_memory();
/// let sealed = store.block(0)?.seal()?;
/// assert_eq!(sealed.version(), store.version());
/// assert!(sealed.changed().is_empty());
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Sealed {
    version: Version,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where a key and its value lie.
#[derive(Debug, Clone)]
struct Entry {
    key: Range<usize>,
    value: Option<Range<usize>>,
}

impl Sealed {
    fn add(&mut self, key: &[u8], value: Option<&[u8]>) {
        let mut store = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            start..self.bytes.len()
        };
        let key = store(key);
        let value = value.map(store);
        self.entries.push(Entry { key, value });
    }

    /// The version that the block has become.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let sealed = store.block(0)?.seal()?;
    /// assert!(store.snapshot_at(sealed.version()).is_ok());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.version
    }

    /// The keys that the block has changed, in order, each with its last value.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("gone", "")?;
    /// let block = store.block(1)?;
    /// let mut view = block.view(0, 1);
    /// view.delete("gone")?;
    /// view.put("new", "v")?;
    /// block.publish(view)?;
    /// let sealed = block.seal()?;
    /// let changed: Vec<_> = sealed.changed().iter().collect();
    /// assert_eq!(changed, [(&b"gone"[..], None), (b"new", Some(&b"v"[..]))]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn changed(&self) -> ChangedKeys<'_> {
        ChangedKeys { bytes: &self.bytes, entries: &self.entries }
    }
}

/// Keys that a block has changed, in order, each with its last value; `None`: it was deleted. See [`Sealed::changed`].
///
/// Copied like a slice, and an iterator over itself.
///
/// ```
/// # let store = engine::Store::in_memory();
/// let block = store.block(1)?;
/// let mut view = block.view(0, 1);
/// for key in 0..10u8 {
///     view.put([key], "")?;
/// }
/// block.publish(view)?;
/// let sealed = block.seal()?;
/// let by_shard: Vec<usize> = sealed.changed().shards(3).map(|shard| shard.len()).collect();
/// assert_eq!(by_shard, [4, 4, 2]);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ChangedKeys<'s> {
    bytes: &'s [u8],
    entries: &'s [Entry],
}

impl<'s> ChangedKeys<'s> {
    /// How many.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.block(0)?.seal()?.changed().len(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert!(store.block(0)?.seal()?.changed().is_empty());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// From the first key on, or from the last one back.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.block(0)?.seal()?.changed().iter().count(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> Self {
        *self
    }

    /// The same keys in at most so many parts of nearly one length, in order: to be worked on at once.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.block(0)?.seal()?.changed().shards(4).count(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn shards(&self, parts: usize) -> impl ExactSizeIterator<Item = Self> + use<'s> {
        let bytes = self.bytes;
        let len = self.entries.len().div_ceil(parts.max(1)).max(1);
        self.entries.chunks(len).map(move |entries| Self { bytes, entries })
    }

    fn at(&self, entry: &Entry) -> (&'s [u8], Option<&'s [u8]>) {
        let bytes = self.bytes;
        (&bytes[entry.key.clone()], entry.value.clone().map(|value| &bytes[value]))
    }
}

impl<'s> Iterator for ChangedKeys<'s> {
    type Item = (&'s [u8], Option<&'s [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (first, rest) = self.entries.split_first()?;
        self.entries = rest;
        Some(self.at(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.entries.len(), Some(self.entries.len()))
    }
}

impl DoubleEndedIterator for ChangedKeys<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (last, rest) = self.entries.split_last()?;
        self.entries = rest;
        Some(self.at(last))
    }
}

impl FusedIterator for ChangedKeys<'_> {}
impl ExactSizeIterator for ChangedKeys<'_> {}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}, {} keys changed", self.version, self.entries.len())
    }
}
