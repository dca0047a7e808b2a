//! What differs between two snapshots.

use super::ends::Ends;
use super::{Key, Snapshot, SpaceView, Value};
use crate::chain::{RecordRef, VersionRef};
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::key_space::KeySpace;
use crate::store::{Changed, ChangedRow, Direction, Remaining};
use std::fmt;
use std::iter::FusedIterator;

/// A key whose value was written between two versions; see [`Snapshot::changes_since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub struct Changes<'s> {
    older: &'s Snapshot,
    newer: SpaceView<'s>,
    ends: Ends<ChangedRow>,
}

// SAFETY: rows are shared views that the two snapshots keep alive (I-7); everything mutable behind them is atomic.
unsafe impl Send for Changes<'_> {}
// SAFETY: as above.
unsafe impl Sync for Changes<'_> {}

impl<'s> Changes<'s> {
    /// Between two snapshots that were [compared](check).
    pub(super) fn new(older: &'s Snapshot, newer: SpaceView<'s>, keys: impl KeyRange) -> Self {
        let (from, to) = keys.bounds();
        let mut ends = Ends::new(Remaining::new(from, to));
        if older.version() == newer.version() {
            ends.end();
        }
        Self { older, newer, ends }
    }

    fn change(&mut self, direction: Direction) -> Option<Change<'s>> {
        let row = match self.ends.take(direction) {
            Some(row) => row,
            None => {
                let SpaceView { snapshot, space } = self.newer;
                let (since, stamp) = (self.older.slot.stamp(), snapshot.slot.stamp());
                let pick = Changed { since, stamp };
                self.ends.read_and_take(snapshot.store(), space, &pick, direction)?
            }
        };
        // SAFETY: I-7: each version of the row is visible at one of the two stamps, which are both registered during 's; a
        // record with such a version is not freed either.
        let value = |version| unsafe { VersionRef::<'s>::built(version) }.value().map(Value::new);
        // SAFETY: as above; a row has one version at least.
        let key = Key::new(unsafe { RecordRef::<'s>::new(row.record) }.key());
        Some(Change { key, before: row.before.and_then(value), after: row.after.and_then(value) })
    }
}

impl<'s> Iterator for Changes<'s> {
    type Item = Change<'s>;

    fn next(&mut self) -> Option<Self::Item> {
        self.change(Direction::Forward)
    }
}

impl DoubleEndedIterator for Changes<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.change(Direction::Backward)
    }
}

impl FusedIterator for Changes<'_> {}

impl fmt::Debug for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (older, newer) = (self.older, self.newer.snapshot);
        f.debug_struct("Changes")
            .field("older", older)
            .field("newer", newer)
            .finish_non_exhaustive()
    }
}

/// Whether what differs between two snapshots can be said.
pub(super) fn check(older: &Snapshot, newer: &Snapshot) -> Result<(), Error> {
    if !newer.slot.is_of_same_store(&older.slot) {
        return Err(Error::ForeignSnapshot);
    }
    let (since, version) = (older.version(), newer.version());
    if since > version {
        return Err(Error::NotOlder { since, version });
    }
    Ok(())
}

/// Two snapshots of one map, and what differs between them, in all its key spaces: from [`Map::changes_since`](crate::Map::changes_since), or
/// [between](ChangeSet::between) snapshots that are there already.
///
/// ```
/// use epoch_store::{ChangeSet, Map};
/// let map = Map::new();
/// let older = map.snapshot();
/// map.put("a", "1")?;
/// map.put("b", "2")?;
/// let changes = ChangeSet::between(older, map.snapshot())?;
/// assert_eq!(changes.range("b"..).map(|change| change.key.to_vec()).collect::<Vec<_>>(), [b"b"]);
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChangeSet {
    older: Snapshot,
    newer: Snapshot,
}

impl ChangeSet {
    /// What differs between two snapshots of one map.
    ///
    /// # Errors
    /// [`Error::ForeignSnapshot`]: they are of two maps. [`Error::NotOlder`]: the first is later than the second.
    pub fn between(older: Snapshot, newer: Snapshot) -> Result<Self, Error> {
        check(&older, &newer)?;
        Ok(Self { older, newer })
    }

    /// The state before the changes.
    pub fn older(&self) -> &Snapshot {
        &self.older
    }

    /// The state after the changes.
    pub fn newer(&self) -> &Snapshot {
        &self.newer
    }

    /// The changes in the default space, in key order, from either end; see [`Snapshot::changes_since`].
    pub fn iter(&self) -> Changes<'_> {
        self.range(..)
    }

    /// The changes in the default space of keys inside the bounds. An inverted range is empty.
    pub fn range(&self, keys: impl KeyRange) -> Changes<'_> {
        Changes::new(&self.older, self.newer.default_space(), keys)
    }

    /// The changes in `space` of keys inside the bounds.
    ///
    /// # Errors
    /// [`Error::ForeignSpace`]: it is a space of another map.
    ///
    /// ```
    /// use epoch_store::{ChangeSet, Map};
    /// let map = Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// let older = map.snapshot();
    /// accounts.put("alice", "10")?;
    /// let changes = ChangeSet::between(older, map.snapshot())?;
    /// assert_eq!(changes.range_in(&accounts, ..)?.count(), 1);
    /// assert_eq!(changes.iter().count(), 0);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn range_in(&self, space: &KeySpace, keys: impl KeyRange) -> Result<Changes<'_>, Error> {
        Ok(Changes::new(&self.older, self.newer.space(space)?, keys))
    }
}

impl<'s> IntoIterator for &'s ChangeSet {
    type Item = Change<'s>;
    type IntoIter = Changes<'s>;

    fn into_iter(self) -> Changes<'s> {
        self.iter()
    }
}

static_assertions::assert_impl_all!(Changes<'static>: Send, Sync);
