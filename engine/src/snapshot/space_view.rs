//! One key space of a snapshot.

use super::{Changes, Keys, Range, Snapshot, complete, look_below, with_prefix};
use crate::below::Beneath;
use crate::{Error, Key, KeyRange, Value, Version};

/// One key space of a snapshot, from [`Snapshot::space`]: reads as the snapshot itself does, inside this space.
///
/// *Guarantee.* All views of a snapshot show one version: a commit that wrote to several spaces is seen in all of them or
/// in none. What is read borrows the snapshot, not the view.
///
/// *Cost.* A view is two pointers, and copied like them. *Guarantee, progress, complexity and errors* of each method are
/// those of the method of [`Snapshot`] with the same name, which reads the default space.
///
/// ```
/// use engine::{Store, Value};
/// let store = Store::in_memory();
/// let accounts = store.key_space("accounts")?;
/// accounts.put("alice", "10")?;
/// let snapshot = store.snapshot();
/// let balance: Value<'_> = {
///     let view = snapshot.space(&accounts)?;
///     assert!(!view.contains("bob")?);
///     view.get("alice")?.unwrap()
/// };
/// assert_eq!(balance, "10"); // without the view
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SpaceView<'s> {
    map: epoch_store::SpaceView<'s>,
    beneath: Option<Beneath<'s, epoch_store::Snapshot>>,
}

impl<'s> SpaceView<'s> {
    pub(crate) fn new(
        map: epoch_store::SpaceView<'s>,
        beneath: Option<Beneath<'s, epoch_store::Snapshot>>,
    ) -> Self {
        Self { map, beneath }
    }

    /// The version that the snapshot shows.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!(view.version(), snapshot.version());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// The value of `key`; see [`Snapshot::get`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!(view.get("alice")?.unwrap(), "10");
    /// assert_eq!(snapshot.get("alice")?, None); // that is the default space
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'s>>, Error> {
        let key = key.as_ref();
        match self.map.get(key) {
            Some(value) => Ok(Some(Value::of_map(value))),
            None => look_below(self.beneath, key),
        }
    }

    /// The values of `keys`, in their order, their cache misses overlapped; see [`Snapshot::get_many`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// let values = view.get_many(&["bob", "carol"])?;
    /// let [Some(bob), None] = &values[..] else { panic!() };
    /// assert_eq!(*bob, "3");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Value<'s>>>, Error> {
        complete(self.beneath, keys, self.map.get_many(keys))
    }

    /// Whether `key` has a value; see [`Snapshot::contains`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert!(view.contains("alice")? && !view.contains("carol")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// The entries inside the bounds, in key order, from either end; see [`Snapshot::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// let last = view.range("a".."c").next_back().unwrap()?;
    /// assert!(last.0 == "bob" && last.1 == "3");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> Range<'s> {
        let bounds = keys.bounds();
        Range::new(self.map.range(bounds), self.beneath, bounds)
    }

    /// All entries of the space, in key order, from either end; see [`Snapshot::iter`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!((view.iter().count(), snapshot.iter().count()), (2, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> Range<'s> {
        self.range(..)
    }

    /// The entries whose keys begin with `prefix`; see [`Snapshot::prefix`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!(view.prefix("al").count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range<'s> {
        with_prefix(prefix.as_ref(), |bounds| self.range(bounds))
    }

    /// The keys inside the bounds; see [`Snapshot::keys`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// let keys = view.keys("a"..).collect::<Result<Vec<_>, _>>()?;
    /// assert!(keys.len() == 2 && keys[0] == "alice");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn keys(&self, keys: impl KeyRange) -> Keys<'s> {
        Keys::new(self.range(keys))
    }

    /// The number of entries inside the bounds, by a walk; see [`Snapshot::count`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!((view.count("b"..)?, view.count("c"..)?), (1, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn count(&self, keys: impl KeyRange) -> Result<usize, Error> {
        self.range(keys).count_all()
    }

    /// The entry with the smallest key of the space; see [`Snapshot::first`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!(view.first()?.unwrap().0, "alice");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn first(&self) -> Result<Option<(Key<'s>, Value<'s>)>, Error> {
        self.iter().next().transpose()
    }

    /// The entry with the greatest key of the space; see [`Snapshot::last`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!(view.last()?.unwrap().0, "bob");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn last(&self) -> Result<Option<(Key<'s>, Value<'s>)>, Error> {
        self.iter().next_back().transpose()
    }

    /// The number of all entries of the space, by a walk; see [`Snapshot::len`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert_eq!((view.len()?, snapshot.len()?), (2, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn len(&self) -> Result<usize, Error> {
        self.iter().count_all()
    }

    /// Whether the space has no entry; see [`Snapshot::is_empty`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// # let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "3")?;
    /// let snapshot = store.snapshot();
    /// let view = snapshot.space(&accounts)?;
    /// assert!(!view.is_empty()? && snapshot.is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.first()?.is_none())
    }

    /// What was written to this space between `older` and this view's snapshot; see [`Snapshot::changes_since`].
    ///
    /// # Errors
    /// As for [`Snapshot::changes_since`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// let older = store.snapshot();
    /// store.put("elsewhere", "")?;
    /// accounts.put("alice", "10")?;
    /// let newer = store.snapshot();
    /// let changes: Result<Vec<_>, _> = newer.space(&accounts)?.changes_since(&older)?.collect();
    /// let changes = changes?;
    /// assert!(changes.len() == 1 && changes[0].key == "alice");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn changes_since(&self, older: &'s Snapshot) -> Result<Changes<'s>, Error> {
        let changes = self.map.changes_since(older.of_map())?;
        let Some(beneath) = self.beneath else { return Ok(Changes::new(changes)) };
        let older =
            SpaceView::new(self.map.in_snapshot(older.of_map())?, older.beneath(beneath.space()));
        Ok(Changes::compared(older.iter(), self.iter()))
    }
}

/// As [`SpaceView::iter`].
impl<'s> IntoIterator for SpaceView<'s> {
    type Item = Result<(Key<'s>, Value<'s>), Error>;
    type IntoIter = Range<'s>;

    fn into_iter(self) -> Range<'s> {
        self.iter()
    }
}

/// As [`SpaceView::iter`].
impl<'s> IntoIterator for &SpaceView<'s> {
    type Item = Result<(Key<'s>, Value<'s>), Error>;
    type IntoIter = Range<'s>;

    fn into_iter(self) -> Range<'s> {
        self.iter()
    }
}
