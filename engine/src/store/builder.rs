//! Choices made before a store exists.

use super::Store;
use crate::durable::Watcher;
use crate::parent::Parent;
use crate::shared::{MAX_KEY_SPACES, Notice, Options, ParentPlace, Shared, SlowReader};
use crate::{Durability, Error, Overflow, Resumed};
use std::sync::Arc;
use std::time::Duration;

/// The most writes of a batch, if nothing else was chosen.
const MAX_BATCH_LEN: usize = 1 << 24;

/// Builds a [`Store`] with choices; see [`Store::builder`].
///
/// ```
/// use engine::{Store, Version};
/// let store = Store::builder().max_key_spaces(8).retain_versions(100).open()?;
/// assert_eq!(store.version(), Version::ZERO);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    pub(super) options: Options,
}

impl Default for Builder {
    fn default() -> Self {
        let (max_batch_len, max_key_spaces) = (MAX_BATCH_LEN, MAX_KEY_SPACES);
        let map = epoch_store::Builder::default();
        Self {
            options: Options {
                map,
                max_batch_len,
                max_key_spaces,
                notice: None,
                parent: None,
                durability: Durability::default(),
                undurable: None,
                overflow: Overflow::default(),
                watcher: None,
                budget: None,
            },
        }
    }
}

impl Builder {
    /// The most writes that a batch may have; a larger one is refused with
    /// [`BatchTooLarge`](epoch_store::Error::BatchTooLarge). Default: 16,777,216.
    ///
    /// A commit that comes after a large one waits for it: this bounds how long, but for ranges: one that is
    /// [deleted](Store::delete_range) counts as one write, and what comes behind it waits for a walk over all of its keys.
    /// The metadata of a [tagged commit](Store::commit_tagged) does not count.
    ///
    /// ```
    /// use engine::{Error, Store, WriteBatch};
    /// let store = Store::builder().max_batch_len(1).open()?;
    /// let mut batch = WriteBatch::new();
    /// store.commit_tagged(batch.put("a", ""), "fits")?;
    /// let refused = store.commit(batch.put("b", "")).unwrap_err();
    /// assert!(matches!(refused, Error::Map(epoch_store::Error::BatchTooLarge { len: 2, max: 1 })));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn max_batch_len(mut self, writes: usize) -> Self {
        self.options.max_batch_len = writes;
        self
    }

    /// The most key spaces that the store may have, at most [`MAX_KEY_SPACES`], which is the default. One that would be too
    /// many is refused with [`TooManySpaces`](epoch_store::Error::TooManySpaces).
    ///
    /// A space takes two to three KiB and is never removed: where names come from users, this bounds how many they make.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::builder().max_key_spaces(1).open()?;
    /// store.key_space("one")?;
    /// let refused = store.key_space("two").unwrap_err();
    /// assert!(matches!(refused, Error::Map(epoch_store::Error::TooManySpaces { max: 1 })));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn max_key_spaces(mut self, spaces: usize) -> Self {
        self.options.max_key_spaces = spaces.min(MAX_KEY_SPACES);
        self
    }

    /// How many versions before the newest can be opened by their number: [`Store::snapshot_at`],
    /// [`Store::changes_since`]. Default: none.
    ///
    /// At least so many stay; they are let go in steps of an eighth of their number. A version that is retained keeps
    /// what was overwritten since, of every key: memory grows with what is written within the window, and the chain of a
    /// key that is written all the time gets as long as the window, for readers of old versions and for the collector.
    /// Readers of new versions do not walk it.
    ///
    /// ```
    /// use engine::Store;
    /// let store = Store::builder().retain_versions(1).open()?;
    /// let old = store.put("k", "1")?;
    /// store.put("k", "2")?;
    /// assert_eq!(store.snapshot_at(old)?.get("k")?.unwrap(), "1");
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn retain_versions(mut self, versions: u64) -> Self {
        self.options.map = self.options.map.retain_versions(versions);
        self
    }

    /// For how long a version can be opened by its number after it ceased to be the newest. With
    /// [`retain_versions`](Builder::retain_versions) too, what either of them keeps is kept. Default: none.
    ///
    /// Versions stay for the age at least, and while the store is written to for about a quarter longer at most. A store
    /// that falls quiet keeps them until it is written to again, or [maintained](Store::maintain) twice with the age in
    /// between.
    ///
    /// ```
    /// use engine::Store;
    /// use std::time::Duration;
    /// let store = Store::builder().retain_age(Duration::from_secs(60)).open()?;
    /// let old = store.put("k", "1")?;
    /// store.put("k", "2")?;
    /// assert_eq!(store.snapshot_at(old)?.get("k")?.unwrap(), "1");
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn retain_age(mut self, age: Duration) -> Self {
        self.options.map = self.options.map.retain_age(age);
        self
    }

    /// A [`Lease`](crate::Lease) that falls more than so many versions behind the newest is taken back by whoever collects
    /// garbage next. Default: never, only by [`Store::revoke_older_than`].
    ///
    /// ```
    /// use engine::Store;
    /// let store = Store::builder().revoke_leases_after(1).open()?;
    /// let lease = store.lease();
    /// store.put("k", "1")?;
    /// store.put("k", "2")?;
    /// store.maintain();
    /// assert!(lease.is_revoked());
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn revoke_leases_after(mut self, versions: u64) -> Self {
        self.options.map = self.options.map.revoke_leases_after(versions);
        self
    }

    /// Bytes that the store may hold, as [`Stats::bytes`](crate::Stats::bytes) counts them. What puts something is refused
    /// with [`MemoryLimit`](epoch_store::Error::MemoryLimit) in [`Error::Map`] if there is no room for it, and nothing of it is
    /// done: a transaction stays open as it was and can be committed when there is room, an overlay keeps what it was
    /// about to flush, a batch can be committed again. Default: no limit.
    ///
    /// Deletes are always admitted, also in a transaction, as long as it does nothing else: so room can be made. Not so with
    /// what the engine adds a put of its own to: a [tagged commit](Store::commit_tagged), the flush of an overlay, and with a
    /// [`memory_budget`](Builder::memory_budget) every delete.
    /// A transaction that is open, and an overlay, keep what they read of the store: deleting that makes no room before they go
    /// on to a newer version. What overlays hold themselves is not counted. How far the limit may be exceeded, and when there is room
    /// again: [`epoch_store::Builder::memory_limit`].
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::builder().memory_limit(1 << 20).open()?;
    /// store.put("old", vec![0; 900 << 10])?;
    /// let mut transaction = store.transaction();
    /// transaction.put("new", vec![0; 900 << 10])?;
    /// let refused = transaction.commit().unwrap_err();
    /// assert!(matches!(refused, Error::Map(epoch_store::Error::MemoryLimit { .. })));
    /// store.delete("old")?;
    /// transaction.restart();
    /// transaction.put("new", vec![0; 900 << 10])?;
    /// transaction.commit()?;
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options.map = self.options.map.memory_limit(bytes);
        self
    }

    /// Whom to tell of a snapshot or a lease that is more than so many versions behind the newest, and keeps what was
    /// overwritten since. The last one given counts. Default: nobody.
    ///
    /// *When.* Only [`Store::maintain`], [`Store::stats`] and what publishes metrics look, so that no other operation pays for
    /// it: call one of them as often as you want to know. They look for the oldest reader and tell of it once; when another is
    /// the oldest, of that one. With the feature `tracing` it is a warning too. *Where.* In the thread that looks, when all its work is done and it holds nothing: what is
    /// called may take its time, use the store, and even panic, which goes through to whoever called.
    ///
    /// ```
    /// use engine::Store;
    /// use std::sync::mpsc;
    /// let (tell, told) = mpsc::channel();
    /// let store = Store::builder().on_slow_reader(1, move |reader| tell.send(reader).unwrap()).open()?;
    /// let forgotten = store.snapshot();
    /// store.put("k", "1")?;
    /// store.put("k", "2")?;
    /// store.maintain();
    /// store.maintain();
    /// let reader = told.try_recv().unwrap();
    /// assert_eq!((reader.version, reader.behind), (forgotten.version(), 2));
    /// assert!(told.try_recv().is_err()); // once
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn on_slow_reader(
        mut self,
        versions: u64,
        notify: impl Fn(SlowReader) + Send + Sync + 'static,
    ) -> Self {
        self.options.notice = Some(Notice { behind: versions, notify: Arc::new(notify) });
        self
    }

    /// What keeps the store when the process ends: commits are brought there in the order of their versions, in the
    /// background, and what it has kept is there again when the store is opened. See [`Parent`]; `RedbParent` and
    /// `FjallParent`, behind features, keep it on a disk. Default: none; the store lives in memory.
    ///
    /// Everything is in memory as well, unless there is a [`memory_budget`](Builder::memory_budget): reads never ask the parent. A commit costs a copy of its writes more. Versions go on
    /// where the parent has come to; older ones cannot be opened, and what [tagged commits](crate::Store::commit_tagged) said is kept.
    ///
    /// The store takes the parent: of stores that are opened with clones of these choices only the first one gets it.
    ///
    /// ```
    /// use engine::{MemoryParent, Store};
    /// let parent = MemoryParent::new();
    /// let (first, second) = (parent.reopened(), parent);
    /// let store = Store::builder().parent(first).open()?;
    /// let version = store.put("k", "v")?;
    /// store.close()?;
    /// let store = Store::builder().parent(second).open()?;
    /// assert_eq!(store.version(), version);
    /// assert_eq!(store.snapshot().get("k")?.unwrap(), "v");
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn parent(mut self, parent: impl Parent) -> Self {
        self.options.parent = Some(ParentPlace::new(parent));
        self
    }

    /// When commits return, unless one says otherwise ([`Store::commit_with`](crate::Store::commit_with)). Default:
    /// [`Durability::Memory`].
    ///
    /// With [`Durability::Durable`] every commit waits for the parent's disk, and shares that wait with all that are under way
    /// at the time: many threads get far more of them done than one.
    ///
    /// ```
    /// use engine::{Durability, MemoryParent, Store};
    /// let builder = Store::builder().durability(Durability::Durable);
    /// assert!(matches!(builder.clone().open(), Err(engine::Error::NoParent)));
    /// let store = builder.parent(MemoryParent::new()).open()?;
    /// let version = store.put("k", "v")?;
    /// assert_eq!(store.durable_version(), Some(version));
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// Bytes of commits that may be on their way to the parent, and what happens to a commit that would be too much. Default:
    /// 256 MiB, or a sixteenth of a [`memory_budget`](Builder::memory_budget), and 1 MiB at least; [`Overflow::Wait`]. Counted are keys, values and some 80 bytes for each commit. One commit is always
    /// admitted when nothing else is on its way, however large.
    ///
    /// ```
    /// use engine::{Error, MemoryParent, Overflow, Store};
    /// let store = Store::builder()
    ///     .parent(MemoryParent::new())
    ///     .undurable_limit(1_000, Overflow::Refuse)
    ///     .open()?;
    /// let refused = (0..1_000_000).find_map(|_| store.put("k", [0; 500]).err()).unwrap();
    /// assert!(matches!(refused, Error::UndurableLimit { limit: 1_000, .. }));
    /// store.flush()?;
    /// store.put("k", [0; 500])?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn undurable_limit(mut self, bytes: u64, overflow: Overflow) -> Self {
        (self.options.undurable, self.options.overflow) = (Some(bytes), overflow);
        self
    }

    /// Bytes that the store is to hold in memory: what the parent has is evicted beyond, and read from there. Default: none;
    /// everything stays in memory. A goal, not a ceiling: for that there is [`memory_limit`](Builder::memory_limit).
    ///
    /// *What changes.* A read whose key is not in memory asks the parent, which takes as long as that takes, and may fail. A range
    /// is merged from both. Opening the store reads nothing but the names of spaces. Snapshots show one version as ever,
    /// through both. A delete writes a few bytes more, and takes keys of 4 bytes less than the longest; a range that is deleted is looked through
    /// for that, and the commit is tried again if somebody else has written into it meanwhile. A transaction may meet a conflict with an
    /// eviction of a key that it has read.
    /// Evictions and checkpoints of the parent have versions of their own, so that those of commits have gaps.
    /// [`Stats`](crate::Stats) count what is in memory, and the word of deletes there. [`Changes`](crate::Changes) are found by comparing values.
    ///
    /// *What is evicted.* What was written some time ago, in key order and in turn, after a batch of the parent has become
    /// durable. It begins when [`Stats::bytes`](crate::Stats::bytes) come to three quarters of the budget. What is not durable yet
    /// cannot be evicted: [`undurable_limit`](Builder::undurable_limit) bounds that. What was written after a snapshot that is open stays
    /// until it is dropped. The parent's own memory, its cache above all, comes on top.
    ///
    /// ```
    /// use engine::{MemoryParent, Store};
    /// let store = Store::builder().parent(MemoryParent::new()).memory_budget(1 << 20).open()?;
    /// for number in 0..3_000_u32 {
    ///     store.put(number.to_be_bytes(), [7; 1_000])?;
    ///     if number % 100 == 0 {
    ///         store.flush()?;
    ///     }
    /// }
    /// assert!(store.stats().live_keys < 3_000);
    /// assert_eq!(store.snapshot().len()?, 3_000);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.options.budget = Some(bytes);
        self
    }

    /// Whom to tell how far [`open`](Builder::open) has come with what the parent has kept: every 16,384 entries, and at the
    /// end. It is called by the thread that opens the store.
    ///
    /// ```
    /// use engine::{MemoryParent, Store};
    /// let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// store.put("k", "v")?;
    /// drop(store); // waits until it is durable
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let again = Store::builder().parent(parent).on_resume(move |so_far| tell.send(so_far).unwrap());
    /// again.open()?;
    /// assert_eq!(told.recv().unwrap().entries, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn on_resume(mut self, notify: impl Fn(Resumed) + Send + Sync + 'static) -> Self {
        self.options.watcher = Some(Watcher(Arc::new(notify)));
        self
    }

    /// The store: empty, at [`Version::ZERO`](crate::Version::ZERO); or, with a parent, at the version and with the entries
    /// that this has kept. Then it takes time and memory proportional to the entries.
    ///
    /// # Errors
    /// In memory, none but [`Error::NoParent`]. With a parent: [`Error::Parent`], whatever is wrong with it, and what lies
    /// there is left as it is; [`TooManySpaces`](epoch_store::Error::TooManySpaces) and
    /// [`MemoryLimit`](epoch_store::Error::MemoryLimit) in [`Error::Map`], if what it has kept is more than was chosen.
    ///
    /// ```
    /// use engine::{Store, Version};
    /// let store = Store::builder().open()?;
    /// assert_eq!(store.version(), Version::ZERO);
    /// assert!(store.snapshot().is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn open(self) -> Result<Store, Error> {
        Ok(Store::new(Arc::new(Shared::open(self.options)?)))
    }
}
