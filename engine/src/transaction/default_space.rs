//! Reading and writing through the transaction itself: in the default key space.

use super::{Transaction, TransactionRange, TransactionSpace};
use crate::{Error, KeyRange, Value};

/// Reads. What they return borrows the transaction; it can be written to meanwhile.
impl Transaction {
    pub(super) fn default_space(&self) -> TransactionSpace<'_> {
        TransactionSpace::default(self)
    }

    /// The value of `key`: what the transaction has written to it, or else what the snapshot holds.
    ///
    /// Tracked under serializable isolation, unless it finds an own write, which depends on nobody. One look-up in a hash
    /// table, and one in a tree where there are own writes.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// let transaction = store.transaction();
    /// let before = transaction.get("a")?.unwrap();
    /// transaction.put("a", "2")?;
    /// transaction.delete("b")?;
    /// assert_eq!(transaction.get("a")?.unwrap(), "2");
    /// assert_eq!(before, "1"); // borrowed from the snapshot
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'_>>, Error> {
        self.default_space().get(key)
    }

    /// Whether `key` has a value; otherwise as [`Transaction::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// assert!(!transaction.contains("k")?);
    /// transaction.put("other", "")?;
    /// store.put("k", "somebody else's")?;
    /// assert!(transaction.commit().unwrap_err().is_conflict()); // to see that there is nothing is to read
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.default_space().contains(key)
    }

    /// The values of `keys`, in their order; otherwise as [`Transaction::get`]. The cache misses of several keys overlap.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// let transaction = store.transaction();
    /// transaction.put("b", "2")?;
    /// let values = transaction.get_many(&["a", "b", "c"])?;
    /// let [Some(a), Some(b), None] = &values[..] else { panic!() };
    /// assert!(*a == "1" && *b == "2");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Value<'_>>>, Error> {
        self.default_space().get_many(keys)
    }

    /// The value of `key`, on which the commit does not depend: others may write it, and this transaction goes through all the
    /// same. For what is only a hint.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// transaction.get_untracked("statistics")?;
    /// transaction.put("k", "v")?;
    /// store.put("statistics", "1")?;
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_untracked(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'_>>, Error> {
        self.default_space().get_untracked(key)
    }

    /// The value of `key`, on which the commit depends in any case: under snapshot isolation too, if the value is an
    /// own write, and if nothing is written in the end.
    ///
    /// Not a lock: others can write the key, and then this transaction conflicts. Against write skew under snapshot isolation,
    /// read what must not change by this.
    ///
    /// ```
    /// use engine::{Isolation, Store};
    /// let store = Store::in_memory();
    /// let mut transaction = store.transaction_with(Isolation::Snapshot);
    /// transaction.get_for_update("k")?;
    /// store.put("k", "somebody else's")?;
    /// assert!(transaction.commit().unwrap_err().is_conflict());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_for_update(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'_>>, Error> {
        self.default_space().get_for_update(key)
    }

    /// The entries inside the bounds, in key order, from either end: the snapshot's, overlaid with the transaction's own
    /// writes as they are now. An inverted range is empty.
    ///
    /// The transaction can be written to while one iterates, and the iterator does not see it. Under serializable
    /// isolation the commit depends on the part of the range that was consumed, and on no more; see [`TransactionRange`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// store.put("b", "1")?;
    /// let mut transaction = store.transaction();
    /// for entry in transaction.range("a"..) {
    ///     let (key, value) = entry?;
    ///     transaction.put([&key[..], b" copy"].concat(), value)?;
    /// }
    /// assert_eq!(transaction.iter().count(), 4);
    /// transaction.commit()?;
    ///
    /// transaction.range("a"..).next();
    /// transaction.put("k", "")?;
    /// store.put("x", "")?; // within the bounds, beyond what was read
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> TransactionRange<'_> {
        self.default_space().range(keys)
    }

    /// The entries whose keys begin with `prefix`; otherwise as [`Transaction::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let transaction = store.transaction();
    /// transaction.put("user/1", "")?;
    /// transaction.put("v", "")?;
    /// assert_eq!(transaction.prefix("user/").count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> TransactionRange<'_> {
        self.default_space().prefix(prefix)
    }

    /// All entries; otherwise as [`Transaction::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// let transaction = store.transaction();
    /// transaction.put("b", "2")?;
    /// assert_eq!(transaction.iter().count(), 2);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> TransactionRange<'_> {
        self.default_space().iter()
    }

    /// The entries inside the bounds, on which the commit does not depend; otherwise as [`Transaction::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// assert_eq!(transaction.range_untracked(..).count(), 0);
    /// transaction.put("k", "v")?;
    /// store.put("other", "")?;
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range_untracked(&self, keys: impl KeyRange) -> TransactionRange<'_> {
        self.default_space().range_untracked(keys)
    }
}

