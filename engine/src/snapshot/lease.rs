//! Leases: snapshots that may be taken back.

use super::with_prefix;
use crate::below::{Beneath, OfLease};
use crate::shared::Link;
use crate::{Error, KeyRange, Version};
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;
use std::sync::Arc;

/// The store as it was at one version, until it is taken back; from [`Store::lease`](crate::Store::lease).
///
/// A [`Snapshot`](crate::Snapshot) keeps what it sees for as long as anybody holds it: a reader that forgets one keeps
/// memory. A lease can be taken back instead, by [`Store::revoke_older_than`](crate::Store::revoke_older_than), or when it has
/// fallen further behind than [`Builder::revoke_leases_after`](crate::Builder::revoke_leases_after) allows.
///
/// *Guarantee.* Every read that succeeds saw exactly the commits up to [`Lease::version`], whole. Every read that is not
/// over when the lease is taken back, and every later one, is
/// [`SnapshotRevoked`](epoch_store::Error::SnapshotRevoked), in [`Error::Map`]: never a short or wrong result.
///
/// *Cost.* Reads copy, since nothing may be borrowed from what can be taken back. Clones share one lease, and are taken back
/// together. *Progress.* As for snapshots: no read waits, and nobody who takes a lease back waits for its readers.
///
/// ```
/// use engine::{Error, Store};
/// let store = Store::in_memory();
/// store.put("k", "1")?;
/// let lease = store.lease();
/// store.put("k", "2")?;
/// assert_eq!(lease.get("k")?.unwrap(), b"1");
/// assert_eq!(store.revoke_older_than(store.version()), 1);
/// let refused = lease.get("k").unwrap_err();
/// assert!(matches!(refused, Error::Map(epoch_store::Error::SnapshotRevoked { .. })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Lease {
    map: epoch_store::Lease,
    link: Arc<Link>,
}

impl Lease {
    pub(crate) fn new(map: epoch_store::Lease, link: Arc<Link>) -> Self {
        Self { map, link }
    }

    /// What lies below a space, if something may.
    pub(crate) fn beneath(&self, space: u32) -> Option<Beneath<'_, epoch_store::Lease>> {
        self.link.shared().below().map(|below| Beneath::new(below, &self.map, space))
    }

    /// The default space.
    fn view(&self) -> LeaseView<'_> {
        LeaseView { map: self.map.default_space(), beneath: self.beneath(0) }
    }

    /// The lease of the map.
    pub(crate) fn of_map(&self) -> &epoch_store::Lease {
        &self.map
    }

    /// The version that this lease shows.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("alice", "10")?;
    /// let lease = store.lease();
    /// store.put("alice", "7")?;
    /// assert!(lease.version() < store.version());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// Whether it was taken back. Once true, it stays so; false may be old news when it arrives.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("alice", "10")?;
    /// let lease = store.lease();
    /// assert!(!lease.is_revoked());
    /// store.revoke_older_than(store.put("bob", "3")?);
    /// assert!(lease.is_revoked());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn is_revoked(&self) -> bool {
        self.map.is_revoked()
    }

    /// A copy of the value of `key`.
    ///
    /// # Errors
    /// [`SnapshotRevoked`](epoch_store::Error::SnapshotRevoked), in [`Error::Map`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("alice", "10")?;
    /// let lease = store.lease();
    /// store.put("alice", "7")?;
    /// assert_eq!(lease.get("alice")?.unwrap(), b"10");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.view().get(key)
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// As for [`Lease::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("alice", "10")?;
    /// let lease = store.lease();
    /// assert!(lease.contains("alice")? && !lease.contains("bob")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.view().contains(key)
    }

    /// Copies of the entries inside the bounds, in key order, from either end. An inverted range is empty.
    ///
    /// Entries are read up to 128 at a time; those that were read before the lease was taken back are still yielded. An end
    /// that has none of them left, where there was more to read, yields one error for both; then come those that the
    /// other end has read, from whichever end is asked, and then nothing. A range that was wholly read before ends without
    /// an error.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a", "b", "c"] {
    ///     store.put(key, "")?;
    /// }
    /// let lease = store.lease();
    /// let entries = lease.range("b"..).rev().collect::<Result<Vec<_>, _>>()?;
    /// assert!(entries.len() == 2 && entries[0].0 == b"c" && entries[1].0 == b"b");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> LeaseRange<'_> {
        self.view().range(keys)
    }

    /// Copies of all entries; see [`Lease::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("alice", "10")?;
    /// let lease = store.lease();
    /// let entries = lease.iter().collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(entries, [(b"alice".to_vec(), b"10".to_vec())]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> LeaseRange<'_> {
        self.view().iter()
    }

    /// Copies of the entries whose keys begin with `prefix`; see [`Lease::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("alice", "10")?;
    /// let lease = store.lease();
    /// assert_eq!((lease.prefix("al").count(), lease.prefix("b").count()), (1, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> LeaseRange<'_> {
        self.view().prefix(prefix)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// As [`Lease::iter`].
