//! What readers hold: snapshots, and the values, keys and ranges borrowed from them; leases, whose reads are copies.

mod changes;
mod ends;
mod lease;
mod range;
mod space_view;
mod view;

pub use changes::{Change, ChangeSet, Changes};
pub use lease::{Lease, LeaseRange, LeaseView};
pub use range::Range;
pub use space_view::SpaceView;
pub use view::{Key, Value};

use crate::Version;
use crate::batch::WriteBatch;
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::key_space::KeySpace;
use crate::store::{Located, OpenSlot, Store};
use std::fmt;

/// The map as it was at one version, for as long as this is held.
///
/// *Guarantee.* Every read sees exactly the commits up to [`Snapshot::version`], whole, and nothing later. Values and
/// keys are borrowed from the snapshot without copying.
///
/// *Cost.* Opening one takes some twenty nanoseconds and writes no line that another thread writes; clones share its slot.
/// Dropping one after which 64 commits or more have come also collects some of what it kept: at most 64 entries, and a chain
/// that they are in is cut wholly. A snapshot keeps the versions that it sees, and nothing else, however long it lives or sleeps: at most what was overwritten
/// since it was opened. No writer waits for it; many snapshots that keep versions of one and the same key make that key's
/// chain long for readers of old versions and for the collector.
///
/// *Progress.* Opening is wait-free. Reads never wait. Those of one key take steps bounded by the number of versions kept
/// of it. Those of a range ([`range`](Snapshot::range), [`prefix`](Snapshot::prefix), [`first`](Snapshot::first),
/// [`last`](Snapshot::last)) also pass the keys in between that are invisible at this version, because they were created
/// later or are deleted and not removed yet: the next entry costs a step for each of them.
///
/// ```
/// use epoch_store::Map;
/// let map = Map::new();
/// map.put(b"k", b"old")?;
/// let before = map.snapshot();
/// map.put(b"k", b"new")?;
/// assert_eq!(before.get(b"k").unwrap(), b"old");
/// assert_eq!(map.snapshot().get(b"k").unwrap(), b"new");
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    slot: OpenSlot,
}

impl Snapshot {
    pub(crate) fn new(slot: OpenSlot) -> Self {
        Self { slot }
    }

    #[inline]
    pub(crate) fn store(&self) -> &Store {
        self.slot.store()
    }

    /// The value of `key` in a space of its store, and the record of it. The hash is that of the space's front.
    #[inline]
    pub(crate) fn locate(&self, space: u32, key: &[u8], hash: u64) -> Option<Located<'_>> {
        let store = self.store();
        // SAFETY: the stamp is registered as long as the snapshot lives, and what was found borrows the snapshot; the space is
        // one of its store.
        unsafe { store.locate(store.space(space), key, hash, self.slot.stamp()) }
    }

    /// The version that this snapshot shows.
    pub fn version(&self) -> Version {
        self.slot.stamp().into()
    }

    /// A view of the default space.
    #[doc(hidden)]
    #[inline]
    pub fn default_space(&self) -> SpaceView<'_> {
        SpaceView { snapshot: self, space: self.store().default_space() }
    }

    /// The keys of `space` at this version. Wait-free. Empty if the space was created later.
    ///
    /// All other methods of a snapshot read the default space: the keys written without naming a space.
    ///
    /// # Errors
    /// [`Error::ForeignSpace`]: it is a space of another map.
    ///
    /// ```
    /// use epoch_store::{Error, Map};
    /// let map = Map::new();
    /// let before = map.snapshot();
    /// let accounts = map.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// assert_eq!(before.space(&accounts)?.iter().count(), 0);
    /// assert_eq!(map.snapshot().space(&accounts)?.get("alice").unwrap(), b"10");
    /// assert_eq!(Map::new().snapshot().space(&accounts).unwrap_err(), Error::ForeignSpace);
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn space(&self, space: &KeySpace) -> Result<SpaceView<'_>, Error> {
        let id = space.id_in(self.store())?;
        Ok(SpaceView { snapshot: self, space: self.store().space(id) })
    }

    /// The value of `key`. A key that cannot be stored (empty, or too long) has none.
    ///
    /// One look-up in a hash table, and a walk over the versions of the key that are newer than the snapshot.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"empty", b"")?;
    /// let snapshot = map.snapshot();
    /// assert_eq!(snapshot.get(b"empty").unwrap(), b""); // an empty value is a value
    /// assert!(snapshot.get(b"absent").is_none());
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value<'_>> {
        self.default_space().get(key)
    }

    /// Whether `key` has a value.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"k", b"")?;
    /// assert!(map.snapshot().contains(b"k"));
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.default_space().contains(key)
    }

    /// The values of `keys`, in their order. Several times faster per key than [`Snapshot::get`] when the keys are not
    /// in the cache: the misses of up to 16 keys overlap.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"a", b"1")?;
    /// let snapshot = map.snapshot();
    /// let values = snapshot.get_many(&[b"a", b"b"]);
    /// assert_eq!(values[0].unwrap(), b"1");
    /// assert!(values[1].is_none());
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Option<Value<'_>>> {
        self.default_space().get_many(keys)
    }

    /// The entries inside the bounds, in key order, from either end. An inverted range is empty.
    ///
    /// Nothing is read before the first entry is asked for; then entries are read a leaf at a time. The iterator may
    /// sleep for as long as it likes without holding anything up.
    ///
    /// The steps to an entry are bounded by the versions kept of each key that is passed, plus the keys before it that are
    /// in the map and invisible at this version.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// for key in [b"a", b"b", b"c", b"d"] {
    ///     map.put(key, b"")?;
    /// }
    /// let snapshot = map.snapshot();
    /// let keys: Vec<_> = snapshot.range(b"b"..=b"c").rev().map(|(key, _)| key.to_vec()).collect();
    /// assert_eq!(keys, [b"c", b"b"]);
    /// assert_eq!(snapshot.range(b"c"..b"a").count(), 0);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> Range<'_> {
        self.default_space().range(keys)
    }

    /// All entries, in key order, from either end.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"k", b"v")?;
    /// assert_eq!(map.snapshot().iter().count(), 1);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn iter(&self) -> Range<'_> {
        self.default_space().iter()
    }

    /// The entries whose keys begin with `prefix`. The empty prefix: all. Costs what [`Snapshot::range`] costs.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// for key in [&b"a"[..], b"ab", b"ac", b"b"] {
    ///     map.put(key, b"")?;
    /// }
    /// assert_eq!(map.snapshot().prefix(b"a").count(), 3);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range<'_> {
        self.default_space().prefix(prefix)
    }

    /// What was written between `older` and this snapshot, in key order, from either end.
    ///
    /// A key is a change if the two snapshots see different versions of it and at least one of them a value: also if it
    /// was written with the same bytes again, or deleted and put back. A key that came and went in between is none.
    ///
    /// Takes time proportional to the keys of the space, not to the changes: there is no index of what was written when.
    /// Inside some bounds: [`ChangeSet::range`]. Since a version by its number: [`Map::changes_since`](crate::Map::changes_since)
    /// (a snapshot outlives the handles of its map, and cannot open another).
    ///
    /// This is about the default space; [`SpaceView::changes_since`] is about another.
    ///
    /// # Errors
    /// [`Error::ForeignSnapshot`]: `older` is a snapshot of another map. [`Error::NotOlder`]: it is later than this one.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put(b"a", b"1")?;
    /// map.put(b"b", b"1")?;
    /// let older = map.snapshot();
    /// map.put(b"a", b"2")?;
    /// map.delete(b"b")?;
    /// let newer = map.snapshot();
    /// let changes: Vec<_> = newer.changes_since(&older)?.collect();
    /// assert_eq!(changes.len(), 2);
    /// assert_eq!((changes[0].before.unwrap(), changes[0].after.unwrap()), (older.get(b"a").unwrap(), newer.get(b"a").unwrap()));
    /// assert!(changes[1].key == b"b" && changes[1].after.is_none());
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn changes_since<'s>(&'s self, older: &'s Self) -> Result<Changes<'s>, Error> {
        self.default_space().changes_since(older)
    }

    /// The entry with the smallest key. Passes the keys below it that are invisible; see [`Snapshot::range`].
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// assert!(map.snapshot().first().is_none());
    /// ```
    pub fn first(&self) -> Option<(Key<'_>, Value<'_>)> {
        self.default_space().first()
    }

    /// The entry with the greatest key. Passes the keys above it that are invisible; see [`Snapshot::range`].
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// map.put("a", "1")?;
    /// map.put("b", "2")?;
    /// let snapshot = map.snapshot();
    /// let (key, value) = snapshot.last().unwrap();
    /// assert!(key == b"b" && value == b"2");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn last(&self) -> Option<(Key<'_>, Value<'_>)> {
        self.default_space().last()
    }
}

