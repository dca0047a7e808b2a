//! Handles to key spaces: the named maps inside a map.

use crate::Version;
use crate::batch::{WriteBatch, WriteOp};
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::store::{Store, StoreRef};
use std::fmt;

/// A named ordered map inside a [`Map`](crate::Map), from [`Map::key_space`](crate::Map::key_space),
/// [`Map::find_key_space`](crate::Map::find_key_space) or [`Map::key_spaces`](crate::Map::key_spaces).
///
/// The same key in two spaces is two keys. All spaces of a map share its versions: a [`WriteBatch`] may write to several of
/// them ([`WriteBatch::put_in`]) and is one atomic commit; a [`Snapshot`](crate::Snapshot) shows all of them at one version
/// ([`Snapshot::space`](crate::Snapshot::space)).
///
/// A `KeySpace` is a handle: it is cloned like a [`Map`](crate::Map), and keeps the map alive. Spaces are never removed:
/// each takes two to three KiB, also an empty one.
///
/// *Guarantee and progress* of [`put`](KeySpace::put) and [`delete`](KeySpace::delete) are those of the map's.
///
/// ```
/// use epoch_store::{Map, WriteBatch};
/// let map = Map::new();
/// let accounts = map.key_space("accounts")?;
/// let by_balance = map.key_space("accounts by balance")?;
///
/// let mut batch = WriteBatch::new();
/// batch.put_in(&accounts, "alice", "10").put_in(&by_balance, "10 alice", "");
/// map.commit(&batch)?; // nobody sees the one without the other
///
/// let snapshot = map.snapshot();
/// assert_eq!(snapshot.space(&accounts)?.get("alice").unwrap(), b"10");
/// assert_eq!(snapshot.space(&by_balance)?.first().unwrap().0, b"10 alice");
/// assert_eq!(snapshot.iter().count(), 0); // the default space has keys of its own
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Clone)]
pub struct KeySpace {
    store: StoreRef,
    /// Its id in that store.
    id: u32,
}

impl KeySpace {
    pub(crate) fn open(store: &StoreRef, name: &str) -> Result<Self, Error> {
        Ok(Self { id: store.open_space(name)?, store: store.clone() })
    }

    pub(crate) fn find(store: &StoreRef, name: &str) -> Option<Self> {
        Some(Self { id: store.find_space(name)?, store: store.clone() })
    }

    pub(crate) fn all(store: &StoreRef) -> impl Iterator<Item = Self> {
        store.named_spaces().map(|id| Self { id, store: store.clone() })
    }

    /// The name that the space was opened by.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// assert_eq!(map.key_space("accounts")?.name(), "accounts");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        self.store.space_name(self.id)
    }

    /// Its number, by which parts of a batch name it: 1, 2, .., in the order in which they were created.
    #[doc(hidden)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Stores `value` under `key` in this space, as a commit of its own; as [`Map::put`](crate::Map::put) does in the
    /// default space.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`], [`Error::ValueTooLong`]; [`Error::BatchTooLarge`], if the map allows no
    /// writes at all; [`Error::MemoryLimit`], if it was built with one. Nothing is stored then.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// let version = accounts.put("alice", "10")?;
    /// assert_eq!(map.version(), version); // one count for all spaces
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    #[inline]
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.write(key.as_ref(), Some(value.as_ref()))
    }

    /// Deletes `key` in this space, as a commit of its own; as [`Map::delete`](crate::Map::delete) does in the default
    /// space.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`]; [`Error::BatchTooLarge`], if the map allows no writes at all. Nothing is
    /// changed then.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// map.put("alice", "elsewhere")?;
    /// accounts.delete("alice")?;
    /// assert!(map.snapshot().contains("alice"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        self.write(key.as_ref(), None)
    }

    /// Deletes every key in `range` in this space, as a commit of its own; as
    /// [`Map::delete_range`](crate::Map::delete_range) does in the default space.
    ///
    /// # Errors
    /// As for [`Map::delete_range`](crate::Map::delete_range).
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// map.put("alice", "elsewhere")?;
    /// accounts.delete_range(..)?;
    /// assert!(map.snapshot().contains("alice"));
    /// assert_eq!(map.snapshot().space(&accounts)?.iter().count(), 0);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<Version, Error> {
        self.store.commit_batch(WriteBatch::new().delete_range_in(self, range)).map(Version::from)
    }

    #[inline]
    fn write(&self, key: &[u8], value: Option<&[u8]>) -> Result<Version, Error> {
        let op = WriteOp { space: self.id, key, value };
        self.store.commit(std::iter::once(op)).map(Version::from)
    }

    /// Its id, if it is a space of `store`: an id of another store would be some other space, or none.
    pub(crate) fn id_in(&self, store: &Store) -> Result<u32, Error> {
        if self.store.serial() == store.serial() { Ok(self.id) } else { Err(Error::ForeignSpace) }
    }
}

// Here, and not with the rest of a batch: the store uses that, and these handles are made of the store.
impl WriteBatch {
    /// Adds a write of `value` under `key` in `space`. Copies both.
    ///
    /// The batch can then be committed to the map of that space only: any other refuses it with
    /// [`Error::ForeignSpace`], and so does every map if the batch names spaces of several.
    ///
    /// ```
    /// use epoch_store::{Error, Map, WriteBatch};
    /// let (map, other) = (Map::new(), Map::new());
    /// let mut batch = WriteBatch::new();
    /// batch.put("alice", "in the default space").put_in(&map.key_space("accounts")?, "alice", "10");
    /// map.commit(&batch)?;
    /// assert_eq!(other.commit(&batch), Err(Error::ForeignSpace));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn put_in(
        &mut self,
        space: &KeySpace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> &mut Self {
        // The caller's `as_ref` may panic: before the batch is changed.
        let (key, value) = (key.as_ref(), value.as_ref());
        self.belong_to(space.store.serial());
        self.add(space.id, key, Some(value))
    }

    /// Adds a delete of `key` in `space`; otherwise as [`WriteBatch::put_in`].
    ///
    /// ```
    /// # use epoch_store::{Map, WriteBatch};
    /// # let map = Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// map.commit(WriteBatch::new().delete_in(&accounts, "alice"))?;
    /// assert!(!map.snapshot().space(&accounts)?.contains("alice"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete_in(&mut self, space: &KeySpace, key: impl AsRef<[u8]>) -> &mut Self {
        let key = key.as_ref();
        self.belong_to(space.store.serial());
        self.add(space.id, key, None)
    }

    /// Adds a delete of every key of `space` in `range`; as [`WriteBatch::delete_range`] in the default space, and otherwise
    /// as [`WriteBatch::put_in`].
    ///
    /// ```
    /// # use epoch_store::{Map, WriteBatch};
    /// # let map = Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut batch = WriteBatch::new();
    /// batch.delete_range_in(&accounts, ..).put_in(&accounts, "bob", "3");
    /// map.commit(&batch)?; // all that there was is replaced at once
    /// assert_eq!(map.snapshot().space(&accounts)?.iter().count(), 1);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete_range_in(&mut self, space: &KeySpace, range: impl KeyRange) -> &mut Self {
        let bounds = range.bounds();
        self.belong_to(space.store.serial());
        self.add_range(space.id, bounds)
    }
}

impl fmt::Debug for KeySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySpace").field("name", &self.name()).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(KeySpace: Send, Sync, Clone);
