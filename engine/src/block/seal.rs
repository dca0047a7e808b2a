//! From final transactions to one commit of the store.

use super::Block;
use crate::durable::{Visit, Writes};
use crate::{Error, Version};
use epoch_store::block::{KeyRef, Places, State};
use std::fmt;
use std::iter::FusedIterator;

impl Block {
    /// Commits what is not committed yet ([`commit_prefix`](Block::commit_prefix)), and brings the last value of each written
    /// key into the store: as one commit, seen whole or not at all. Where nothing has changed there is none, and the version
    /// is the newest of the store.
    ///
    /// The store does not ask whether others have written since the block was opened: what they wrote to its keys is
    /// overwritten, but where the block has left what its snapshot has. One block at a time is open to be sealed, and nobody else writes to its key space.
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
        self.seal_as(None)
    }

    /// The same, with some bytes about the commit that [`Snapshot::metadata`](crate::Snapshot::metadata) shows from then on: the
    /// height of the block, say. Seen with the commit and durable with it, as those of
    /// [`Store::commit_tagged`](crate::Store::commit_tagged). Where nothing has changed the metadata alone is a commit.
    ///
    /// Copies what was written once more.
    ///
    /// # Errors
    /// Those of [`Block::seal`]; [`Error::MetadataTooLong`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let block = store.block(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("alice", "10")?;
    /// block.publish(view)?;
    /// block.seal_tagged("height 1")?;
    /// let snapshot = store.snapshot();
    /// assert_eq!(snapshot.metadata()?.unwrap(), "height 1");
    /// assert_eq!(snapshot.get("alice")?.unwrap(), "10");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seal_tagged(self, metadata: impl AsRef<[u8]>) -> Result<Sealed, Error> {
        self.seal_as(Some(metadata.as_ref()))
    }

    fn seal_as(self, metadata: Option<&[u8]>) -> Result<Sealed, Error> {
        self.commit_prefix(self.end())?;
        let end = self.end();
        self.seal_prefix(end, metadata)
    }

    /// Seals the transactions before `end`, which are final and whose merges are values.
    pub(super) fn seal_prefix(self, end: u32, metadata: Option<&[u8]>) -> Result<Sealed, Error> {
        let (sealed, places) = self.pack(end)?;
        let (changed, Self { map, shared, .. }) = (sealed.changed(), self);
        let (space, count) = (map.space_id(), changed.len());
        let each = |visit: &mut Visit<'_>| {
            sealed.changed().for_each(|(key, value)| visit(key, value));
        };
        let writes = Writes::Keys { space, count, each: &each };
        let version = match metadata {
            None => shared.commit(writes, |store| map.commit(store, &places, changed))?,
            Some(metadata) => shared.commit_tagged(writes.to_batch(), metadata)?,
        };
        Ok(Sealed { version, ..sealed })
    }

    /// What has changed, in order, and where it is in the store.
    fn pack(&self, end: u32) -> Result<(Sealed, Places), Error> {
        let keys: Vec<_> = self.map.written().collect();
        let mut bytes = Vec::with_capacity(keys.len() * USUAL);
        let mut packed = Vec::with_capacity(keys.len());
        for (at, &key) in keys.iter().enumerate() {
            if let Some(far) = keys.get(at + 2 * AHEAD) {
                far.prefetch();
            }
            if let Some(near) = keys.get(at + AHEAD) {
                near.prefetch_answers();
            }
            if let Some(value) = self.last_value(key, end)? {
                packed.push((Entry::put(key.key(), value, &mut bytes), key));
            }
        }
        self.failure.check()?;
        // Put in order when they are packed: where they lie in the block, comparing would miss the cache.
        packed.sort_unstable_by(|(a, _), (b, _)| {
            a.prefix.cmp(&b.prefix).then_with(|| a.key(&bytes).cmp(b.key(&bytes)))
        });
        // A publisher that died in between may have left a key in two logs.
        packed.dedup_by(|(_, a), (_, b)| a == b);
        let places = self.map.places(packed.iter().map(|&(_, key)| key));
        let entries = packed.into_iter().map(|(entry, _)| entry).collect();
        Ok((Sealed { version: Version::default(), bytes, entries }, places))
    }

    /// What the last of the transactions has left at a key: nothing, if that changes nothing; else its value, if it has one.
    fn last_value<'b>(
        &'b self,
        key: KeyRef<'b>,
        end: u32,
    ) -> Result<Option<Option<&'b [u8]>>, Error> {
        let seen = key.visible(end);
        // Of a block that was committed by the rules there is none such.
        let not_final = |index| Err(Error::NotValid { index, conflicts: Vec::new() });
        let value = match (seen.get(), seen.writer()) {
            (State::Base, _) | (_, None) => return Ok(None),
            (State::Merge { .. } | State::Estimate { .. }, Some(index)) => return not_final(index),
            (_, Some(index)) if index >= end => return not_final(index),
            (State::Value(value), _) => Some(value),
            (State::Deleted, _) => None,
        };
        Ok((value != key.base() || self.options.keeps_unchanged).then_some(value))
    }
}

/// How far ahead keys are asked for.
const AHEAD: usize = 8;

/// Bytes of a usual key and its value.
const USUAL: usize = 64;

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

/// Where a key and its value lie: the value behind the key.
#[derive(Debug, Clone)]
struct Entry {
    /// The key's first bytes: most comparisons need no more.
    prefix: u64,
    start: usize,
    key_len: u32,
    /// [`DELETED`]: there is none.
    value_len: u32,
}

/// No value is as long.
const DELETED: u32 = u32::MAX;

impl Entry {
    /// Puts a key and its value behind what is there.
    fn put(key: &[u8], value: Option<&[u8]>, bytes: &mut Vec<u8>) -> Self {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("compared when it was put");
        let start = bytes.len();
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
        let (key_len, value_len) = (length(key), value.map_or(DELETED, length));
        Self { prefix: prefix(key), start, key_len, value_len }
    }

    fn key<'s>(&self, bytes: &'s [u8]) -> &'s [u8] {
        &bytes[self.start..][..self.key_len as usize]
    }

    fn value<'s>(&self, bytes: &'s [u8]) -> Option<&'s [u8]> {
        let rest = &bytes[self.start + self.key_len as usize..];
        (self.value_len != DELETED).then(|| &rest[..self.value_len as usize])
    }
}

impl Sealed {
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
        (entry.key(self.bytes), entry.value(self.bytes))
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
