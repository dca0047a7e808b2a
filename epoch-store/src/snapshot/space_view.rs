//! One key space of a snapshot: where all reading is done.

use super::{Changes, Key, Range, Snapshot, Value, changes};
use crate::Version;
use crate::chain::{RecordRef, VersionRef};
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::space::Space;
use crate::store::{Direction, Remaining, Settled};
use std::fmt;
use std::ops::Bound;

/// One key space of a snapshot, from [`Snapshot::space`]: reads as the snapshot itself does, inside this space.
///
/// *Guarantee.* All views of a snapshot show one version: a commit that wrote to several spaces is seen in all of them or
/// in none. What is read borrows the snapshot, not the view.
///
/// *Cost.* A view is two pointers, and copied like them. *Progress and complexity* of each method are those of the method of
/// [`Snapshot`] with the same name, which reads the default space.
///
/// ```
/// use epoch_store::{Map, Value};
/// let map = Map::new();
/// let accounts = map.key_space("accounts")?;
/// accounts.put("alice", "10")?;
/// let snapshot = map.snapshot();
/// let balance: Value<'_> = {
///     let view = snapshot.space(&accounts)?;
///     assert!(!view.contains("bob"));
///     view.get("alice").unwrap()
/// };
/// assert_eq!(balance, b"10"); // without the view
/// assert!(snapshot.get("alice").is_none()); // not in the default space
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct SpaceView<'s> {
    pub(super) snapshot: &'s Snapshot,
    /// A space of the snapshot's store.
    pub(super) space: &'s Space,
}

impl<'s> SpaceView<'s> {
    /// The version that the snapshot shows.
    pub fn version(&self) -> Version {
        self.snapshot.version()
    }

