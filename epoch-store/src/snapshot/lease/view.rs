//! One key space of a lease: where all reading is done.

use super::{Lease, LeaseRange};
use crate::Version;
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::snapshot::space_view::successor_of_prefix;
use crate::space::Space;
use std::fmt;
use std::ops::Bound;

/// One key space of a lease, from [`Lease::space`]: reads as the lease itself does, inside this space.
///
/// *Guarantee.* All views of a lease show one version, and are taken back with it.
///
/// *Cost.* A view is two pointers, and copied like them. *Progress and complexity* of each method are those of the method of
/// [`Lease`] with the same name, which reads the default space.
#[derive(Clone, Copy)]
pub struct LeaseView<'l> {
    pub(super) lease: &'l Lease,
    /// A space of the lease's store.
    pub(super) space: &'l Space,
}

impl<'l> LeaseView<'l> {
    /// The version that the lease shows.
    pub fn version(&self) -> Version {
        self.lease.version()
    }

    /// A copy of the value of `key`; see [`Lease::get`].
    ///
    /// # Errors
    /// [`Error::SnapshotRevoked`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.peek(key.as_ref(), <[u8]>::to_vec)
    }

    /// Whether `key` has a value; see [`Lease::contains`].
    ///
    /// # Errors
    /// [`Error::SnapshotRevoked`].
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.peek(key.as_ref(), |_| ()).map(|found| found.is_some())
    }

    /// Copies of the entries inside the bounds, in key order, from either end; see [`Lease::range`].
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// map.put("bob", "elsewhere")?;
    /// accounts.put("alice", "10")?;
    /// let lease = map.lease();
    /// let rows: Result<Vec<_>, _> = lease.space(&accounts)?.range("a"..).collect();
    /// assert_eq!(rows?, [(b"alice".to_vec(), b"10".to_vec())]);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> LeaseRange<'l> {
        LeaseRange::new(*self, keys)
    }

    /// Copies of all entries of the space; see [`Lease::range`].
    pub fn iter(&self) -> LeaseRange<'l> {
        self.range(..)
    }

    /// Copies of the entries whose keys begin with `prefix`; see [`Lease::range`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> LeaseRange<'l> {
        let prefix = prefix.as_ref();
        let end = successor_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.range((Bound::Included(prefix), to))
    }

    fn peek<T>(&self, key: &[u8], copy: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, Error> {
        self.lease.check_early()?;
        let found = self.lease.store().peek(self.space, key, self.lease.slot.stamp(), copy);
        self.lease.check()?;
        Ok(found)
    }
}

/// As [`LeaseView::iter`].
impl<'l> IntoIterator for LeaseView<'l> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;
    type IntoIter = LeaseRange<'l>;

    fn into_iter(self) -> LeaseRange<'l> {
        self.iter()
    }
}

/// As [`LeaseView::iter`].
impl<'l> IntoIterator for &LeaseView<'l> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;
    type IntoIter = LeaseRange<'l>;

    fn into_iter(self) -> LeaseRange<'l> {
        self.iter()
    }
}

impl fmt::Debug for LeaseView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseView").field("lease", self.lease).finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(LeaseView<'static>: Send, Sync, Copy);
