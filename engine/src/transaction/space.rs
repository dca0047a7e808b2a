//! One key space of a transaction: where all reading and writing is done.

use super::bounds::{self, Bounds};
use super::chain::{Shared, Written};
use super::{Isolation, Transaction, TransactionRange};
use crate::{Error, Key, KeyRange, MAX_KEY_LEN, MAX_VALUE_LEN, Range, Snapshot, SpaceView, Value};
use std::fmt;

/// One key space of a transaction, from [`Transaction::space`]: reads and writes as the transaction itself does, inside this
/// space.
///
/// *Cost.* A view is a few words, and copied like them. What is read borrows the transaction, not the view. *Guarantee,
/// progress and complexity* of each method are those of the method of [`Transaction`] with the same name, which reads or
/// writes the default space.
///
/// ```
/// # let store = engine::Store::in_memory();
/// let accounts = store.key_space("accounts")?;
/// let mut transaction = store.transaction();
/// let view = transaction.space(&accounts)?;
/// view.put("alice", "10")?;
/// view.put("bob", "3")?;
/// let names: Result<Vec<_>, _> = view.iter().rev().map(|entry| Ok(entry?.0.to_vec())).collect();
/// # let names: Result<Vec<Vec<u8>>, engine::Error> = names;
/// assert_eq!(names?, [b"bob".to_vec(), b"alice".to_vec()]);
/// assert_eq!(transaction.get("alice")?, None); // not in the default space
/// transaction.commit()?;
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct TransactionSpace<'t> {
    transaction: &'t Transaction,
    stored: Stored<'t>,
    index: usize,
}

/// What was stored in a space at the snapshot.
#[derive(Clone, Copy)]
enum Stored<'t> {
    Default(&'t Snapshot),
    Named(SpaceView<'t>),
}

impl<'t> Stored<'t> {
    fn get(&self, key: &[u8]) -> Result<Option<Value<'t>>, Error> {
        match self {
            Self::Default(snapshot) => snapshot.get(key),
            Self::Named(view) => view.get(key),
        }
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'t>>>, Error> {
        match self {
            Self::Default(snapshot) => snapshot.get_many(keys),
            Self::Named(view) => view.get_many(keys),
        }
    }

    fn range(&self, bounds: Bounds) -> Range<'t> {
        match self {
            Self::Default(snapshot) => snapshot.range(bounds),
            Self::Named(view) => view.range(bounds),
        }
    }
}

/// Whether a read is one that the commit depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Track {
    /// It is not.
    No,
    /// It is, unless its result is an own write, which depends on nobody.
    Stored,
    /// It is.
    Always,
}

impl<'t> TransactionSpace<'t> {
    pub(super) fn default(transaction: &'t Transaction) -> Self {
        Self { transaction, stored: Stored::Default(&transaction.snapshot), index: 0 }
    }

    /// A named space of the transaction's store.
    pub(super) fn named(transaction: &'t Transaction, view: SpaceView<'t>, index: usize) -> Self {
        Self { transaction, stored: Stored::Named(view), index }
    }

    /// What a read like any other does.
    fn by_default(&self) -> Track {
        match self.transaction.isolation {
            Isolation::Serializable => Track::Stored,
            Isolation::Snapshot => Track::No,
        }
    }

    /// What was written to `key`, if anything was. Notes the read, if it is to be tracked.
    fn written(&self, key: &[u8], track: Track) -> Option<Written> {
        let mut state = self.transaction.state.borrow_mut();
        let written = state.writes.get(self.index, key).cloned();
        let tracked = track == Track::Always || (track == Track::Stored && written.is_none());
        // Of a key that cannot be stored it is known for ever what it has.
        if tracked && check_key(key).is_ok() {
            state.read_key(self.index, key);
        }
        written
    }

