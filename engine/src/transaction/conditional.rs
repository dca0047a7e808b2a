//! Writes of a transaction that depend on the value that they replace.
//!
//! Each reads its key in a way that the commit depends on under either isolation, also where it then writes nothing: to be
//! told that a key has another value is to have read it.

use super::TransactionSpace;
use super::chain::Shared;
use super::space::{Track, check_key, check_value};
use crate::Error;

impl TransactionSpace<'_> {
    /// Writes `value` under `key`, if that has none; see
    /// [`Transaction::insert_if_absent`](super::Transaction::insert_if_absent).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// assert!(!space.insert_if_absent("alice", "1")? && space.insert_if_absent("bob", "1")?);
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn insert_if_absent(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        check_key(key)?;
        check_value(value)?;
        let absent = self.read(key, Track::Always)?.is_none();
        if absent {
            self.write(key, Some(value.into()));
        }
        Ok(absent)
    }

    /// Writes `new` under `key`, if its value is `expected`; see
    /// [`Transaction::compare_and_set`](super::Transaction::compare_and_set).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// assert!(space.compare_and_set("alice", "10", "7")? && !space.compare_and_set("alice", "10", "4")?);
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_set(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
        new: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let (key, expected, new) = (key.as_ref(), expected.as_ref(), new.as_ref());
        check_value(new)?;
        self.replace(key, expected, Some(new))
    }

    /// Deletes `key`, if its value is `expected`; see
    /// [`Transaction::compare_and_delete`](super::Transaction::compare_and_delete).
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let mut transaction = store.transaction();
    /// let space = transaction.space(&accounts)?;
    /// assert!(!space.compare_and_delete("alice", "7")? && space.compare_and_delete("alice", "10")?);
    /// transaction.commit()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_delete(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.replace(key.as_ref(), expected.as_ref(), None)
    }

    fn replace(&self, key: &[u8], expected: &[u8], new: Option<&[u8]>) -> Result<bool, Error> {
        check_key(key)?;
        let equal = self.read(key, Track::Always)?.is_some_and(|value| value == expected);
        if equal {
            self.write(key, new.map(Shared::from));
        }
        Ok(equal)
    }
}