/// As [`Snapshot::iter`].
///
/// ```
/// # let map = epoch_store::Map::new();
/// map.put("k", "v")?;
/// for (key, value) in &map.snapshot() {
///     assert!(key == b"k" && value == b"v");
/// }
/// # Ok::<(), epoch_store::Error>(())
/// ```
impl<'s> IntoIterator for &'s Snapshot {
    type Item = (Key<'s>, Value<'s>);
    type IntoIter = Range<'s>;

    fn into_iter(self) -> Range<'s> {
        self.iter()
    }
}

// Here, and not with the rest of a batch, which stands below snapshots.
impl WriteBatch {
    /// Adds a delete of every key in `range` whose newest value, when the batch is committed, `snapshot` sees: what was
    /// written after the snapshot stays, also what this batch writes. Copies the bounds; does not keep the snapshot open.
    ///
    /// So a key is deleted only as it was read: to move entries elsewhere in one commit, and lose nothing that others put
    /// in their place meanwhile. Otherwise as [`WriteBatch::delete_range`]. The batch can then be committed to the map of the
    /// snapshot only; any other refuses it with [`Error::ForeignSpace`].
    ///
    /// ```
    /// use epoch_store::{Map, WriteBatch};
    /// let map = Map::new();
    /// map.put("inbox/1", "a")?;
    /// map.put("inbox/2", "b")?;
    /// let seen = map.snapshot();
    /// map.put("inbox/2", "later")?;
    /// let mut batch = WriteBatch::new();
    /// for (key, value) in seen.prefix("inbox/") {
    ///     batch.put([b"archive/", &key[6..]].concat(), value);
    /// }
    /// map.commit(batch.delete_range_seen_by(&seen, "inbox/".."inbox0"))?;
    /// let now = map.snapshot();
    /// assert!(now.get("inbox/1").is_none());
    /// assert_eq!(now.get("inbox/2").unwrap(), b"later");
    /// assert_eq!(now.get("archive/2").unwrap(), b"b");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete_range_seen_by(&mut self, snapshot: &Snapshot, range: impl KeyRange) -> &mut Self {
        let bounds = range.bounds();
        self.belong_to(snapshot.store().serial());
        self.add_range(0, bounds).spare_from(snapshot.slot.stamp() + 1)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version()).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Snapshot: Send, Sync, Clone);
