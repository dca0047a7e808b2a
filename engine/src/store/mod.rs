//! What writers hold: the store.

mod builder;
mod key_space;
mod conditional;
mod durability;
mod metadata;
mod observability;

pub use builder::Builder;
pub use key_space::KeySpace;

use crate::durable::Writes;
use crate::shared::{Filling, Founding, Links, Shared};
use crate::{ChangeSet, Error, KeyRange, Lease, Snapshot, Stats, Version, WriteBatch};
use epoch_store::WriteOp;
use std::fmt;
use std::sync::Arc;

/// An ordered store of byte keys and byte values that many threads read and write at once, at consistent versions.
///
/// A `Store` is a handle: clones share one store, and what is stored lives as long as any handle or snapshot.
///
/// *Guarantee.* Every write that returns a [`Version`] is one atomic step, linearizable, with that number. Reads go
/// through a [`Snapshot`], which shows one version and never changes. A write that depends on what was read has three
/// forms: [`insert_if_absent`](Store::insert_if_absent) and its kin for one key, a batch that was computed from a snapshot and
/// is nobody else's business, and transactions for everything else.
///
/// *Key spaces.* A store may hold several ordered maps that share its commits and snapshots: [`Store::key_space`]. What
/// names no space is in the default one.
///
/// *Progress.* Opening a snapshot is wait-free; reading never waits; writing is lock-free up to the allocator: a thread
/// that is stopped anywhere inside an operation stops nobody else. Commits are ordered one after the other: many threads
/// with tiny commits meet at that point.
///
/// ```
/// use engine::{Store, WriteBatch};
/// let store = Store::in_memory();
/// store.put("alice", "10")?;
/// let before = store.snapshot();
/// let mut batch = WriteBatch::new();
/// batch.put("alice", "7").put("bob", "3");
/// let after = store.commit(&batch)?;
/// assert!(after > before.version());
/// assert!(before.get("bob")?.is_none());
/// for entry in &store.snapshot() {
///     let (name, balance) = entry?;
///     println!("{name:?} has {balance:?}");
/// }
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// By which its snapshots share it too.
    links: Arc<Links>,
}

