//! Handles to key spaces: the named ordered maps inside a store.

use crate::durable::Writes;
use crate::shared::Shared;
use crate::{ChangeSet, Changes};
use crate::{Cursor, Error, KeyRange, Lease, LeaseView, Snapshot, SpaceView, Version, WriteBatch};
use epoch_store::WriteOp;
use std::fmt;
use std::sync::Arc;

/// A named ordered map inside a [`Store`](crate::Store), from [`Store::key_space`](crate::Store::key_space).
///
/// The same key in two spaces is two keys. All spaces of a store share its versions: a [`WriteBatch`] may write to several of
/// them ([`WriteBatch::put_in`]) and is one atomic commit; a [`Snapshot`] shows all of them at one version
/// ([`Snapshot::space`]).
///
/// A `KeySpace` is a handle: it is cloned like a store, and keeps what is stored alive. Spaces are never removed: each takes
/// two to three KiB, also an empty one.
///
/// *Guarantee, progress and cost* of each method are those of the method of the store with the same name.
///
/// ```
/// use engine::{Store, WriteBatch};
/// let store = Store::in_memory();
/// let accounts = store.key_space("accounts")?;
/// let by_balance = store.key_space("accounts by balance")?;
///
/// let mut batch = WriteBatch::new();
/// batch.put_in(&accounts, "alice", "10").put_in(&by_balance, "10 alice", "");
/// store.commit(&batch)?; // nobody sees the one without the other
///
/// let snapshot = store.snapshot();
/// assert_eq!(snapshot.space(&accounts)?.get("alice")?.unwrap(), "10");
/// assert_eq!(snapshot.space(&by_balance)?.first()?.unwrap().0, "10 alice");
/// assert!(snapshot.is_empty()?); // the default space has keys of its own
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone)]
pub struct KeySpace {
    map: epoch_store::KeySpace,
    shared: Arc<Shared>,
}

impl KeySpace {
    /// A handle to a user's space.
    pub(super) fn new(map: epoch_store::KeySpace, shared: &Arc<Shared>) -> Self {
        Self { map, shared: shared.clone() }
    }

    /// The space of the map.
    pub(crate) fn of_map(&self) -> &epoch_store::KeySpace {
        &self.map
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The name that the space was opened by.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.key_space("accounts")?.name(), "accounts");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        self.map.name()
    }

    /// Stores `value` under `key` in this space, as a commit of its own.
    ///
    /// # Errors
    /// Those of [`Store::put`](crate::Store::put).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// let version = accounts.put("alice", "10")?;
    /// assert_eq!(store.version(), version); // one count for all spaces
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Version, Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let write = WriteOp { space: self.map.id(), key, value: Some(value) };
        self.shared.commit(Writes::One(write), |_map| self.map.put(key, value))
    }

    /// Deletes `key` in this space, as a commit of its own.
    ///
    /// # Errors
    /// Those of [`Store::delete`](crate::Store::delete).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// store.put("alice", "elsewhere")?;
    /// accounts.delete("alice")?;
    /// assert!(store.snapshot().contains("alice")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Version, Error> {
        let key = key.as_ref();
        let write = WriteOp { space: self.map.id(), key, value: None };
        self.shared.commit(Writes::One(write), |_map| self.map.delete(key))
    }

    /// Deletes every key in `range` in this space, as a commit of its own.
    ///
    /// # Errors
    /// Those of [`Store::delete_range`](crate::Store::delete_range).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.delete_range(..)?;
    /// assert!(store.snapshot().space(&accounts)?.is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<Version, Error> {
        let mut batch = epoch_store::WriteBatch::new();
        batch.delete_range_in(&self.map, range);
        self.shared.commit(Writes::Batch(&batch), |map| map.commit(&batch))
    }
}

impl fmt::Debug for KeySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySpace").field("name", &self.name()).finish_non_exhaustive()
    }
}

// From here on what others do with a space: not where they stand, since a handle is made of the same as they are.

