//! What readers hold: snapshots, and what is read through them; leases, whose reads are copies.

mod range;
mod compared;
mod changes;
mod space_view;
mod lease;
mod cursor;

pub use changes::{Change, ChangeSet, Changes};
pub use cursor::Cursor;
pub use lease::{Lease, LeaseRange, LeaseView};
pub use range::{Keys, Range};
pub use space_view::SpaceView;

use crate::below::Beneath;
use crate::shared::{Link, Shared};
use crate::{Error, Key, KeyRange, Value, Version};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// The store as it was at one version, for as long as this is held.
///
/// *Guarantee.* Every read sees exactly the commits up to [`Snapshot::version`], whole, and nothing later, also after the
/// store was closed or its last handle dropped. Values and keys are borrowed from the snapshot without copying.
///
/// *Cost.* Opening one takes some tens of nanoseconds and, as long as there are not many more threads than processors, writes
/// no line that another thread writes; clones share what it holds. A snapshot keeps the versions that it sees, and nothing
/// else, however long it lives or sleeps: at most what was overwritten since it was opened.
///
/// *Progress.* Opening is wait-free. Reads never wait. Those of one key take steps bounded by the number of versions kept of
/// it. Those of a range ([`range`](Snapshot::range), [`prefix`](Snapshot::prefix), [`first`](Snapshot::first),
/// [`last`](Snapshot::last)) also pass the keys in between that are invisible at this version, because they were created
/// later or are deleted and not removed yet: the next entry costs a step for each of them.
///
/// *Errors.* A store in memory has no read that can fail. Reads return a `Result` all the same, so that code written today
/// is right when what is read may lie on a disk.
///
/// ```
/// use engine::Store;
/// let store = Store::in_memory();
/// store.put("k", "old")?;
/// let before = store.snapshot();
/// store.put("k", "new")?;
/// assert_eq!(before.get("k")?.unwrap(), "old");
/// assert_eq!(store.snapshot().get("k")?.unwrap(), "new");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    map: epoch_store::Snapshot,
    link: Arc<Link>,
}

impl Snapshot {
    #[inline]
    pub(crate) fn new(map: epoch_store::Snapshot, link: Arc<Link>) -> Self {
        Self { map, link }
    }

    /// The snapshot of the map.
    pub(crate) fn of_map(&self) -> &epoch_store::Snapshot {
        &self.map
    }

