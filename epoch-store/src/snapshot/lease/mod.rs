//! Leases: snapshots that may be taken back.

mod range;
mod view;

pub use range::LeaseRange;
pub use view::LeaseView;

use crate::Version;
use crate::error::Error;
use crate::key_range::KeyRange;
use crate::key_space::KeySpace;
use crate::store::{OpenSlot, Store};
use crate::sync::mutant;
use std::fmt;

/// The map as it was at one version, until it is taken back.
///
/// A [`Snapshot`](crate::Snapshot) keeps what it sees for as long as anybody holds it: a reader that forgets one keeps
/// memory. A lease can be taken back instead, by [`Map::revoke_older_than`](crate::Map::revoke_older_than), or when it has
/// fallen further behind than [`Builder::revoke_leases_after`](crate::Builder::revoke_leases_after) allows.
///
/// *Guarantee.* Every read that succeeds saw exactly the commits up to [`Lease::version`], whole. Every read that is not
/// over when the lease is taken back, and every later one, is [`Error::SnapshotRevoked`]: never a short or wrong result.
///
/// *Cost.* Reads copy, since nothing may be borrowed from what can be taken back, and pass a fence. Opening one costs as
/// much as a snapshot; clones share its slot, and are taken back together. A lease that sleeps after it was taken back
/// keeps its slot and no versions.
///
/// *Progress.* As for snapshots: opening is wait-free, no read waits, and nobody who takes a lease back waits for its readers.
/// A lease may have been taken back before the call that opens it returns.
///
/// ```
/// use epoch_store::{Error, Map};
/// let map = Map::new();
/// map.put(b"k", b"1")?;
/// let lease = map.lease();
/// map.put(b"k", b"2")?;
/// assert_eq!(lease.get(b"k")?.unwrap(), b"1");
/// assert_eq!(map.revoke_older_than(map.version()), 1);
/// assert_eq!(lease.get(b"k"), Err(Error::SnapshotRevoked { version: lease.version() }));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Lease {
    slot: OpenSlot,
}

impl Lease {
    pub(crate) fn new(slot: OpenSlot) -> Self {
        Self { slot }
    }

    fn store(&self) -> &Store {
        self.slot.store()
    }

    /// The version that this lease shows.
    pub fn version(&self) -> Version {
        self.slot.stamp().into()
    }

    /// Whether it was taken back. Once true, it stays so; false may be old news when it arrives.
    pub fn is_revoked(&self) -> bool {
        !self.slot.is_lent()
    }

    /// A view of the default space.
    #[doc(hidden)]
    pub fn default_space(&self) -> LeaseView<'_> {
        LeaseView { lease: self, space: self.store().default_space() }
    }

    /// The keys of `space` at this version. Wait-free. Empty if the space was created later.
    ///
    /// All other methods of a lease read the default space: the keys written without naming a space.
    ///
    /// # Errors
    /// [`Error::ForeignSpace`]: it is a space of another map.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// let accounts = map.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let lease = map.lease();
    /// assert_eq!(lease.space(&accounts)?.get("alice")?.unwrap(), b"10");
    /// assert_eq!(lease.get("alice")?, None);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn space(&self, space: &KeySpace) -> Result<LeaseView<'_>, Error> {
        let id = space.id_in(self.store())?;
        Ok(LeaseView { lease: self, space: self.store().space(id) })
    }

    /// A copy of the value of `key`.
    ///
    /// # Errors
    /// [`Error::SnapshotRevoked`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.default_space().get(key)
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// [`Error::SnapshotRevoked`].
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.default_space().contains(key)
    }

    /// Copies of the entries inside the bounds, in key order, from either end. An inverted range is empty. Steps are those
    /// of [`Snapshot::range`](crate::Snapshot::range).
    ///
    /// Entries are read up to 128 at a time; those that were read before the lease was taken back are still yielded. An end
    /// that has none of them left, where there was more to read, yields one [`Error::SnapshotRevoked`] for both; then come
    /// those that the other end has read, from whichever end is asked, and then nothing. A range that was wholly read
    /// before ends without an error.
    ///
    /// ```
    /// # let map = epoch_store::Map::new();
    /// for key in [b"a", b"b", b"c", b"d"] {
    ///     map.put(key, b"")?;
    /// }
    /// let lease = map.lease();
    /// let keys: Result<Vec<_>, _> = lease.range(b"b"..).rev().map(|entry| Ok(entry?.0)).collect();
    /// assert_eq!(keys?, [b"d", b"c", b"b"]);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> LeaseRange<'_> {
        self.default_space().range(keys)
    }

    /// Copies of all entries; see [`Lease::range`].
    pub fn iter(&self) -> LeaseRange<'_> {
        self.default_space().iter()
    }

    /// Copies of the entries whose keys begin with `prefix`; see [`Lease::range`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> LeaseRange<'_> {
        self.default_space().prefix(prefix)
    }

    /// Saves the work of a read that cannot count any more. Proves nothing.
    fn check_early(&self) -> Result<(), Error> {
        if self.is_revoked() { Err(self.revoked()) } else { Ok(()) }
    }

    /// I-35: whether what was read so far counts.
    fn check(&self) -> Result<(), Error> {
        if self.slot.is_still_lent() || mutant!("lease-unchecked") {
            return Ok(());
        }
        Err(self.revoked())
    }

    fn revoked(&self) -> Error {
        Error::SnapshotRevoked { version: self.version() }
    }
}

/// As [`Lease::iter`].
///
/// ```
/// # let map = epoch_store::Map::new();
/// map.put("k", "v")?;
/// for entry in &map.lease() {
///     let (key, value) = entry?;
///     assert!(key == b"k" && value == b"v");
/// }
/// # Ok::<(), epoch_store::Error>(())
/// ```
impl<'l> IntoIterator for &'l Lease {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;
    type IntoIter = LeaseRange<'l>;

    fn into_iter(self) -> LeaseRange<'l> {
        self.iter()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("version", &self.version())
            .field("revoked", &self.is_revoked())
            .finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Lease: Send, Sync, Clone);