/// Writes. They are kept in the transaction until it is committed, and take logarithmic time in the number of keys written.
impl Transaction {
    /// Writes `value` under `key`. Copies both.
    ///
    /// # Errors
    /// In [`Error::Map`]: [`epoch_store::Error::EmptyKey`], [`epoch_store::Error::KeyTooLong`],
    /// [`epoch_store::Error::ValueTooLong`]. Nothing is written then.
    ///
    /// ```
    /// use engine::{Error, Store};
    /// let store = Store::in_memory();
    /// let mut transaction = store.transaction();
    /// assert!(matches!(transaction.put("", "v"), Err(Error::Map(epoch_store::Error::EmptyKey))));
    /// transaction.put("k", "v")?;
    /// transaction.commit()?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.default_space().put(key, value)
    }

    /// Deletes `key`, which is allowed not to be there.
    ///
    /// # Errors
    /// In [`Error::Map`]: [`epoch_store::Error::EmptyKey`], [`epoch_store::Error::KeyTooLong`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let mut transaction = store.transaction();
    /// transaction.delete("k")?;
    /// assert!(!transaction.contains("k")?);
    /// transaction.commit()?;
    /// assert!(!store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.default_space().delete(key)
    }

    /// Deletes the keys in `range` that the transaction sees. Returns how many.
    ///
    /// *What it means.* It reads the range, and then deletes what it saw, key by key; each counts as a write of the batch. Under
    /// serializable isolation all of the range has been read, so that nobody can have put anything into it when the
    /// commit goes through. Under snapshot isolation what others put there meanwhile stays. Takes time and memory
    /// proportional to the keys deleted; for a range to be deleted blindly, at once and whatever is in it, there is
    /// [`Store::delete_range`](crate::Store::delete_range).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a1", "")?;
    /// let mut transaction = store.transaction();
    /// transaction.put("a2", "")?;
    /// assert_eq!(transaction.delete_range("a".."b")?, 2);
    /// assert_eq!(transaction.iter().count(), 0);
    /// store.put("a3", "")?;
    /// assert!(transaction.commit().unwrap_err().is_conflict());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<usize, Error> {
        self.default_space().delete_range(range)
    }

    /// Writes `value` under `key`, if that has none, and says whether it did.
    ///
    /// A read that the commit depends on, under either isolation, also when it fails. (If nothing is written in the end, a
    /// commit depends on nothing.)
    ///
    /// # Errors
    /// As for [`Transaction::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// assert!(transaction.insert_if_absent("k", "1")?);
    /// assert!(!transaction.insert_if_absent("k", "2")?);
    /// store.put("k", "3")?;
    /// assert!(transaction.commit().unwrap_err().is_conflict());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn insert_if_absent(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.default_space().insert_if_absent(key, value)
    }

    /// Writes `new` under `key`, if its value is `expected`, and says whether it did; otherwise as
    /// [`Transaction::insert_if_absent`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "1")?;
    /// let mut transaction = store.transaction();
    /// assert!(transaction.compare_and_set("k", "1", "2")?);
    /// assert!(!transaction.compare_and_set("k", "1", "3")?);
    /// transaction.commit()?;
    /// assert_eq!(store.snapshot().get("k")?.unwrap(), "2");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_set(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
        new: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.default_space().compare_and_set(key, expected, new)
    }

    /// Deletes `key`, if its value is `expected`, and says whether it did; otherwise as [`Transaction::insert_if_absent`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "1")?;
    /// let mut transaction = store.transaction();
    /// assert!(!transaction.compare_and_delete("k", "2")?);
    /// assert!(transaction.compare_and_delete("k", "1")?);
    /// transaction.commit()?;
    /// assert!(!store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_delete(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.default_space().compare_and_delete(key, expected)
    }
}