    /// What it shares with the handles of its store.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.link.shared()
    }

    /// By which it shares it.
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// What lies below a space, if something may.
    #[inline]
    pub(crate) fn beneath(&self, space: u32) -> Option<Beneath<'_, epoch_store::Snapshot>> {
        self.shared().below().map(|below| Beneath::new(below, &self.map, space))
    }

    /// The version that this snapshot shows.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let version = store.put("k", "v")?;
    /// assert_eq!(store.snapshot().version(), version);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// The value of `key`, borrowed from the snapshot. An empty value is a value; a key that cannot be stored, an empty one
    /// say, has none.
    ///
    /// # Errors
    /// None as yet: see [`Snapshot`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "")?;
    /// let snapshot = store.snapshot();
    /// assert_eq!(snapshot.get("k")?.unwrap(), "");
    /// assert_eq!(snapshot.get("other")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'_>>, Error> {
        let key = key.as_ref();
        match self.map.get(key) {
            Some(value) => Ok(Some(Value::of_map(value))),
            None => look_below(self.beneath(0), key),
        }
    }

    /// The values of `keys`, in their order. Several times faster per key than [`Snapshot::get`] when the keys are not
    /// in the processor's cache: the misses of up to 16 keys overlap.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// let snapshot = store.snapshot();
    /// let values = snapshot.get_many(&["a", "b"])?;
    /// assert!(values[0].as_ref().unwrap() == "1" && values[1].is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Value<'_>>>, Error> {
        complete(self.beneath(0), keys, self.map.get_many(keys))
    }

    /// Whether `key` has a value, an empty one included.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "")?;
    /// assert!(store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// The entries inside the bounds, in key order, from either end. An inverted range is empty.
    ///
    /// Nothing is read before the first entry is asked for; then entries are read some at a time. The iterator may sleep
    /// for as long as it likes without holding anything up.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a", "b", "c", "d"] {
    ///     store.put(key, "")?;
    /// }
    /// let snapshot = store.snapshot();
    /// let entries = snapshot.range("b"..="c").rev().collect::<Result<Vec<_>, _>>()?;
    /// assert!(entries.len() == 2 && entries[0].0 == "c" && entries[1].0 == "b");
    /// assert_eq!(snapshot.range("c".."a").count(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> Range<'_> {
        let bounds = keys.bounds();
        Range::new(self.map.range(bounds), self.beneath(0), bounds)
    }

    /// All entries, in key order, from either end; see [`Snapshot::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// assert_eq!(store.snapshot().iter().count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> Range<'_> {
        self.range(..)
    }

    /// The entries whose keys begin with `prefix`. The empty prefix: all. See [`Snapshot::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a", "ab", "ac", "b"] {
    ///     store.put(key, "")?;
    /// }
    /// assert_eq!(store.snapshot().prefix("a").count(), 3);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range<'_> {
        with_prefix(prefix.as_ref(), |bounds| self.range(bounds))
    }

    /// The keys inside the bounds; otherwise as [`Snapshot::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "")?;
    /// store.put("b", "")?;
    /// let snapshot = store.snapshot();
    /// let keys: Result<Vec<_>, _> = snapshot.keys(.."b").collect();
    /// assert_eq!(keys?, ["a"]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn keys(&self, keys: impl KeyRange) -> Keys<'_> {
        Keys::new(self.range(keys))
    }

    /// The number of entries inside the bounds. Walks them: takes time proportional to their number.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "")?;
    /// store.put("b", "")?;
    /// assert_eq!(store.snapshot().count("b"..)?, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn count(&self, keys: impl KeyRange) -> Result<usize, Error> {
        self.range(keys).count_all()
    }

    /// The entry with the smallest key. Passes the keys below it that are invisible; see [`Snapshot`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert!(store.snapshot().first()?.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn first(&self) -> Result<Option<(Key<'_>, Value<'_>)>, Error> {
        self.iter().next().transpose()
    }

    /// The entry with the greatest key. Passes the keys above it that are invisible; see [`Snapshot`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// store.put("b", "2")?;
    /// let snapshot = store.snapshot();
    /// let (key, value) = snapshot.last()?.unwrap();
    /// assert!(key == "b" && value == "2");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn last(&self) -> Result<Option<(Key<'_>, Value<'_>)>, Error> {
        self.iter().next_back().transpose()
    }

    /// The number of all entries. *Walks them*: takes time proportional to their number, since no count of each version is
    /// kept. Of the newest version [`Store::stats`](crate::Store::stats) tells the number without a walk.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// assert_eq!(store.snapshot().len()?, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn len(&self) -> Result<usize, Error> {
        self.iter().count_all()
    }

    /// Whether there is no entry. Costs what [`Snapshot::first`] costs.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert!(store.snapshot().is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.first()?.is_none())
    }

    /// What was written between `older` and this snapshot, in key order, from either end.
    ///
    /// A key is a change if the two snapshots see different versions of it and at least one of them a value: also if it
    /// was written with the same bytes again, or deleted and put back. A key that came and went in between is none.
    ///
    /// Takes time proportional to the keys of the space, not to the changes: there is no index of what was written when.
    /// This is about the default space; [`SpaceView::changes_since`] is about another. Since a version by its number:
    /// [`Store::changes_since`](crate::Store::changes_since).
    ///
    /// # Errors
    /// In [`Error::Map`]: [`ForeignSnapshot`](epoch_store::Error::ForeignSnapshot), `older` is a snapshot of another store;
    /// [`NotOlder`](epoch_store::Error::NotOlder), it is later than this one.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// let older = store.snapshot();
    /// store.put("a", "2")?;
    /// store.put("b", "2")?;
    /// let newer = store.snapshot();
    /// let changes: Result<Vec<_>, _> = newer.changes_since(&older)?.collect();
    /// let changes = changes?;
    /// assert!(changes[0].key == "a" && changes[0].before.as_ref().unwrap() == "1");
    /// assert!(changes[1].key == "b" && changes[1].before.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn changes_since<'s>(&'s self, older: &'s Self) -> Result<Changes<'s>, Error> {
        let changes = self.map.changes_since(&older.map)?;
        if self.beneath(0).is_some() {
            return Ok(Changes::compared(older.iter(), self.iter()));
        }
        Ok(Changes::new(changes))
    }

    /// A cursor over the keys of the default space, before the first entry. It holds a clone of this snapshot, so that it
    /// can be kept and returned; [`Cursor`] says how it moves. Over another space:
    /// [`cursor_in`](Snapshot::cursor_in).
    ///
    /// Wait-free; reads nothing yet.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// store.put("c", "3")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.seek("b")?);
    /// assert_eq!(cursor.key().unwrap(), "c");
    /// assert!(cursor.prev()?);
    /// assert_eq!(cursor.value()?.unwrap(), "1");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.clone(), None)
    }
}

/// What lies below memory, of a key that this has not got.
#[cold]
fn look_below<'s>(
    beneath: Option<Beneath<'_, epoch_store::Snapshot>>,
    key: &[u8],
) -> Result<Option<Value<'s>>, Error> {
    match beneath {
        None => Ok(None),
        Some(beneath) => Ok(beneath.get(key)?.map(|value| Value::of_owned_after(value, 0))),
    }
}

/// Values that memory has, and of the other keys those that lie below.
fn complete<'s, K: AsRef<[u8]>>(
    beneath: Option<Beneath<'_, epoch_store::Snapshot>>,
    keys: &[K],
    of_memory: Vec<Option<epoch_store::Value<'s>>>,
) -> Result<Vec<Option<Value<'s>>>, Error> {
    let pairs = of_memory.into_iter().zip(keys);
    pairs
        .map(|(value, key)| match value {
            Some(value) => Ok(Some(Value::of_map(value))),
            None => look_below(beneath, key.as_ref()),
        })
        .collect()
}

/// What `read` finds between the bounds of all keys with a prefix.
fn with_prefix<T>(prefix: &[u8], read: impl FnOnce((Bound<&[u8]>, Bound<&[u8]>)) -> T) -> T {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX);
    let behind = last.map(|last| {
        let mut behind = prefix[..=last].to_vec();
        behind[last] += 1;
        behind
    });
    read((Bound::Included(prefix), behind.as_deref().map_or(Bound::Unbounded, Bound::Excluded)))
}

/// As [`Snapshot::iter`].
///
/// ```
/// # let store = engine::Store::in_memory();
/// store.put("k", "v")?;
/// for entry in &store.snapshot() {
///     let (key, value) = entry?;
///     assert!(key == "k" && value == "v");
/// }
/// # Ok::<(), engine::Error>(())
/// ```
impl<'s> IntoIterator for &'s Snapshot {
    type Item = Result<(Key<'s>, Value<'s>), Error>;
    type IntoIter = Range<'s>;

    fn into_iter(self) -> Range<'s> {
        self.iter()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version()).finish_non_exhaustive()
    }
}
