//! What a commit depends on.

use crate::batch::{Cover, WriteBatch};
use crate::commit::Reads;
use crate::error::{Conflict, ConflictingKey, Error, ReadKind};
use crate::key_range::KeyRange;
use crate::key_space::KeySpace;
use crate::snapshot::Snapshot;
use crate::store::{Overtaken, Read, Refused, StoreRef};
use std::fmt;
use std::ops::{Bound, Range};

/// Keys and ranges that were read at a snapshot, for [`Map::commit_if`](crate::Map::commit_if): a commit that depends on
/// them is refused if another one has written to any of them since.
///
/// Whoever makes it says what was read; it reads nothing itself. It keeps the snapshot open. A key read as absent counts like
/// any other: the commit is refused if somebody has put it. Ranges may overlap; they are kept as their union.
///
/// ```
/// use epoch_store::{Error, Map, ReadSet, WriteBatch};
/// let map = Map::new();
/// map.put("balance", "10")?;
/// let snapshot = map.snapshot();
/// let mut reads = ReadSet::at(&snapshot);
/// reads.key("balance").range("orders/".."orders0");
/// let mut batch = WriteBatch::new();
/// batch.put("balance", "9");
/// map.put("orders/7", "")?; // somebody else
/// let Err(Error::Conflict(conflict)) = map.commit_if(&batch, &reads) else { panic!() };
/// assert_eq!(conflict.keys[0].key, b"orders/7");
/// assert_eq!(map.snapshot().get("balance").unwrap(), b"10");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct ReadSet {
    snapshot: Snapshot,
    bytes: Vec<u8>,
    keys: Vec<(u32, Range<usize>)>,
    ranges: Cover,
    /// A space of another map was named.
    is_foreign: bool,
}

impl ReadSet {
    /// Nothing yet, at the version of a snapshot.
    pub fn at(snapshot: &Snapshot) -> Self {
        Self {
            snapshot: snapshot.clone(),
            bytes: Vec::new(),
            keys: Vec::new(),
            ranges: Cover::default(),
            is_foreign: false,
        }
    }

    /// The snapshot that was read.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Adds a key. Copies it.
    pub fn key(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.add_key(0, key.as_ref())
    }

    /// Adds a key of a key space; if that is one of another map, every commit is refused with [`Error::ForeignSpace`].
    pub fn key_in(&mut self, space: &KeySpace, key: impl AsRef<[u8]>) -> &mut Self {
        match space.id_in(self.snapshot.store()) {
            Ok(id) => self.add_key(id, key.as_ref()),
            Err(_) => self.note_foreign(),
        }
    }

    /// Adds every key that is, or might come to be, between two bounds. Copies them. An empty range adds nothing.
    pub fn range(&mut self, range: impl KeyRange) -> &mut Self {
        self.add_range(0, range.bounds())
    }

    /// Adds a range of a key space, as [`ReadSet::key_in`] adds a key.
    pub fn range_in(&mut self, space: &KeySpace, range: impl KeyRange) -> &mut Self {
        match space.id_in(self.snapshot.store()) {
            Ok(id) => self.add_range(id, range.bounds()),
            Err(_) => self.note_foreign(),
        }
    }

    /// The keys that were added, by themselves, with the numbers of their spaces.
    #[doc(hidden)]
    pub fn keys(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.keys.iter().map(|(space, key)| (*space, &self.bytes[key.clone()]))
    }

    /// The ranges that were added: the number of the space, the first key, and the key behind the last, if there is one.
    #[doc(hidden)]
    pub fn spans(&self) -> impl Iterator<Item = (u32, &[u8], Option<&[u8]>)> {
        self.ranges.spans()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty()
    }

    /// Forgets what was added, keeps the snapshot.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.keys.clear();
        self.ranges = Cover::default();
        self.is_foreign = false;
    }

    fn add_key(&mut self, space: u32, key: &[u8]) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.keys.push((space, start..self.bytes.len()));
        self
    }

    fn add_range(&mut self, space: u32, (from, to): (Bound<&[u8]>, Bound<&[u8]>)) -> &mut Self {
        let next = |key: &[u8]| [key, &[0]].concat();
        let from = match from {
            Bound::Unbounded => Vec::new(),
            Bound::Included(key) => key.to_vec(),
            Bound::Excluded(key) => next(key),
        };
        let to = match to {
            Bound::Unbounded => None,
            Bound::Excluded(key) => Some(key.to_vec()),
            Bound::Included(key) => Some(next(key)),
        };
        self.ranges.add(space, &from, to.as_deref());
        self
    }

    fn note_foreign(&mut self) -> &mut Self {
        self.is_foreign = true;
        self
    }

    /// Commits `batch` to `store` if what was read still stands.
    pub(crate) fn commit(&self, batch: &WriteBatch, store: &StoreRef) -> Result<u64, Error> {
        batch.check_belongs_to(store.serial())?;
        if self.is_foreign {
            return Err(Error::ForeignSpace);
        }
        if self.snapshot.store().serial() != store.serial() {
            return Err(Error::ForeignSnapshot);
        }
        let since = self.snapshot.version().get();
        let reads = Reads::new(since, self.keys(), self.ranges.clone().into_spans());
        store.commit_if(batch, reads).map_err(|refused| match refused {
            Refused::Request(error) => error,
            Refused::Overtaken(keys) => Error::Conflict(Box::new(self.conflict(store, keys))),
        })
    }

    fn conflict(&self, store: &StoreRef, keys: Vec<Overtaken>) -> Conflict {
        let name = |space| (space > 0).then(|| store.space_name(space).to_owned());
        let kind = |read| match read {
            Read::Key => ReadKind::Key,
            Read::Range => ReadKind::Range,
        };
        let keys = keys.into_iter().map(|Overtaken { space, key, read }| ConflictingKey {
            space: name(space),
            key: key.into(),
            read: kind(read),
        });
        Conflict { since: self.snapshot.version(), keys: keys.collect() }
    }
}

impl fmt::Debug for ReadSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadSet")
            .field("snapshot", &self.snapshot)
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(ReadSet: Send, Sync, Clone);
