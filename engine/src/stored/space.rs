//! One key space, where it lies.

use super::{Stored, verify};
use crate::overlay::successor_of_prefix;
use crate::parent::ParentRange;
use crate::parent::layout;
use crate::{Error, KeyRange};
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

/// One key space of what a parent has kept; see [`Stored`].
///
/// ```
/// # use engine::{MemoryParent, Store, Stored};
/// # let parent = MemoryParent::new();
/// let store = Store::builder().parent(parent.reopened()).open()?;
/// store.key_space("accounts")?.put("alice", "10")?;
/// store.close()?;
/// let stored = Stored::open(&parent)?;
/// let accounts = stored.find_key_space("accounts").unwrap();
/// assert_eq!(accounts.get("alice")?.unwrap(), b"10");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct StoredSpace<'s> {
    stored: &'s Stored,
    number: u32,
    name: Option<&'s str>,
}

impl<'s> StoredSpace<'s> {
    pub(super) fn new(stored: &'s Stored, number: u32, name: Option<&'s str>) -> Self {
        Self { stored, number, name }
    }

    /// Its name; `None`: it is the default one.
    ///
    /// ```
    /// # use engine::{MemoryParent, Stored};
    /// assert_eq!(Stored::open(&MemoryParent::new())?.default_space().name(), None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn name(&self) -> Option<&'s str> {
        self.name
    }

    /// The value of `key`. A key that cannot be stored has none.
    ///
    /// # Errors
    /// [`Error::Parent`].
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// store.put("k", "")?;
    /// store.close()?;
    /// assert_eq!(Stored::open(&parent)?.default_space().get("k")?.unwrap(), b"");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.stored.snapshot.get(&self.lies_at(key.as_ref()))?)
    }

    /// The entries inside the bounds, in key order, from either end. An inverted range is empty.
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// for key in ["a", "b", "c"] {
    ///     store.put(key, "")?;
    /// }
    /// store.close()?;
    /// let stored = Stored::open(&parent)?;
    /// let (last, _) = stored.default_space().range(.."c").next_back().unwrap()?;
    /// assert_eq!(last, b"b");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> StoredRange<'s> {
        let (from, to) = keys.bounds();
        let first = match from {
            Bound::Unbounded => Bound::Included(self.lies_at(&[])),
            bound => bound.map(|key| self.lies_at(key)),
        };
        let last = match to {
            // There is no space with the number of the notes, which are behind the last one.
            Bound::Unbounded => Bound::Excluded((self.number + 1).to_be_bytes().to_vec()),
            bound => bound.map(|key| self.lies_at(key)),
        };
        let (first, last) = (first.as_ref().map(|key| &key[..]), last.as_ref().map(|key| &key[..]));
        StoredRange { entries: self.stored.snapshot.range(first, last) }
    }

    /// The entries whose keys begin with `prefix`. The empty prefix: all. See [`StoredSpace::range`].
    ///
    /// ```
    /// # use engine::{MemoryParent, Store, Stored};
    /// # let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// store.put("ab", "")?;
    /// store.close()?;
    /// assert_eq!(Stored::open(&parent)?.default_space().prefix("a").count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> StoredRange<'s> {
        let prefix = prefix.as_ref();
        let end = successor_of_prefix(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        self.range((Bound::Included(prefix.to_vec()), end))
    }

    fn lies_at(&self, key: &[u8]) -> Vec<u8> {
        let mut lies_at = Vec::with_capacity(layout::PREFIX + key.len());
        layout::join(&mut lies_at, self.number, key);
        lies_at
    }
}

/// Entries of what a parent has kept, in key order, from either end; see [`StoredSpace::range`]. After an error there is
/// nothing more.
///
/// ```
/// # use engine::{MemoryParent, Store, Stored};
/// # let parent = MemoryParent::new();
/// let store = Store::builder().parent(parent.reopened()).open()?;
/// store.put("a", "1")?;
/// store.put("b", "2")?;
/// store.close()?;
/// let stored = Stored::open(&parent)?;
/// let mut entries = stored.default_space().range(..);
/// assert_eq!(entries.next_back().unwrap()?, (b"b".to_vec(), b"2".to_vec()));
/// assert_eq!(entries.next().unwrap()?.0, b"a");
/// assert!(entries.next().is_none());
/// # Ok::<(), engine::Error>(())
/// ```
pub struct StoredRange<'s> {
    entries: Box<ParentRange<'s>>,
}

type Entry = Result<(Vec<u8>, Vec<u8>), Error>;

fn entry(entry: Result<(Vec<u8>, Vec<u8>), crate::ParentError>) -> Entry {
    let (lies_at, value) = entry?;
    let (_, key) = layout::split(&lies_at)
        .ok_or_else(|| verify::damaged("read", "an entry whose key is too short"))?;
    Ok((key.to_vec(), value))
}

impl Iterator for StoredRange<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.entries.next().map(entry)
    }
}

impl DoubleEndedIterator for StoredRange<'_> {
    fn next_back(&mut self) -> Option<Entry> {
        self.entries.next_back().map(entry)
    }
}

impl FusedIterator for StoredRange<'_> {}

impl fmt::Debug for StoredRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredRange")
    }
}
