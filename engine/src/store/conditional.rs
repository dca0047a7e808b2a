//! Writes that depend on the value that they replace.
//!
//! Each is a loop: look at the key in a snapshot, and commit the write under the condition that nobody has written to the
//! key since. An attempt fails only because somebody else's write to that key succeeded: lock-free. What decides
//! is the value at the very moment of the commit, or, where nothing is written, at that of the last look.

use super::{KeySpace, Store};
use crate::shared::Shared;
use crate::{Error, MAX_KEY_LEN, Value, Version};
use epoch_store::{ReadSet, WriteBatch};

/// A key of the store, in a space of the map or in the default one.
struct Place<'a> {
    shared: &'a Shared,
    space: Option<&'a epoch_store::KeySpace>,
    key: &'a [u8],
}

impl Place<'_> {
    /// Writes a value, or deletes it, if what is there is as it should be. `None`: it is not.
    fn write_if(
        &self,
        value: Option<&[u8]>,
        is_met: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<Option<Version>, Error> {
        check_key(self.key)?;
        let batch = self.batch(value);
        loop {
            let snapshot = self.shared.admit(batch.len())?.snapshot();
            if !is_met(self.look(&snapshot)?.as_deref()) {
                return Ok(None);
            }
            let reads = self.reads(&snapshot);
            match self.shared.commit_if(&batch, &reads) {
                Err(Error::Conflict(_)) => {}
                result => return Ok(Some(result?)),
            }
        }
    }

    fn batch(&self, value: Option<&[u8]>) -> WriteBatch {
        let mut batch = WriteBatch::new();
        match (self.space, value) {
            (None, Some(value)) => batch.put(self.key, value),
            (None, None) => batch.delete(self.key),
            (Some(space), Some(value)) => batch.put_in(space, self.key, value),
            (Some(space), None) => batch.delete_in(space, self.key),
        };
        batch
    }

    fn look<'s>(&self, snapshot: &'s epoch_store::Snapshot) -> Result<Option<Value<'s>>, Error> {
        let found = match self.space {
            None => snapshot.get(self.key),
            Some(space) => snapshot.space(space)?.get(self.key),
        };
        if let Some(value) = found {
            return Ok(Some(Value::of_map(value)));
        }
        let space = self.space.map_or(0, epoch_store::KeySpace::id);
        self.shared.look_below(snapshot, space, self.key)
    }

    fn reads(&self, snapshot: &epoch_store::Snapshot) -> ReadSet {
        let mut reads = ReadSet::at(snapshot);
        match self.space {
            None => reads.key(self.key),
            Some(space) => reads.key_in(space, self.key),
        };
        reads
    }
}

/// A key that cannot be stored is wrong also where nothing comes to be written.
fn check_key(key: &[u8]) -> Result<(), Error> {
    match key.len() {
        0 => Err(epoch_store::Error::EmptyKey.into()),
        len if len > MAX_KEY_LEN => {
            Err(epoch_store::Error::KeyTooLong { len, max: MAX_KEY_LEN }.into())
        }
        _ => Ok(()),
    }
}

impl Store {
    fn place<'a>(&'a self, key: &'a [u8]) -> Place<'a> {
        Place { shared: self.shared(), space: None, key }
    }

    /// Stores `value` under `key` if the key has none. Returns the version of the commit, or `None` if there was a value, an
    /// empty one included: then nothing is committed.
    ///
    /// *Guarantee.* Looking and writing are one atomic step: of many threads that insert the same key, one succeeds.
    /// *Progress.* Lock-free: another attempt is made only after somebody else's write to the key. *Cost.* A look-up and a
    /// commit for each attempt.
    ///
    /// # Errors
    /// Those of [`Store::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.insert_if_absent("lock", "alice")?, Some(store.version()));
    /// assert_eq!(store.insert_if_absent("lock", "bob")?, None);
    /// assert_eq!(store.snapshot().get("lock")?.unwrap(), "alice");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn insert_if_absent(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Option<Version>, Error> {
        self.place(key.as_ref()).write_if(Some(value.as_ref()), |old| old.is_none())
    }

    /// Stores `new` under `key` if its value is `expected`, byte by byte. Returns the version of the commit, or `None` if it
    /// had another value or none: then nothing is committed. Where none is expected: [`Store::insert_if_absent`].
    ///
    /// Guarantee, progress and cost are those of [`Store::insert_if_absent`], plus the comparison. A value that was
    /// changed and changed back is equal.
    ///
    /// # Errors
    /// Those of [`Store::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("turn", "alice")?;
    /// assert!(store.compare_and_set("turn", "alice", "bob")?.is_some());
    /// assert!(store.compare_and_set("turn", "alice", "carol")?.is_none());
    /// assert_eq!(store.snapshot().get("turn")?.unwrap(), "bob");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_set(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
        new: impl AsRef<[u8]>,
    ) -> Result<Option<Version>, Error> {
        let expected = Some(expected.as_ref());
        self.place(key.as_ref()).write_if(Some(new.as_ref()), |old| old == expected)
    }

    /// Deletes `key` if its value is `expected`. Otherwise as [`Store::compare_and_set`].
    ///
    /// # Errors
    /// Those of [`Store::delete`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("lock", "alice")?;
    /// assert!(store.compare_and_delete("lock", "bob")?.is_none());
    /// assert!(store.compare_and_delete("lock", "alice")?.is_some());
    /// assert!(!store.snapshot().contains("lock")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_delete(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
    ) -> Result<Option<Version>, Error> {
        let expected = Some(expected.as_ref());
        self.place(key.as_ref()).write_if(None, |old| old == expected)
    }
}

impl KeySpace {
    fn place<'a>(&'a self, key: &'a [u8]) -> Place<'a> {
        Place { shared: self.shared(), space: Some(self.of_map()), key }
    }

    /// As [`Store::insert_if_absent`], in this space.
    ///
    /// # Errors
    /// Those of [`KeySpace::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let names = store.key_space("names")?;
    /// store.put("alice", "in the default space")?;
    /// assert!(names.insert_if_absent("alice", "1")?.is_some());
    /// assert!(names.insert_if_absent("alice", "2")?.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn insert_if_absent(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Option<Version>, Error> {
        self.place(key.as_ref()).write_if(Some(value.as_ref()), |old| old.is_none())
    }

    /// As [`Store::compare_and_set`], in this space.
    ///
    /// # Errors
    /// Those of [`KeySpace::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let turns = store.key_space("turns")?;
    /// turns.put("game 1", "alice")?;
    /// assert!(turns.compare_and_set("game 1", "alice", "bob")?.is_some());
    /// assert!(turns.compare_and_set("game 2", "alice", "bob")?.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_set(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
        new: impl AsRef<[u8]>,
    ) -> Result<Option<Version>, Error> {
        let expected = Some(expected.as_ref());
        self.place(key.as_ref()).write_if(Some(new.as_ref()), |old| old == expected)
    }

    /// As [`Store::compare_and_delete`], in this space.
    ///
    /// # Errors
    /// Those of [`KeySpace::delete`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let locks = store.key_space("locks")?;
    /// locks.put("door", "alice")?;
    /// assert!(locks.compare_and_delete("door", "alice")?.is_some());
    /// assert!(locks.compare_and_delete("door", "alice")?.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn compare_and_delete(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
    ) -> Result<Option<Version>, Error> {
        let expected = Some(expected.as_ref());
        self.place(key.as_ref()).write_if(None, |old| old == expected)
    }
}