    pub(super) fn read(&self, key: &[u8], track: Track) -> Result<Option<Value<'t>>, Error> {
        match self.written(key, track) {
            Some(written) => Ok(written.map(Value::of_shared)),
            None => self.stored.get(key),
        }
    }

    /// The value of `key`; see [`Transaction::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.put("bob", "3")?;
    /// assert_eq!(space.get("alice")?.unwrap(), "10");
    /// assert_eq!(space.get("bob")?.unwrap(), "3");
    /// assert_eq!(transaction.get("bob")?, None); // that is the default space
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'t>>, Error> {
        self.read(key.as_ref(), self.by_default())
    }

    /// Whether `key` has a value; see [`Transaction::contains`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// assert!(space.contains("alice")? && !transaction.contains("alice")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// The values of `keys`, in their order; see [`Transaction::get_many`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.put("bob", "3")?;
    /// let values = space.get_many(&["alice", "bob", "carol"])?;
    /// assert_eq!(values.iter().flatten().count(), 2);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Value<'t>>>, Error> {
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        let mut values = self.stored.get_many(&keys)?;
        for (key, value) in keys.into_iter().zip(&mut values) {
            if let Some(written) = self.written(key, self.by_default()) {
                *value = written.map(Value::of_shared);
            }
        }
        Ok(values)
    }

    /// The value of `key`, on which the commit does not depend; see [`Transaction::get_untracked`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.get_untracked("alice")?;
    /// space.put("bob", "3")?;
    /// accounts.put("alice", "somebody else's")?;
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_untracked(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'t>>, Error> {
        self.read(key.as_ref(), Track::No)
    }

    /// The value of `key`, on which the commit depends in any case; see [`Transaction::get_for_update`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.get_for_update("alice")?;
    /// accounts.put("alice", "somebody else's")?;
    /// assert!(transaction.commit().unwrap_err().is_conflict());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_for_update(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'t>>, Error> {
        self.transaction.state.borrow_mut().reads.require();
        self.read(key.as_ref(), Track::Always)
    }

    /// The entries inside the bounds, in key order, from either end; see [`Transaction::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.put("bob", "3")?;
    /// assert_eq!(space.range("a".."c").rev().next().unwrap()?.0, "bob");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> TransactionRange<'t> {
        self.iterate(bounds::copied(&keys), self.by_default())
    }

    /// All entries of the space, in key order, from either end; see [`Transaction::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.delete("alice")?;
    /// assert_eq!(space.iter().count(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> TransactionRange<'t> {
        self.range(..)
    }

    /// The entries whose keys begin with `prefix`; see [`Transaction::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// assert_eq!((space.prefix("al").count(), space.prefix("b").count()), (1, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> TransactionRange<'t> {
        self.iterate(bounds::of_prefix(prefix.as_ref()), self.by_default())
    }

    /// The entries inside the bounds, on which the commit does not depend; see [`Transaction::range_untracked`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// assert_eq!(space.range_untracked(..).count(), 1);
    /// space.put("bob", "3")?;
    /// accounts.put("carol", "")?;
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range_untracked(&self, keys: impl KeyRange) -> TransactionRange<'t> {
        self.iterate(bounds::copied(&keys), Track::No)
    }

    fn iterate(&self, bounds: Bounds, track: Track) -> TransactionRange<'t> {
        let state = &self.transaction.state;
        let open = || state.borrow_mut().open_range(self.index, bounds.clone());
        let place = (track != Track::No).then(open);
        TransactionRange::new(self.stored.range(bounds.clone()), state, self.index, bounds, place)
    }

    /// Writes `value` under `key`; see [`Transaction::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.put("alice", "7")?;
    /// transaction.commit()?;
    /// assert_eq!(store.snapshot().space(&accounts)?.get("alice")?.unwrap(), "7");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        check_key(key)?;
        check_value(value)?;
        self.write(key, Some(value.into()));
        Ok(())
    }

    /// Deletes `key`; see [`Transaction::delete`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.delete("alice")?;
    /// transaction.commit()?;
    /// assert!(store.snapshot().space(&accounts)?.is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        let key = key.as_ref();
        check_key(key)?;
        self.write(key, None);
        Ok(())
    }

    /// Deletes the keys in `range` that the transaction sees; see [`Transaction::delete_range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// space.put("bob", "3")?;
    /// assert_eq!(space.delete_range("a".."z")?, 2);
    /// transaction.commit()?;
    /// assert!(store.snapshot().space(&accounts)?.is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<usize, Error> {
        let seen: Result<Vec<Key<'_>>, Error> =
            self.range(range).map(|entry| Ok(entry?.0)).collect();
        let seen = seen?;
        seen.iter().for_each(|key| self.write(key, None));
        Ok(seen.len())
    }

    pub(super) fn write(&self, key: &[u8], written: Option<Shared>) {
        self.transaction.state.borrow_mut().writes.write(self.index, key, written);
    }
}

/// Whether this can be a key.
pub(super) fn check_key(key: &[u8]) -> Result<(), epoch_store::Error> {
    match key.len() {
        0 => Err(epoch_store::Error::EmptyKey),
        len if len > MAX_KEY_LEN => Err(epoch_store::Error::KeyTooLong { len, max: MAX_KEY_LEN }),
        _ => Ok(()),
    }
}

/// Whether this can be a value.
pub(super) fn check_value(value: &[u8]) -> Result<(), epoch_store::Error> {
    let (len, max) = (value.len(), MAX_VALUE_LEN);
    if len > max { Err(epoch_store::Error::ValueTooLong { len, max }) } else { Ok(()) }
}

impl fmt::Debug for TransactionSpace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionSpace")
            .field("transaction", self.transaction)
            .finish_non_exhaustive()
    }
}
