//! What readers hold: snapshots, and the values, keys and ranges borrowed from them.

mod key_range;
mod range;
mod view;

pub use key_range::KeyRange;
pub use range::Range;
pub use view::{Key, Value};

use crate::Version;
use crate::store::{OpenSlot, Remaining, Store};
use std::fmt;
use std::ops::Bound;

/// The map as it was at one version, for as long as this is held.
///
/// *Guarantee.* Every read sees exactly the commits up to [`Snapshot::version`], whole, and nothing later. Values and
/// keys are borrowed from the snapshot without copying.
///
/// *Cost.* Opening one takes some ten nanoseconds and writes no line that another thread writes; clones share its slot.
/// Dropping one that more than 64 commits have passed also collects some of what it kept: at most 64 versions. A snapshot
/// keeps the versions that it sees, and nothing else, however long it lives or sleeps: at most what was overwritten
/// since it was opened. No writer waits for it; many snapshots that keep versions of one and the same key make that key's
/// chain long for readers of old versions and for the collector.
///
/// *Progress.* Opening is wait-free. Reads never wait and take steps bounded by the number of versions kept per key.
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
    fn store(&self) -> &Store {
        self.slot.store()
    }

    /// The version that this snapshot shows.
    pub fn version(&self) -> Version {
        self.slot.stamp().into()
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
        // SAFETY: the stamp is registered as long as `self` lives, and the value borrows `self`.
        unsafe { self.store().get(key.as_ref(), self.slot.stamp()) }.map(Value::new)
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
        self.get(key).is_some()
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
        let mut values = Vec::with_capacity(keys.len());
        // The caller's `as_ref` runs here, before anything is claimed or pinned (rule 32).
        let keys: smallvec::SmallVec<[&[u8]; 64]> = keys.iter().map(AsRef::as_ref).collect();
        // SAFETY: as in `get`.
        unsafe {
            let found = |value: Option<_>| values.push(value.map(Value::new));
            self.store().get_many(keys.iter().copied(), self.slot.stamp(), found);
        }
        values
    }

    /// The entries inside the bounds, in key order, from either end. An inverted range is empty.
    ///
    /// Nothing is read before the first entry is asked for; then entries are read a leaf at a time. The iterator may
    /// sleep for as long as it likes without holding anything up.
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
        let (from, to) = keys.bounds();
        Range::new(self, Remaining::new(from, to))
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
        Range::new(self, Remaining::new(Bound::Unbounded, Bound::Unbounded))
    }

    /// The entries whose keys begin with `prefix`. The empty prefix: all.
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
        let prefix = prefix.as_ref();
        let end = successor_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        Range::new(self, Remaining::new(Bound::Included(prefix), to))
    }

    /// The entry with the smallest key.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// assert!(map.snapshot().first().is_none());
    /// ```
    pub fn first(&self) -> Option<(Key<'_>, Value<'_>)> {
        self.iter().next()
    }

    /// The entry with the greatest key.
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
        self.iter().next_back()
    }
}

/// The smallest key above every key with this prefix, if there is one.
fn successor_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version()).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Snapshot: Send, Sync, Clone);