impl Store {
    /// An empty store that lives in memory. Takes some microseconds and some KiB.
    ///
    /// ```
    /// assert!(engine::Store::in_memory().snapshot().is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn in_memory() -> Self {
        // Of what can be wrong with a space, only that there are too many could be: but there are none yet.
        Self::builder().open().expect("a store in memory can always be opened")
    }

    /// A store with choices.
    ///
    /// ```
    /// let store = engine::Store::builder().retain_versions(1_000).open()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn new(shared: Arc<Shared>) -> Self {
        let links = Links::new(&shared);
        Self { shared, links }
    }

    /// A store that begins with what `fill` gives.
    pub(crate) fn found(
        choices: Builder,
        founding: Founding,
        fill: impl FnOnce(&mut Filling) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        Ok(Self::new(Arc::new(Shared::found(choices.options, founding, fill)?)))
    }

    /// Another handle to the store of a snapshot.
    #[allow(dead_code, reason = "for the layers above")]
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let link = snapshot.link();
        Self { shared: link.shared().clone(), links: link.all() }
    }

    /// What the handles share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stores `value` under `key` as a commit of its own. Returns its version once it is visible: to everybody.
    ///
    /// Lock-free up to the allocator; takes constant time on average, and copies the value.
    ///
    /// # Errors
    /// [`EmptyKey`](epoch_store::Error::EmptyKey), [`KeyTooLong`](epoch_store::Error::KeyTooLong),
    /// [`ValueTooLong`](epoch_store::Error::ValueTooLong), all in [`Error::Map`]; [`Error::Closed`]. Nothing is stored then.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let version = store.put("k", "v")?;
    /// assert_eq!(store.version(), version);
    /// assert!(store.put("", "v").is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Version, Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let write = WriteOp { space: 0, key, value: Some(value) };
        self.shared.commit(Writes::One(write), |map| map.put(key, value))
    }

    /// Deletes `key` as a commit of its own, also if it has no value. Progress and cost are those of [`Store::put`].
    ///
    /// A version that says "deleted" takes the place of the value. When no snapshot sees an older one any more, the key is
    /// removed with everything that was there for it: by later writes, a few steps each, or by [`Store::maintain`].
    ///
    /// # Errors
    /// Those of [`Store::put`]. Nothing is changed then.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// store.delete("k")?;
    /// assert!(!store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        let key = key.as_ref();
        let write = WriteOp { space: 0, key, value: None };
        self.shared.commit(Writes::One(write), |map| map.delete(key))
    }

    /// Deletes every key in `range`, as a commit of its own: those that have a value in the version before it, and no others.
    /// Keys put by commits of other threads meanwhile are deleted if those commits come before, and stay if they come
    /// after. An inverted range, or one without keys, deletes nothing and is a commit all the same.
    ///
    /// Takes time proportional to the keys between the bounds, without a limit on their number. A commit that comes behind
    /// it waits for its walk over those keys, or helps by walking them too, and no memory is given back as long. Where
    /// that is too long, delete part after part.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a1", "a2", "b"] {
    ///     store.put(key, "")?;
    /// }
    /// store.delete_range("a".."b")?;
    /// assert_eq!(store.snapshot().len()?, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<Version, Error> {
        let mut batch = epoch_store::WriteBatch::new();
        batch.delete_range(range);
        self.shared.commit(Writes::Batch(&batch), |map| map.commit(&batch))
    }

    /// Applies all writes of `batch` as one commit. Returns its version once it is visible: whole, to everybody. An empty
    /// batch commits nothing and returns the newest version. The batch is left as it is: clear it before it is filled again,
    /// or its writes are made twice.
    ///
    /// Lock-free up to the allocator; takes time proportional to the batch. A commit that comes after a large one waits for
    /// it, or helps it.
    ///
    /// # Errors
    /// Those of [`Store::put`] for the first write that has one; in [`Error::Map`]
    /// [`BatchTooLarge`](epoch_store::Error::BatchTooLarge), or [`ForeignSpace`](epoch_store::Error::ForeignSpace), if the
    /// batch names a key space of another store; [`Error::Closed`]. Nothing is applied then.
    ///
    /// ```
    /// use engine::{Store, WriteBatch};
    /// let store = Store::in_memory();
    /// let mut batch = WriteBatch::new();
    /// batch.put("a", "1").put("a", "2").delete("b");
    /// store.commit(&batch)?;
    /// assert_eq!(store.snapshot().get("a")?.unwrap(), "2"); // the last write to a key counts
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn commit(&self, batch: &WriteBatch) -> Result<Version, Error> {
        let batch = batch.of_map();
        self.shared.commit(Writes::Batch(batch), |map| map.commit(batch))
    }

    /// The key space with this name, which is created if there is none: an ordered map of its own inside this one, which
    /// shares its commits and snapshots. See [`KeySpace`].
    ///
    /// Creating one is no commit: an empty space reads like one that is not there yet. Names are of 1 to 255 bytes, compared
    /// byte by byte, and do not begin with a NUL byte. The default space has no name. A store that was closed opens the
    /// spaces that it has, to read from, and creates none.
    ///
    /// Lock-free up to the allocator; takes time proportional to the number of key spaces: keep the handle.
    ///
    /// # Errors
    /// [`Error::ReservedSpaceName`]; in [`Error::Map`] [`SpaceNameEmpty`](epoch_store::Error::SpaceNameEmpty),
    /// [`SpaceNameTooLong`](epoch_store::Error::SpaceNameTooLong), [`TooManySpaces`](epoch_store::Error::TooManySpaces);
    /// [`Error::Closed`].
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// store.key_space("accounts")?.put("alice", "10")?;
    /// let again = store.key_space("accounts")?;
    /// assert_eq!(store.snapshot().space(&again)?.get("alice")?.unwrap(), "10");
    /// assert!(matches!(store.key_space("\0"), Err(Error::ReservedSpaceName)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn key_space(&self, name: impl AsRef<str>) -> Result<KeySpace, Error> {
        Ok(KeySpace::new(self.shared.open_space(name.as_ref())?, &self.shared))
    }

    /// The key space with this name, if there is one; as [`Store::key_space`], but creates none.
    ///
    /// Wait-free; takes time proportional to the number of key spaces.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert!(store.find_key_space("accounts").is_none());
    /// store.key_space("accounts")?;
    /// assert_eq!(store.find_key_space("accounts").unwrap().name(), "accounts");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn find_key_space(&self, name: impl AsRef<str>) -> Option<KeySpace> {
        Some(KeySpace::new(self.shared.find_space(name.as_ref())?, &self.shared))
    }

    /// All key spaces, in the order in which they were created. One that is created meanwhile comes last: the iterator yields
    /// it if it has not ended before.
    ///
    /// Each step is wait-free, and clones a handle.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.key_space("b")?;
    /// store.key_space("a")?;
    /// let names: Vec<_> = store.key_spaces().map(|space| space.name().to_owned()).collect();
    /// assert_eq!(names, ["b", "a"]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn key_spaces(&self) -> impl Iterator<Item = KeySpace> {
        self.shared.spaces().map(|space| KeySpace::new(space, &self.shared))
    }

    /// The store as it is now, to read from. Wait-free.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.snapshot().version(), store.version());
    /// ```
    #[inline]
    #[must_use = "a snapshot that is dropped at once keeps nothing"]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.shared.map().snapshot(), self.links.mine())
    }

    /// The store as it was at `version`. Wait-free.
    ///
    /// By its number the newest version can be opened, and those that the store was built to retain
    /// ([`Builder::retain_versions`], [`Builder::retain_age`]). Others are kept only for the snapshots that are open: clone the
    /// snapshot.
    ///
    /// # Errors
    /// In [`Error::Map`] [`VersionInFuture`](epoch_store::Error::VersionInFuture) or
    /// [`VersionCollected`](epoch_store::Error::VersionCollected).
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// let old = store.put("k", "1")?;
    /// assert_eq!(store.snapshot_at(old)?.version(), old);
    /// store.put("k", "2")?;
    /// let refused = store.snapshot_at(old).unwrap_err();
    /// assert!(matches!(refused, Error::Map(epoch_store::Error::VersionCollected { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn snapshot_at(&self, version: Version) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(self.shared.map().snapshot_at(version)?, self.links.mine()))
    }

    /// What was written after `version`, up to the newest version: both are opened and held. See
    /// [`Snapshot::changes_since`] for what a change is. Of the key spaces [`ChangeSet::range_in`] tells.
    ///
    /// Wait-free; reading the changes takes time proportional to the keys of the space, not to the changes.
    ///
    /// # Errors
    /// Those of [`Store::snapshot_at`]: `version` must be retained.
    ///
    /// ```
    /// let store = engine::Store::builder().retain_versions(100).open()?;
    /// let first = store.put("a", "1")?;
    /// store.put("b", "2")?;
    /// store.delete("a")?;
    /// let changes = store.changes_since(first)?;
    /// for change in &changes {
    ///     let change = change?;
    ///     println!("{:?}: {:?} became {:?}", change.key, change.before, change.after);
    /// }
    /// assert_eq!(changes.iter().count(), 2);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn changes_since(&self, version: Version) -> Result<ChangeSet, Error> {
        ChangeSet::between(self.snapshot_at(version)?, self.snapshot())
    }

    /// The store as it is now, to read from until it is taken back. Wait-free.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.lease().version(), store.version());
    /// ```
    #[must_use = "a lease that is dropped at once keeps nothing"]
    pub fn lease(&self) -> Lease {
        Lease::new(self.shared.map().lease(), self.links.mine())
    }

    /// Takes back every lease of a version before `version`. Returns how many: clones count as one. Snapshots stay.
    ///
    /// What they kept is collected in steps by later writes, or at once by [`Store::maintain`]. Lock-free; takes time
    /// proportional to the number of snapshot slots.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let lease = store.lease();
    /// let version = store.put("k", "v")?;
    /// assert_eq!(store.revoke_older_than(version), 1);
    /// assert!(lease.is_revoked());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn revoke_older_than(&self, version: Version) -> usize {
        self.shared.map().revoke_older_than(version)
    }

    /// The newest version. Wait-free.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.put("k", "v")?, store.version());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.shared.map().version()
    }

    /// What the store has done and holds. While other threads write, the figures are of slightly different moments; when all is
    /// quiet they are exact. Tells of a slow reader: [`Builder::on_slow_reader`].
    ///
    /// Live keys and key spaces are those of users; records, versions and what is retired also count the few that the
    /// engine keeps for itself. Wait-free; takes time proportional to the number of sessions and snapshot slots.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let stats = store.stats();
    /// assert_eq!((stats.live_keys, stats.key_spaces, stats.commits), (1, 0, 1));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Collects everything that nobody needs and that other threads are not in the middle of. Returns the number of superseded
    /// versions cut. Writes and dropped snapshots do the same in small steps: this is for a store that falls quiet, and for
    /// whoever wants to be told of slow readers ([`Builder::on_slow_reader`]).
    ///
    /// Allowed on a store that was closed. Lock-free; takes time proportional to what there is to collect.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "1")?;
    /// let old = store.snapshot();
    /// store.put("k", "2")?;
    /// drop(old);
    /// store.maintain();
    /// assert_eq!(store.stats().versions, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn maintain(&self) -> usize {
        self.shared.maintain()
    }

    /// Refuses all later writes, by whatever handle, with [`Error::Closed`]. What there is can be read as before. Closing
    /// twice is closing once.
    ///
    /// A write that another thread has begun is either refused or applied, and is told which: there is no third outcome.
    /// One that had begun may become visible a moment after this returns: it is not waited for. Whoever needs the last state
    /// lets the writers return first.
    ///
    /// Wait-free without a parent. With one it waits until all is durable, and then closes it; dropping the last handle and
    /// snapshot does the same, and tells nobody if it fails. The place where the parent lies is free for another opening when this
    /// returns; with a [`memory_budget`](crate::Builder::memory_budget), which keeps what is read from there, when the last handle and
    /// snapshot are dropped.
    ///
    /// # Errors
    /// None without a parent. [`Error::NotDurable`], [`Error::Parent`]: the parent has failed. What was not durable is still in memory;
    /// closing again tries again.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// store.put("k", "v")?;
    /// store.close()?;
    /// assert!(matches!(store.put("k", "later"), Err(Error::Closed)));
    /// assert_eq!(store.snapshot().get("k")?.unwrap(), "v");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn close(&self) -> Result<(), Error> {
        self.shared.close()
    }

    /// Whether it was closed. Once true, it stays so; false may be old news when it arrives. Wait-free.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let handle = store.clone();
    /// store.close()?;
    /// assert!(handle.is_closed());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }
}

impl Default for Store {
    /// As [`Store::in_memory`].
    fn default() -> Self {
        Self::in_memory()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("version", &self.version())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
