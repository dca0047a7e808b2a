//! What writers hold: the map.

mod builder;

pub use builder::Builder;

use crate::batch::WriteOp;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::stats::{Stats, Survey};
use crate::store::StoreRef;
use crate::{Version, WriteBatch};
use std::fmt;

/// An ordered map of byte keys to byte values that many threads read and write at once, at consistent versions.
///
/// A `Map` is a handle: clones share one map, and the map lives as long as any handle or snapshot.
///
/// *Guarantee.* Every [`put`](Map::put), [`delete`](Map::delete) and [`commit`](Map::commit) is one atomic step, linearizable,
/// with a number of its own. Reads go through a [`Snapshot`].
///
/// *Not a lock.* A commit does not check that what its writer read before is still current: two threads that each read,
/// compute and commit can overwrite each other's work, where a write guard held all the way would not let them. Let one
/// thread do such writes, or hold a lock of your own around them; readers need none.
///
/// *Progress.* Opening a snapshot is wait-free; reading never waits; writing is lock-free up to the allocator: a thread
/// that is stopped anywhere inside an operation stops nobody else. Commits are ordered one after the other: many
/// threads with tiny commits meet at that point.
///
/// ```
/// use epoch_store::{Map, WriteBatch};
/// let map = Map::new();
/// map.put(b"alice", b"10")?;
/// let before = map.snapshot();
/// let mut batch = WriteBatch::new();
/// batch.put(b"alice", b"7").put(b"bob", b"3");
/// let after = map.commit(&batch)?;
/// assert!(after > before.version());
/// assert!(before.get(b"bob").is_none());
/// let names: Vec<_> = map.snapshot().iter().map(|(key, _)| key.to_vec()).collect();
/// assert_eq!(names, [b"alice".to_vec(), b"bob".to_vec()]);
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Clone)]
pub struct Map {
    store: StoreRef,
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A map with choices.
    ///
    /// ```
    /// use epoch_store::{Error, Map, WriteBatch};
    /// let map = Map::builder().max_batch_len(1).build();
    /// let mut batch = WriteBatch::new();
    /// batch.put(b"a", b"").put(b"b", b"");
    /// assert_eq!(map.commit(&batch), Err(Error::BatchTooLarge { len: 2, max: 1 }));
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn from_store(store: StoreRef) -> Self {
        Self { store }
    }

    /// Stores `value` under `key` as a commit of its own. Returns its version once it is visible.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`], [`Error::ValueTooLong`]; nothing is stored then.
    ///
    /// ```
    /// use epoch_store::{Error, Map};
    /// let map = Map::new();
    /// let version = map.put("k", "v")?;
    /// assert_eq!(map.version(), version);
    /// assert_eq!(map.put("", "v"), Err(Error::EmptyKey));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.write(WriteOp { key: key.as_ref(), value: Some(value.as_ref()) })
    }

    /// Deletes `key` as a commit of its own, also if it has no value.
    ///
    /// The key's record stays, with a version of about 20 bytes that says "deleted" (also for a key that was never there):
    /// a workload that deletes ever new keys grows. [`Survey::tombstones`] counts them.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`]; nothing is changed then.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"k", b"v")?;
    /// map.delete(b"k")?;
    /// assert!(!map.snapshot().contains(b"k"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.write(WriteOp { key: key.as_ref(), value: None })
    }

    #[inline]
    fn write(&self, op: WriteOp<'_>) -> Result<Version, Error> {
        self.store.commit(std::iter::once(op)).map(Version::from)
    }

    /// Applies all writes of `batch` as one commit. Returns its version once it is visible: whole, to everybody. An
    /// empty batch commits nothing and returns the newest version.
    ///
    /// Takes time proportional to the batch; a commit that comes after a large one waits for it, or helps it.
    ///
    /// # Errors
    /// Those of [`Map::put`] for the first write that has one, or [`Error::BatchTooLarge`]; nothing is applied then.
    ///
    /// ```
    /// use epoch_store::{Map, WriteBatch};
    /// let map = Map::new();
    /// let mut batch = WriteBatch::new();
    /// batch.put("a", "1").put("a", "2").delete("b");
    /// map.commit(&batch)?;
    /// assert_eq!(map.snapshot().get("a").unwrap(), b"2"); // the last write to a key counts
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn commit(&self, batch: &WriteBatch) -> Result<Version, Error> {
        self.store.commit(batch.ops()).map(Version::from)
    }

    /// The map as it is now, to read from. Wait-free.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// assert_eq!(map.snapshot().version(), map.version());
    /// ```
    #[inline]
    #[must_use = "a snapshot that is dropped at once keeps nothing"]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.store.open_slot())
    }

    /// The newest version, if its number is still `version`. Older versions are kept only for the snapshots that are
    /// open, and cannot be opened by number: clone the snapshot.
    ///
    /// # Errors
    /// [`Error::VersionInFuture`] or [`Error::VersionCollected`].
    ///
    /// ```
    /// use epoch_store::{Error, Map, Version};
    /// let map = Map::new();
    /// let old = map.put(b"k", b"1")?;
    /// assert_eq!(map.snapshot_at(old)?.version(), old);
    /// let new = map.put(b"k", b"2")?;
    /// let refused = map.snapshot_at(old).unwrap_err();
    /// assert_eq!(refused, Error::VersionCollected { version: old, oldest: new });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn snapshot_at(&self, version: Version) -> Result<Snapshot, Error> {
        self.store.open_slot_at(version.get()).map(Snapshot::new).map_err(|newest| {
            let newest = Version::from(newest);
            if version > newest {
                Error::VersionInFuture { version, newest }
            } else {
                Error::VersionCollected { version, oldest: newest }
            }
        })
    }

    /// The newest version. Wait-free.
    pub fn version(&self) -> Version {
        self.store.published().into()
    }

    /// What the map has done and holds. Takes time proportional to the number of sessions and snapshot slots.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"k", b"v")?;
    /// assert_eq!(map.stats().live_keys, 1);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.store.stats()
    }

    /// Walks all keys and their versions: for tests and diagnosis. Takes time proportional to the map, and holds up
    /// reclamation (nothing else) as long.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put("k", "v")?;
    /// map.delete("k")?;
    /// assert_eq!(map.survey().tombstones, 1);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn survey(&self) -> Survey {
        self.store.survey()
    }

    /// Collects everything that no snapshot needs and that other threads are not in the middle of. Returns the number
    /// of versions cut. Writes and dropped snapshots do the same in small steps: this is for a map that falls quiet.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"k", b"1")?;
    /// let old = map.snapshot();
    /// map.put(b"k", b"2")?;
    /// assert_eq!(map.stats().versions, 2);
    /// drop(old);
    /// map.maintain();
    /// assert_eq!(map.stats().versions, 1);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn maintain(&self) -> usize {
        self.store.maintain()
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("version", &self.version()).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Map: Send, Sync, Clone);
