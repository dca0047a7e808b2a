//! What differs between two snapshots.

use super::compared::Compared;
use super::{Range, Snapshot};
use crate::{Error, Key, KeyRange, Value};
use std::iter::FusedIterator;

/// A key whose value was written between two versions; see [`Snapshot::changes_since`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change<'s> {
    /// The key.
    pub key: Key<'s>,
    /// Its value at the earlier version; `None`: it had none.
    pub before: Option<Value<'s>>,
    /// Its value at the later version; `None`: it was deleted.
    pub after: Option<Value<'s>>,
}

/// An iterator over what differs between two snapshots; see [`Snapshot::changes_since`].
///
/// In key order, from either end; any mix of `next` and `next_back` yields each change once. Between two calls it holds
/// nothing but its place.
#[derive(Debug)]
pub struct Changes<'s> {
    found: Found<'s>,
}

/// How they are found.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "what reads memory alone is made for every read, and allocates nothing"
)]
enum Found<'s> {
    /// By the versions of keys in memory.
    ByVersion(epoch_store::Changes<'s>),
    /// By comparing all entries, where some are not in memory.
    Compared(Box<Compared<'s>>),
}

impl<'s> Changes<'s> {
    /// Those that memory knows of.
    pub(crate) fn new(changes: epoch_store::Changes<'s>) -> Self {
        Self { found: Found::ByVersion(changes) }
    }

    /// Between the entries of two snapshots.
    pub(crate) fn compared(older: Range<'s>, newer: Range<'s>) -> Self {
        Self { found: Found::Compared(Box::new(Compared::new(older, newer))) }
    }
}

fn change(change: epoch_store::Change<'_>) -> Result<Change<'_>, Error> {
    let key = Key::of_map(change.key);
    Ok(Change {
        key,
        before: change.before.map(Value::of_map),
        after: change.after.map(Value::of_map),
    })
}

impl<'s> Iterator for Changes<'s> {
    type Item = Result<Change<'s>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.found {
            Found::ByVersion(changes) => changes.next().map(change),
            Found::Compared(changes) => changes.next(),
        }
    }
}

impl DoubleEndedIterator for Changes<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.found {
            Found::ByVersion(changes) => changes.next_back().map(change),
            Found::Compared(changes) => changes.next_back(),
        }
    }
}

impl FusedIterator for Changes<'_> {}

/// Two snapshots of one store, and what differs between them, in all its key spaces: from
/// [`Store::changes_since`](crate::Store::changes_since), or [between](ChangeSet::between) snapshots that are there already.
///
/// It holds both open. What it costs to read: [`Snapshot::changes_since`].
///
/// ```
/// use engine::{ChangeSet, Store};
/// let store = Store::in_memory();
/// let older = store.snapshot();
/// store.put("a", "1")?;
/// let changes = ChangeSet::between(older, store.snapshot())?;
/// store.put("b", "too late")?;
/// assert_eq!(changes.iter().count(), 1);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChangeSet {
    older: Snapshot,
    newer: Snapshot,
    /// Of the same two.
    map: epoch_store::ChangeSet,
}

impl ChangeSet {
    /// What differs between two snapshots.
    ///
    /// # Errors
    /// Those of [`Snapshot::changes_since`].
    ///
    /// ```
    /// use engine::{ChangeSet, Error, Store};
    /// let (one, another) = (Store::in_memory(), Store::in_memory());
    /// let refused = ChangeSet::between(one.snapshot(), another.snapshot()).unwrap_err();
    /// assert!(matches!(refused, Error::Map(epoch_store::Error::ForeignSnapshot)));
    /// ```
    pub fn between(older: Snapshot, newer: Snapshot) -> Result<Self, Error> {
        let map = epoch_store::ChangeSet::between(older.of_map().clone(), newer.of_map().clone())?;
        Ok(Self { older, newer, map })
    }

    /// As the map has it.
    pub(crate) fn of_map(&self) -> &epoch_store::ChangeSet {
        &self.map
    }

    /// The state before the changes.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let before = store.snapshot();
    /// let version = store.put("k", "v")?;
    /// let changes = engine::ChangeSet::between(before, store.snapshot())?;
    /// assert!(changes.older().is_empty()?);
    /// assert_eq!(changes.newer().version(), version);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn older(&self) -> &Snapshot {
        &self.older
    }

    /// The state after the changes.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let before = store.snapshot();
    /// store.put("k", "v")?;
    /// let changes = engine::ChangeSet::between(before, store.snapshot())?;
    /// store.put("l", "too late")?;
    /// assert_eq!(changes.newer().len()?, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn newer(&self) -> &Snapshot {
        &self.newer
    }

    /// The changes in the default space, in key order, from either end; see [`Snapshot::changes_since`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let before = store.snapshot();
    /// store.put("a", "1")?;
    /// store.put("b", "1")?;
    /// let changes = engine::ChangeSet::between(before, store.snapshot())?;
    /// let last = changes.iter().next_back().unwrap()?;
    /// assert!(last.key == "b" && last.before.is_none());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> Changes<'_> {
        self.range(..)
    }

    /// The changes in the default space of keys inside the bounds. An inverted range is empty.
    ///
    /// ```
    /// # let store = engine::Store::builder().retain_versions(10).open()?;
    /// store.put("a", "1")?;
    /// store.put("b", "1")?;
    /// let changes = store.changes_since(engine::Version::ZERO)?;
    /// assert_eq!(changes.range("b"..).next().unwrap()?.key, "b");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> Changes<'_> {
        let bounds = keys.bounds();
        if self.newer.beneath(0).is_some() {
            return Changes::compared(self.older.range(bounds), self.newer.range(bounds));
        }
        Changes::new(self.map.range(bounds))
    }
}

impl<'s> IntoIterator for &'s ChangeSet {
    type Item = Result<Change<'s>, Error>;
    type IntoIter = Changes<'s>;

    fn into_iter(self) -> Changes<'s> {
        self.iter()
    }
}
