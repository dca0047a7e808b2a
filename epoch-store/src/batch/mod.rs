//! Writes that are to become one commit.

mod cover;

use crate::commit::Span;
use crate::error::{Error, MAX_KEY_LEN, MAX_VALUE_LEN};
use crate::key_range::KeyRange;
pub(crate) use cover::Cover;
use std::ops::{Bound, Range};

/// A list of writes that [`Map::commit`](crate::Map::commit) applies as one atomic step.
///
/// Writes are kept in the order given; of two writes to one key (of one key space) the later one counts, and so does the
/// later of a write and a [`delete_range`](WriteBatch::delete_range) that covers its key. A batch can be committed again,
/// or cleared and filled again without giving its memory back. Its content is checked when it is committed.
///
/// ```
/// use epoch_store::{Map, WriteBatch};
/// let map = Map::new();
/// let mut batch = WriteBatch::new();
/// batch.put(b"alice", b"7").put(b"bob", b"3").delete(b"carol");
/// map.commit(&batch)?;
/// assert_eq!(map.snapshot().get(b"bob").unwrap(), b"3");
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    bytes: Vec<u8>,
    ops: Vec<Op>,
    ranges: Vec<DeleteRange>,
    owner: Owner,
}

/// Whose key spaces the writes name, by the serial number of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Owner {
    /// Only the default space, which every map has.
    #[default]
    Anybody,
    One(u64),
    Several,
}

/// Where an operation's bytes lie.
#[derive(Debug, Clone)]
struct Op {
    space: u32,
    key: Range<usize>,
    /// `None`: delete.
    value: Option<Range<usize>>,
}

/// Where the bytes of a range lie: from its lowest key, up to the first key above it.
#[derive(Debug, Clone)]
struct DeleteRange {
    space: u32,
    from: Range<usize>,
    to: Option<Range<usize>>,
    /// Writes added before it.
    after: usize,
    /// What was written at this stamp or later is spared.
    first_spared: u64,
}

/// One write, as the store takes it.
#[derive(Debug, Clone, Copy)]
pub struct WriteOp<'a> {
    /// In which space of the store; 0: the default one.
    pub space: u32,
    /// Where.
    pub key: &'a [u8],
    /// What; `None`: delete.
    pub value: Option<&'a [u8]>,
}

/// One part of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// A write to one key.
    Write(WriteOp<'a>),
    /// Every key from `from` on, and below `to` if there is one, is deleted.
    DeleteRange {
        /// In which space of the store; 0: the default one.
        space: u32,
        /// The first key.
        from: &'a [u8],
        /// Behind the last one; `None`: there is no last one.
        to: Option<&'a [u8]>,
    },
}