    /// The value of `key`; see [`Snapshot::get`].
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value<'s>> {
        let (store, stamp) = (self.snapshot.store(), self.snapshot.slot.stamp());
        // SAFETY: the stamp is registered as long as the snapshot lives, and the value borrows the snapshot; the space is
        // one of its store.
        unsafe { store.get(self.space, key.as_ref(), stamp) }.map(Value::new)
    }

    /// Whether `key` has a value; see [`Snapshot::contains`].
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.get(key).is_some()
    }

    /// The values of `keys`, in their order, their cache misses overlapped; see [`Snapshot::get_many`].
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Option<Value<'s>>> {
        let mut values = Vec::with_capacity(keys.len());
        // The caller's `as_ref` runs here, before anything is claimed or pinned (rule 32).
        let keys: smallvec::SmallVec<[&[u8]; 64]> = keys.iter().map(AsRef::as_ref).collect();
        let (store, stamp) = (self.snapshot.store(), self.snapshot.slot.stamp());
        // SAFETY: as in `get`.
        unsafe {
            let found = |value: Option<_>| values.push(value.map(Value::new));
            store.get_many(self.space, keys.iter().copied(), stamp, found);
        }
        values
    }

    /// The entries inside the bounds, in key order, from either end; see [`Snapshot::range`].
    pub fn range(&self, keys: impl KeyRange) -> Range<'s> {
        let (from, to) = keys.bounds();
        Range::new(*self, Remaining::new(from, to))
    }

    /// All entries of the space, in key order, from either end; see [`Snapshot::iter`].
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// map.put("elsewhere", "")?;
    /// accounts.put("alice", "10")?;
    /// accounts.put("bob", "7")?;
    /// let snapshot = map.snapshot();
    /// let names = snapshot.space(&accounts)?.iter().rev().map(|(key, _)| key.to_vec());
    /// assert_eq!(names.collect::<Vec<_>>(), [b"bob".to_vec(), b"alice".to_vec()]);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn iter(&self) -> Range<'s> {
        Range::new(*self, Remaining::new(Bound::Unbounded, Bound::Unbounded))
    }

    /// The entries whose keys begin with `prefix`; see [`Snapshot::prefix`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range<'s> {
        let prefix = prefix.as_ref();
        let end = successor_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        Range::new(*self, Remaining::new(Bound::Included(prefix), to))
    }

    /// What was written to this space between `older` and this view's snapshot; see [`Snapshot::changes_since`].
    ///
    /// # Errors
    /// As for [`Snapshot::changes_since`].
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// let older = map.snapshot();
    /// map.put("elsewhere", "")?;
    /// accounts.put("alice", "10")?;
    /// let newer = map.snapshot();
    /// let changes: Vec<_> = newer.space(&accounts)?.changes_since(&older)?.collect();
    /// assert!(changes.len() == 1 && changes[0].key == b"alice");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn changes_since(&self, older: &'s Snapshot) -> Result<Changes<'s>, Error> {
        changes::check(older, self.snapshot)?;
        Ok(Changes::new(older, *self, ..))
    }

    /// The entry with the smallest key of the space.
    pub fn first(&self) -> Option<(Key<'s>, Value<'s>)> {
        self.iter().next()
    }

    /// The entry with the greatest key of the space.
    pub fn last(&self) -> Option<(Key<'s>, Value<'s>)> {
        self.iter().next_back()
    }

    /// The same space in another snapshot of the map.
    ///
    /// # Errors
    /// [`Error::ForeignSnapshot`].
    #[doc(hidden)]
    pub fn in_snapshot(&self, other: &'s Snapshot) -> Result<Self, Error> {
        let is_same = self.snapshot.slot.is_of_same_store(&other.slot);
        let view = Self { snapshot: other, space: self.space };
        if is_same { Ok(view) } else { Err(Error::ForeignSnapshot) }
    }

    /// Some of the entries behind `from` that were last written at `upto` or before, in key order: `limit` of them, or as many
    /// as there are.
    #[doc(hidden)]
    pub fn settled(
        &self,
        from: Bound<&[u8]>,
        upto: Version,
        limit: usize,
    ) -> Vec<(Key<'s>, Value<'s>)> {
        let pick = Settled { stamp: self.snapshot.slot.stamp(), upto: upto.get() };
        let mut remaining = Remaining::new(from, Bound::Unbounded);
        let (mut scratch, mut rows, mut all) = (Vec::new(), Vec::new(), Vec::new());
        while !remaining.done && all.len() < limit {
            let (store, left) = (self.snapshot.store(), limit - all.len());
            let (to, way) = (&mut remaining, Direction::Forward);
            store.step(self.space, &pick, to, way, left, &mut scratch, &mut rows);
            all.extend(rows.drain(..).map(|row| {
                // SAFETY: I-7: the row's version is visible at the snapshot's stamp, which is registered during 's; a
                // record with such a version is not freed either.
                unsafe {
                    let key = RecordRef::<'s>::new(row.record).key();
                    let value = VersionRef::<'s>::built(row.version).value();
                    (Key::new(key), Value::new(value.unwrap_or_default()))
                }
            }));
        }
        all
    }
}

/// The smallest key above every key with this prefix, if there is one.
pub(super) fn successor_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// As [`SpaceView::iter`].
///
/// ```
/// # let map = epoch_store::Map::new();
/// let accounts = map.key_space("accounts")?;
/// accounts.put("alice", "10")?;
/// let snapshot = map.snapshot();
/// for (name, balance) in snapshot.space(&accounts)? {
///     assert!(name == b"alice" && balance == b"10");
/// }
/// # Ok::<(), epoch_store::Error>(())
/// ```
impl<'s> IntoIterator for SpaceView<'s> {
    type Item = (Key<'s>, Value<'s>);
    type IntoIter = Range<'s>;

    fn into_iter(self) -> Range<'s> {
        self.iter()
    }
}

/// As [`SpaceView::iter`].
impl<'s> IntoIterator for &SpaceView<'s> {
    type Item = (Key<'s>, Value<'s>);
    type IntoIter = Range<'s>;

    fn into_iter(self) -> Range<'s> {
        self.iter()
    }
}

impl fmt::Debug for SpaceView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpaceView").field("snapshot", self.snapshot).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(SpaceView<'static>: Send, Sync, Copy);
