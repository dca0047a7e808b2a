//! What writers hold: the map.

mod builder;
mod loader;

pub use builder::Builder;
pub use loader::Loader;

use crate::batch::WriteOp;
use crate::error::Error;
use crate::key_space::KeySpace;
use crate::snapshot::{ChangeSet, Lease, Snapshot};
use crate::stats::{Stats, Survey};
use crate::store::{Store, StoreRef};
use crate::{KeyRange, ReadSet, Version, WriteBatch};
use std::fmt;

/// An ordered map of byte keys to byte values that many threads read and write at once, at consistent versions.
///
/// A `Map` is a handle: clones share one map, and the map lives as long as any handle or snapshot.
///
/// *Guarantee.* Every [`put`](Map::put), [`delete`](Map::delete) and [`commit`](Map::commit) is one atomic step, linearizable,
/// with a number of its own. Reads go through a [`Snapshot`].
///
/// *Key spaces.* A map may hold several ordered maps that share its commits and snapshots: [`Map::key_space`]. What names
/// no space is in the default one.
///
/// *Not a lock.* A [`commit`](Map::commit) does not check that what its writer read before is still current: two threads that
/// each read, compute and commit can overwrite each other's work, where a write guard held all the way would not let them.
/// [`Map::commit_if`] checks: it refuses what was overtaken, to be done again.
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
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

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
    /// *Memory.* The first version of a key, if its value has at most 254 bytes, lies in one block with the key. Its room,
    /// the value's length and some 20 bytes of header, is not given back when the key is overwritten, but stays idle until
    /// the key is deleted and removed.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`], [`Error::ValueTooLong`]; [`Error::BatchTooLarge`], if this map allows
    /// no writes at all; [`Error::MemoryLimit`], if it was built with one. Nothing is stored then.
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
        self.write(WriteOp { space: 0, key: key.as_ref(), value: Some(value.as_ref()) })
    }

    /// Deletes `key` as a commit of its own, also if it has no value.
    ///
    /// A version that says "deleted" takes the place of the value. When no snapshot sees an older one any more, the key is
    /// removed with everything that was there for it: by later writes, a few steps each, or by [`Map::maintain`].
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`]; [`Error::BatchTooLarge`], if this map allows no writes at all. Nothing
    /// is changed then.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"k", b"v")?;
    /// map.delete(b"k")?;
    /// assert!(!map.snapshot().contains(b"k"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.write(WriteOp { space: 0, key: key.as_ref(), value: None })
    }

    /// Deletes every key in `range`, as a commit of its own: those that have a value in the version before it, and no others.
    /// Keys put by commits of other threads meanwhile are deleted if those commits come before, and stay if they come
    /// after.
    ///
    /// Takes time proportional to the keys between the bounds, without a limit on their number: a range counts as one write
    /// in [`Builder::max_batch_len`], however long it is. A commit that comes behind it waits for its walk over those keys.
    /// It helps by walking them too: the work is repeated, not shared. A walk runs under one pin, so that nothing is
    /// given back to the allocator for as long. Where that is too long, delete part after part.
    /// ([`WriteBatch::delete_range`] puts a range into a batch.) An inverted range, or one without keys, deletes nothing and is
    /// a commit all the same.
    ///
    /// # Errors
    /// [`Error::BatchTooLarge`], if this map allows no writes at all.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put("a1", "")?;
    /// map.put("a2", "")?;
    /// map.put("b", "")?;
    /// let before = map.snapshot();
    /// map.delete_range("a".."b")?;
    /// assert_eq!(map.snapshot().iter().count(), 1);
    /// assert_eq!(before.iter().count(), 3);
    /// map.delete_range(..)?;
    /// assert_eq!(map.stats().live_keys, 0);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<Version, Error> {
        self.store.commit_batch(WriteBatch::new().delete_range(range)).map(Version::from)
    }

    #[inline]
    fn write(&self, op: WriteOp<'_>) -> Result<Version, Error> {
        self.store.commit(std::iter::once(op)).map(Version::from)
    }

    /// Applies all writes of `batch` as one commit. Returns its version once it is visible: whole, to everybody. An
    /// empty batch commits nothing and returns the newest version. The batch is left as it is: clear it before it is filled
    /// again, or its writes are made twice.
    ///
    /// Takes time proportional to the batch; a commit that comes after a large one waits for it, or helps it.
    ///
    /// # Errors
    /// Those of [`Map::put`] for the first write that has one, [`Error::BatchTooLarge`], [`Error::ForeignSpace`], or, if it
    /// puts something, [`Error::MemoryLimit`]; nothing is applied then.
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
        batch.check_belongs_to(self.store.serial())?;
        self.store.commit_batch(batch).map(Version::from)
    }

    /// As [`Map::commit`], whether there is room within [`Builder::memory_limit`](crate::Builder::memory_limit) or not: for the few
    /// bytes that somebody has to note who is about to make room.
    ///
    /// # Errors
    /// Those of [`Map::commit`], but [`Error::MemoryLimit`].
    ///
    /// ```
    /// use epoch_store::{Error, Map, WriteBatch};
    /// let map = Map::builder().memory_limit(0).build();
    /// let mut batch = WriteBatch::new();
    /// batch.put("about to", "make room");
    /// assert!(matches!(map.commit(&batch), Err(Error::MemoryLimit { .. })));
    /// map.commit_beyond_limit(&batch)?;
    /// assert!(map.snapshot().contains("about to"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    #[doc(hidden)]
    pub fn commit_beyond_limit(&self, batch: &WriteBatch) -> Result<Version, Error> {
        batch.check_belongs_to(self.store.serial())?;
        self.store.commit_beyond_limit(batch).map(Version::from)
    }

    /// Applies all writes of `batch` as one commit, if no commit before it has written to what was read: as
    /// [`Map::commit`], but refused if anything in `reads` was overtaken since its snapshot. So two that each read, compute
    /// and commit this way never overwrite each other's work, and the commits of all who work so are serializable.
    ///
    /// What counts is what others *wrote*: also the same value again, and a key that was put and deleted in between, if that
    /// happened a moment ago. Deleting a key that was absent counts for as long, and a range that was deleted a moment ago
    /// for all of its keys. An insert outside the ranges that were read does not count. With an empty batch nothing is
    /// committed: the newest version is returned, if the reads stand there.
    ///
    /// The reads are looked up, and the ranges walked, before the commit is ordered; a commit that others overtake at that very
    /// moment is given a version that changes nothing. *Progress.* Lock-free up to the allocator, like every commit; who is
    /// refused was overtaken by one that was not. *Source.* Optimistic validation with precision locks, in the order of the
    /// queue.
    ///
    /// # Errors
    /// Those of [`Map::commit`]; [`Error::Conflict`]; [`Error::ForeignSnapshot`], if the reads are of another map. Nothing is
    /// applied then.
    ///
    /// ```
    /// use epoch_store::{Error, Map, ReadSet, WriteBatch};
    /// let map = Map::new();
    /// let increment = || -> Result<(), Error> {
    ///     loop {
    ///         let snapshot = map.snapshot();
    ///         let count = snapshot.get("count").map_or(0, |value| value[0]);
    ///         let result = map.commit_if(
    ///             WriteBatch::new().put("count", [count + 1]),
    ///             ReadSet::at(&snapshot).key("count"),
    ///         );
    ///         match result {
    ///             Err(Error::Conflict(_)) => {}
    ///             result => return result.map(|_version| ()),
    ///         }
    ///     }
    /// };
    /// std::thread::scope(|scope| {
    ///     let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| (0..50).try_for_each(|_| increment()))).collect();
    ///     threads.into_iter().try_for_each(|thread| thread.join().unwrap())
    /// })?;
    /// assert_eq!(map.snapshot().get("count").unwrap(), [100]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn commit_if(&self, batch: &WriteBatch, reads: &ReadSet) -> Result<Version, Error> {
        reads.commit(batch, &self.store).map(Version::from)
    }

    /// The key space with this name, which is created if there is none: an ordered map of its own inside this one, which
    /// shares its commits and snapshots. See [`KeySpace`].
    ///
    /// Creating one is no commit: an empty space reads like one that is not there yet. Names are of 1 to 255 bytes,
    /// compared byte by byte. The default space has no name.
    ///
    /// Lock-free up to the allocator; takes time proportional to the number of key spaces: keep the handle.
    ///
    /// # Errors
    /// [`Error::SpaceNameEmpty`], [`Error::SpaceNameTooLong`], [`Error::TooManySpaces`].
    ///
    /// ```
    /// use epoch_store::{Error, Map};
    /// let map = Map::new();
    /// map.key_space("accounts")?.put("alice", "10")?;
    /// let again = map.key_space("accounts")?;
    /// assert_eq!(map.snapshot().space(&again)?.get("alice").unwrap(), b"10");
    /// assert_eq!(map.stats().key_spaces, 1);
    /// assert_eq!(map.key_space("").unwrap_err(), Error::SpaceNameEmpty);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn key_space(&self, name: impl AsRef<str>) -> Result<KeySpace, Error> {
        KeySpace::open(&self.store, name.as_ref())
    }

    /// The key space with this name, if there is one; as [`Map::key_space`], but creates none.
    ///
    /// Wait-free; takes time proportional to the number of key spaces.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// assert!(map.find_key_space("accounts").is_none());
    /// map.key_space("accounts")?.put("alice", "10")?;
    /// let accounts = map.find_key_space("accounts").unwrap();
    /// assert!(map.snapshot().space(&accounts)?.contains("alice"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn find_key_space(&self, name: impl AsRef<str>) -> Option<KeySpace> {
        KeySpace::find(&self.store, name.as_ref())
    }

    /// All key spaces with a name, in the order in which they were created. One that is created meanwhile comes last: the
    /// iterator yields it if it has not ended before.
    ///
    /// Each step is wait-free, and clones a handle.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.key_space("b")?;
    /// map.key_space("a")?;
    /// let names: Vec<_> = map.key_spaces().map(|space| space.name().to_owned()).collect();
    /// assert_eq!(names, ["b", "a"]);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn key_spaces(&self) -> impl Iterator<Item = KeySpace> {
        KeySpace::all(&self.store)
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

    /// The map as it was at `version`. Wait-free.
    ///
    /// By its number the newest version can be opened, and those that the map was built to retain
    /// ([`Builder::retain_versions`], [`Builder::retain_age`]; the oldest of them is [`Stats::oldest_version`]). Others are
    /// kept only for the snapshots that are open: clone the snapshot.
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
        self.store.open_slot_at(version.get()).map(Snapshot::new).map_err(|openable| {
            let (oldest, newest) = (openable.oldest.into(), openable.newest.into());
            if version > newest {
                Error::VersionInFuture { version, newest }
            } else {
                Error::VersionCollected { version, oldest }
            }
        })
    }

    /// What was written after `version`, up to the newest version: both are opened and held. See
    /// [`Snapshot::changes_since`] for what a change is, and what it costs to find. Of the key spaces with a name
    /// [`ChangeSet::range_in`] tells.
    ///
    /// Reading them takes time proportional to the keys of the space, not to the changes.
    ///
    /// # Errors
    /// As [`Map::snapshot_at`]: `version` must be retained.
    ///
    /// ```
    /// use epoch_store::Map;
    /// let map = Map::builder().retain_versions(100).build();
    /// let first = map.put("a", "1")?;
    /// map.put("b", "2")?;
    /// map.delete("a")?;
    /// let changes = map.changes_since(first)?;
    /// let changes: Vec<_> = changes.iter().map(|change| (change.key, change.after)).collect();
    /// assert!(changes[0].0 == b"a" && changes[0].1.is_none());
    /// assert!(changes[1].0 == b"b" && changes[1].1.unwrap() == b"2");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn changes_since(&self, version: Version) -> Result<ChangeSet, Error> {
        ChangeSet::between(self.snapshot_at(version)?, self.snapshot())
    }

    /// The map as it is now, to read from until it is taken back. Wait-free.
    ///
    /// It can be taken back from the first moment on, even before this returns: no [`Map::revoke_older_than`] that is over
    /// leaves one behind that is older.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// assert_eq!(map.lease().version(), map.version());
    /// ```
    #[must_use = "a lease that is dropped at once keeps nothing"]
    pub fn lease(&self) -> Lease {
        Lease::new(self.store.open_lease())
    }

    /// Takes back every lease of a version before `version`. Returns how many: clones count as one. Snapshots stay.
    ///
    /// If `version` is one that the map has come to, no lease of a version before it is left when this returns, whoever was
    /// opening one meanwhile (such a lease may be counted here and come out at a newer version). A version in the future is
    /// accepted: all leases there are at the time are taken back, those of the newest version too, and none that is
    /// opened later, at whatever version.
    ///
    /// What they kept is collected in steps by later writes, or at once by [`Map::maintain`]. Lock-free; takes time
    /// proportional to the number of snapshot slots.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let (lease, snapshot) = (map.lease(), map.snapshot());
    /// let version = map.put(b"k", b"v")?;
    /// assert_eq!(map.revoke_older_than(version), 1);
    /// assert!(lease.is_revoked() && !map.lease().is_revoked());
    /// # drop(snapshot);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn revoke_older_than(&self, version: Version) -> usize {
        self.store.revoke_below(version.get())
    }

    /// The newest version. Wait-free.
    pub fn version(&self) -> Version {
        self.store.published().into()
    }

    /// What the map has done and holds. Takes time proportional to the number of sessions and snapshot slots, and to that of
    /// key spaces, which it walks twice.
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
    /// let old = map.snapshot();
    /// map.delete("k")?;
    /// assert_eq!(map.survey().tombstones, 1);
    /// drop(old);
    /// map.maintain();
    /// assert_eq!(map.survey().keys, 0);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn survey(&self) -> Survey {
        self.store.survey()
    }

    /// A version below which nothing is read any more: no snapshot, lease or retained version is older, now or later.
    /// Lock-free; takes time proportional to the number of snapshot slots.
    #[doc(hidden)]
    pub fn oldest_needed(&self) -> Version {
        self.store.oldest_needed().into()
    }

    /// Collects everything that no snapshot needs and that other threads are not in the middle of. Returns the number
    /// of superseded versions cut; the keys that it removes, and their tombstones, are not counted. Writes and dropped snapshots do the same in small
    /// steps: this is for a map that falls quiet.
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
        self.store.note_age();
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