impl WriteOp<'_> {
    /// Whether key and value have lengths that can be stored.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (key, value) = (self.key.len(), self.value.map_or(0, <[u8]>::len));
        if key == 0 {
            return Err(Error::EmptyKey);
        }
        if key > MAX_KEY_LEN {
            return Err(Error::KeyTooLong { len: key, max: MAX_KEY_LEN });
        }
        if value > MAX_VALUE_LEN {
            return Err(Error::ValueTooLong { len: value, max: MAX_VALUE_LEN });
        }
        Ok(())
    }
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for `ops` writes of `bytes` bytes together, keys and values. A hint: room that cannot be
    /// had is not reserved.
    pub fn with_capacity(ops: usize, bytes: usize) -> Self {
        let mut batch = Self::new();
        let _ = batch.ops.try_reserve(ops);
        let _ = batch.bytes.try_reserve(bytes);
        batch
    }

    /// Adds a write of `value` under `key`. Copies both.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        self.add(0, key.as_ref(), Some(value.as_ref()))
    }

    /// Adds a delete of `key`. Deleting a key that is not there is allowed: its tombstone is removed like any other.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.add(0, key.as_ref(), None)
    }

    /// Adds a delete of every key in `range` that has a value when the batch is committed, whoever put it there before,
    /// but for keys that the batch writes later. Copies the bounds. An empty range deletes nothing.
    ///
    /// Counts as one write of the batch, however many keys it deletes; the commit takes time proportional to the keys
    /// between its bounds, also to those that are deleted already and not removed yet. What that means for other commits,
    /// and for memory: [`Map::delete_range`](crate::Map::delete_range).
    ///
    /// ```
    /// use epoch_store::{Map, WriteBatch};
    /// let map = Map::new();
    /// let mut batch = WriteBatch::new();
    /// batch.put("a", "1").put("b", "1").put("c", "1");
    /// map.commit(&batch)?;
    /// batch.clear();
    /// batch.put("aa", "2").delete_range("a".."c").put("b", "2"); // the last that covers a key counts
    /// map.commit(&batch)?;
    /// let snapshot = map.snapshot();
    /// let keys: Vec<_> = snapshot.iter().map(|(key, _)| key.to_vec()).collect();
    /// assert_eq!(keys, [b"b", b"c"]);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn delete_range(&mut self, range: impl KeyRange) -> &mut Self {
        self.add_range(0, range.bounds())
    }

    /// Adds a delete of a range in a space, which is one of the owner's if it is not the default one.
    pub(crate) fn add_range(
        &mut self,
        space: u32,
        (from, to): (Bound<&[u8]>, Bound<&[u8]>),
    ) -> &mut Self {
        let from = match from {
            Bound::Unbounded => self.store(&[]),
            Bound::Included(key) => self.store(key),
            Bound::Excluded(key) => self.store_next(key),
        };
        let to = match to {
            Bound::Unbounded => None,
            Bound::Excluded(key) => Some(self.store(key)),
            Bound::Included(key) => Some(self.store_next(key)),
        };
        let (after, first_spared) = (self.ops.len(), u64::MAX);
        self.ranges.push(DeleteRange { space, from, to, after, first_spared });
        self
    }

    /// Lets the range added last spare what is written at `stamp` or later.
    pub(crate) fn spare_from(&mut self, stamp: u64) -> &mut Self {
        if let Some(range) = self.ranges.last_mut() {
            range.first_spared = stamp;
        }
        self
    }

    /// Adds all writes of `other`, in their order. Copies them.
    ///
    /// ```
    /// use epoch_store::{Map, WriteBatch};
    /// let (mut batch, mut other) = (WriteBatch::new(), WriteBatch::new());
    /// batch.put("k", "1").append(other.put("k", "2"));
    /// let map = Map::new();
    /// map.commit(&batch)?;
    /// assert_eq!(map.snapshot().get("k").unwrap(), b"2");
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn append(&mut self, other: &Self) -> &mut Self {
        let (bytes, ops) = (self.bytes.len(), self.ops.len());
        let moved = |range: &Range<usize>| range.start + bytes..range.end + bytes;
        self.bytes.extend_from_slice(&other.bytes);
        self.ops.extend(other.ops.iter().map(|op| Op {
            space: op.space,
            key: moved(&op.key),
            value: op.value.as_ref().map(moved),
        }));
        self.ranges.extend(other.ranges.iter().map(|range| DeleteRange {
            from: moved(&range.from),
            to: range.to.as_ref().map(moved),
            after: range.after + ops,
            ..*range
        }));
        match other.owner {
            Owner::Anybody => {}
            Owner::One(serial) => self.belong_to(serial),
            Owner::Several => self.owner = Owner::Several,
        }
        self
    }

    /// Stores the key that comes right after `key`.
    fn store_next(&mut self, key: &[u8]) -> Range<usize> {
        let start = self.store(key).start;
        self.bytes.push(0);
        start..self.bytes.len()
    }

    /// Adds a write in a space, which is one of the owner's if it is not the default one.
    pub(crate) fn add(&mut self, space: u32, key: &[u8], value: Option<&[u8]>) -> &mut Self {
        let key = self.store(key);
        let value = value.map(|value| self.store(value));
        self.ops.push(Op { space, key, value });
        self
    }

    /// Takes note that the next write names a space of this store.
    pub(crate) fn belong_to(&mut self, serial: u64) {
        self.owner = match self.owner {
            Owner::Anybody => Owner::One(serial),
            Owner::One(owner) if owner == serial => Owner::One(owner),
            Owner::One(_) | Owner::Several => Owner::Several,
        };
    }

    /// Whether every space named is one of this store.
    pub(crate) fn check_belongs_to(&self, serial: u64) -> Result<(), Error> {
        let belongs = matches!(self.owner, Owner::Anybody) || self.owner == Owner::One(serial);
        if belongs { Ok(()) } else { Err(Error::ForeignSpace) }
    }

    /// Number of writes added, ranges among them.
    pub fn len(&self) -> usize {
        self.ops.len() + self.ranges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all writes, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ops.clear();
        self.ranges.clear();
        self.owner = Owner::Anybody;
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// The writes but for the ranges, in the order given.
    pub(crate) fn ops(
        &self,
    ) -> impl ExactSizeIterator<Item = WriteOp<'_>> + DoubleEndedIterator + Clone {
        self.ops.iter().map(|op| WriteOp {
            space: op.space,
            key: &self.bytes[op.key.clone()],
            value: op.value.clone().map(|value| &self.bytes[value]),
        })
    }

    /// Whether there are ranges in it.
    /// Adds a write to the space with its number.
    #[doc(hidden)]
    pub fn push(&mut self, write: WriteOp<'_>) -> &mut Self {
        self.add(write.space, write.key, write.value)
    }

    /// Writes and deleted ranges in the order in which they were added: for who keeps a log of them. Ranges that spare
    /// what a snapshot has not seen are not told apart.
    #[doc(hidden)]
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let mut ranges = self.ranges.iter().peekable();
        let mut ops = self.ops().enumerate().peekable();
        std::iter::from_fn(move || {
            let next = ops.peek().map_or(usize::MAX, |&(at, _)| at);
            if let Some(range) = ranges.next_if(|range| range.after <= next) {
                let from = &self.bytes[range.from.clone()];
                let to = range.to.clone().map(|to| &self.bytes[to]);
                return Some(Step::DeleteRange { space: range.space, from, to });
            }
            ops.next().map(|(_, op)| Step::Write(op))
        })
    }

    pub(crate) fn has_ranges(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// What is left to do of a batch with ranges: the writes that no later range covers, and what the ranges delete
    /// besides.
    ///
    /// A range that spares what is new covers no write of the batch: that is newer than anything.
    pub(crate) fn resolve_ranges(&self) -> (Vec<WriteOp<'_>>, Box<[Span]>) {
        let spares = |range: &&DeleteRange| range.first_spared < u64::MAX;
        let sparing = self.ranges.iter().filter(spares);
        let ranges = self.ranges.iter().rev().filter(|range| !spares(range));
        let (mut cover, mut ranges) = (Cover::default(), ranges.peekable());
        let mut left = Vec::with_capacity(self.ops.len());
        for (at, op) in self.ops().enumerate().rev() {
            while let Some(range) = ranges.next_if(|range| range.after > at) {
                self.cover(range, &mut cover);
            }
            if !cover.contains(op.space, op.key) {
                left.push(op);
            }
        }
        ranges.for_each(|range| self.cover(range, &mut cover));
        left.reverse();
        let sparing = sparing.filter_map(|range| self.span(range));
        (left, cover.into_spans().into_iter().chain(sparing).collect())
    }

    /// A range, if it is not empty.
    fn span(&self, range: &DeleteRange) -> Option<Span> {
        let from = &self.bytes[range.from.clone()];
        let to = range.to.clone().map(|to| &self.bytes[to]);
        let span = Span::new(range.space, from.into(), to.map(Box::from));
        let is_empty = to.is_some_and(|to| from >= to);
        (!is_empty).then_some(Span { first_spared: range.first_spared, ..span })
    }

    fn cover(&self, range: &DeleteRange, cover: &mut Cover) {
        let to = range.to.clone().map(|to| &self.bytes[to]);
        cover.add(range.space, &self.bytes[range.from.clone()], to);
    }
}