impl<'l> IntoIterator for &'l Lease {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;
    type IntoIter = LeaseRange<'l>;

    fn into_iter(self) -> LeaseRange<'l> {
        self.iter()
    }
}

/// One key space of a lease, from [`Lease::space`]: reads as the lease itself does, inside this space.
///
/// All views of a lease show one version, and are taken back with it. *Errors, progress and cost* of each method are
/// those of the method of [`Lease`] with the same name, which reads the default space.
#[derive(Debug, Clone, Copy)]
pub struct LeaseView<'l> {
    map: epoch_store::LeaseView<'l>,
    beneath: Option<Beneath<'l, epoch_store::Lease>>,
}

impl<'l> LeaseView<'l> {
    pub(crate) fn new(
        map: epoch_store::LeaseView<'l>,
        beneath: Option<Beneath<'l, epoch_store::Lease>>,
    ) -> Self {
        Self { map, beneath }
    }

    /// The version that the lease shows.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// let view = lease.space(&accounts)?;
    /// assert_eq!(view.version(), lease.version());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// A copy of the value of `key`.
    ///
    /// # Errors
    /// As for [`Lease::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// let view = lease.space(&accounts)?;
    /// accounts.put("alice", "7")?;
    /// assert_eq!(view.get("alice")?.unwrap(), b"10");
    /// assert_eq!(lease.get("alice")?, None); // that is the default space
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let key = key.as_ref();
        match (self.map.get(key)?, self.beneath) {
            (None, Some(beneath)) => beneath.get(key),
            (value, _) => Ok(value),
        }
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// As for [`Lease::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// let view = lease.space(&accounts)?;
    /// assert!(view.contains("alice")? && !lease.contains("alice")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// Copies of the entries inside the bounds; see [`Lease::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// let view = lease.space(&accounts)?;
    /// assert_eq!((view.range("a".."b").count(), view.range("b"..).count()), (1, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> LeaseRange<'l> {
        let bounds = keys.bounds();
        LeaseRange::new(self.map.range(bounds), self.beneath, bounds)
    }

    /// Copies of all entries of the space; see [`Lease::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// let view = lease.space(&accounts)?;
    /// assert_eq!((view.iter().count(), lease.iter().count()), (1, 0));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> LeaseRange<'l> {
        self.range(..)
    }

    /// Copies of the entries whose keys begin with `prefix`; see [`Lease::range`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = store.lease();
    /// let view = lease.space(&accounts)?;
    /// let first = view.prefix("al").next().unwrap()?;
    /// assert_eq!(first.0, b"alice");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> LeaseRange<'l> {
        with_prefix(prefix.as_ref(), |bounds| self.range(bounds))
    }
}

/// An iterator over copies of the entries of a lease; see [`Lease::range`].
#[derive(Debug)]
pub struct LeaseRange<'l> {
    entries: Entries<'l>,
}

/// Where they come from.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "what reads memory alone is made for every read, and allocates nothing"
)]
enum Entries<'l> {
    Memory(epoch_store::LeaseRange<'l>),
    /// And from what lies below it.
    Merged(Box<OfLease<'l>>),
}

impl<'l> LeaseRange<'l> {
    /// The entries between the bounds, of which memory has these.
    fn new(
        of_memory: epoch_store::LeaseRange<'l>,
        beneath: Option<Beneath<'l, epoch_store::Lease>>,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> Self {
        let entries = match beneath {
            None => Entries::Memory(of_memory),
            Some(beneath) => Entries::Merged(Box::new(beneath.merge(bounds, of_memory))),
        };
        Self { entries }
    }
}

impl Iterator for LeaseRange<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.entries {
            Entries::Memory(entries) => entries.next().map(|entry| entry.map_err(Error::from)),
            Entries::Merged(entries) => entries.next(),
        }
    }
}

impl DoubleEndedIterator for LeaseRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.entries {
            Entries::Memory(entries) => entries.next_back().map(|entry| entry.map_err(Error::from)),
            Entries::Merged(entries) => entries.next_back(),
        }
    }
}

impl FusedIterator for LeaseRange<'_> {}