impl WriteBatch {
    /// Adds a write of `value` under `key` in `space`. Copies both.
    ///
    /// The batch can then be committed to the store of that space only: any other refuses it with
    /// [`ForeignSpace`](epoch_store::Error::ForeignSpace), and so does every store if the batch names spaces of several.
    ///
    /// ```
    /// use engine::{Error, Store, WriteBatch};
    /// let (store, other) = (Store::in_memory(), Store::in_memory());
    /// let mut batch = WriteBatch::new();
    /// batch.put("alice", "in the default space").put_in(&store.key_space("accounts")?, "alice", "10");
    /// store.commit(&batch)?;
    /// let refused = other.commit(&batch).unwrap_err();
    /// assert!(matches!(refused, Error::Map(epoch_store::Error::ForeignSpace)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn put_in(
        &mut self,
        space: &KeySpace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> &mut Self {
        self.of_map_mut().put_in(&space.map, key, value);
        self
    }

    /// Adds a delete of `key` in `space`; otherwise as [`WriteBatch::put_in`].
    ///
    /// ```
    /// # use engine::{Store, WriteBatch};
    /// # let store = Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// store.commit(WriteBatch::new().delete_in(&accounts, "alice"))?;
    /// assert!(!store.snapshot().space(&accounts)?.contains("alice")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_in(&mut self, space: &KeySpace, key: impl AsRef<[u8]>) -> &mut Self {
        self.of_map_mut().delete_in(&space.map, key);
        self
    }

    /// Adds a delete of every key of `space` in `range`; as [`WriteBatch::delete_range`], and otherwise as
    /// [`WriteBatch::put_in`].
    ///
    /// ```
    /// # use engine::{Store, WriteBatch};
    /// # let store = Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut batch = WriteBatch::new();
    /// batch.delete_range_in(&accounts, ..).put_in(&accounts, "bob", "3");
    /// store.commit(&batch)?; // all that there was is replaced at once
    /// assert_eq!(store.snapshot().space(&accounts)?.len()?, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range_in(&mut self, space: &KeySpace, range: impl KeyRange) -> &mut Self {
        self.of_map_mut().delete_range_in(&space.map, range);
        self
    }
}

impl Snapshot {
    /// The keys of `space` at this version. Wait-free. Empty if the space was created later.
    ///
    /// All other methods of a snapshot read the default space: the keys written without naming a space.
    ///
    /// # Errors
    /// [`ForeignSpace`](epoch_store::Error::ForeignSpace), in [`Error::Map`]: it is a space of another store.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let snapshot = store.snapshot();
    /// assert_eq!(snapshot.space(&accounts)?.get("alice")?.unwrap(), "10");
    /// assert!(snapshot.get("alice")?.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn space(&self, space: &KeySpace) -> Result<SpaceView<'_>, Error> {
        let view = self.of_map().space(&space.map)?;
        Ok(SpaceView::new(view, self.beneath(space.map.id())))
    }

    /// A cursor over the keys of `space`; as [`Snapshot::cursor`] over those of the default space.
    ///
    /// # Errors
    /// As for [`Snapshot::space`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut cursor = store.snapshot().cursor_in(&accounts)?;
    /// assert!(cursor.seek_to_first()? && cursor.key().unwrap() == "alice");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn cursor_in(&self, space: &KeySpace) -> Result<Cursor, Error> {
        self.of_map().space(&space.map)?;
        Ok(Cursor::new(self.clone(), Some(space.map.clone())))
    }
}

impl ChangeSet {
    /// The changes in `space` of keys inside the bounds.
    ///
    /// # Errors
    /// As for [`Snapshot::space`].
    ///
    /// ```
    /// let store = engine::Store::builder().retain_versions(10).open()?;
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let changes = store.changes_since(engine::Version::ZERO)?;
    /// assert_eq!(changes.range_in(&accounts, ..)?.count(), 1);
    /// assert_eq!(changes.iter().count(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range_in(&self, space: &KeySpace, keys: impl KeyRange) -> Result<Changes<'_>, Error> {
        let bounds = keys.bounds();
        let changes = self.of_map().range_in(&space.map, bounds)?;
        if self.newer().beneath(0).is_some() {
            let (older, newer) = (self.older().space(space)?, self.newer().space(space)?);
            return Ok(Changes::compared(older.range(bounds), newer.range(bounds)));
        }
        Ok(Changes::new(changes))
    }
}

impl Lease {
    /// The keys of `space` at this version; as [`Snapshot::space`].
    ///
    /// # Errors
    /// As for [`Snapshot::space`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// assert_eq!(lease.space(&accounts)?.get("alice")?.unwrap(), b"10");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn space(&self, space: &KeySpace) -> Result<LeaseView<'_>, Error> {
        let view = self.of_map().space(&space.map)?;
        Ok(LeaseView::new(view, self.beneath(space.map.id())))
    }
}
