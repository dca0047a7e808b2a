//! The writes of one commit, on their way to the parent, and what became of it.

use crate::parent::layout::PREFIX;
use epoch_store::atomics::{AtomicU64, Ordering};
use epoch_store::{Step, WriteOp};
use smallvec::SmallVec;

/// Bytes that an entry takes beside its writes, about.
const OVERHEAD: u64 = 64;

const OPEN: u64 = u64::MAX;
const REFUSED: u64 = u64::MAX - 1;

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is being made.
    Open,
    /// It was not made.
    Refused,
    /// It has this version.
    Committed(u64),
}

/// See the module header.
#[derive(Debug)]
pub struct Entry {
    /// Relaxed: the number is all that is read from it. The writes are there since the push, and never change.
    outcome: AtomicU64,
    log: Log,
}

impl Entry {
    /// Of a commit that is about to be made.
    pub fn new(log: Log) -> Self {
        Self { outcome: AtomicU64::new(OPEN), log }
    }

    /// What became of it so far.
    pub fn outcome(&self) -> Outcome {
        match self.outcome.load(Ordering::Relaxed) {
            OPEN => Outcome::Open,
            REFUSED => Outcome::Refused,
            version => Outcome::Committed(version),
        }
    }

    /// It was made.
    pub fn committed(&self, version: u64) {
        self.outcome.store(version, Ordering::Relaxed);
    }

    /// It was not.
    pub fn refused(&self) {
        self.outcome.store(REFUSED, Ordering::Relaxed);
    }

    /// The greatest number of a space that it writes to.
    pub fn last_space(&self) -> u32 {
        self.log.last_space()
    }

    /// How many writes it has.
    pub fn count(&self) -> usize {
        self.log.len as usize
    }

    /// Whether ranges are deleted.
    pub fn has_ranges(&self) -> bool {
        self.log.has_ranges
    }

    /// What it counts for against the bound on undurable bytes.
    pub fn weight(&self) -> u64 {
        self.log.weight()
    }

    /// The memory that its writes were in.
    pub fn into_bytes(self) -> Bytes {
        self.log.bytes
    }

    /// In their order.
    pub fn writes(&self) -> impl Iterator<Item = Logged<'_>> {
        self.log.writes()
    }
}

/// Writes one behind the other, with their keys as they lie in a parent.
///
/// ```text
///   [ kind: 1 ][ length: 4 ][ length: 4 ][ key, or first key ][ value, or the key behind the last ]
/// ```
#[derive(Debug, Default)]
pub struct Log {
    bytes: Bytes,
    /// Writes.
    len: u32,
    /// The greatest number of a space.
    last_space: u32,
    has_ranges: bool,
}

const HEADER: usize = 9;

/// One short write needs no memory but that of its entry.
pub type Bytes = SmallVec<[u8; 192]>;

const DELETE: u8 = 0;
const PUT: u8 = 1;
const DELETE_RANGE: u8 = 2;

/// A write, as the parent is to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged<'a> {
    /// To one key; `None`: it is deleted.
    Write(&'a [u8], Option<&'a [u8]>),
    /// Every key from the first on, and below the second, is deleted.
    DeleteRange(&'a [u8], &'a [u8]),
}

impl Log {
    /// In this memory, whatever it held.
    pub fn on(mut bytes: Bytes) -> Self {
        bytes.clear();
        Self { bytes, ..Self::default() }
    }

    /// What so many writes take, with so many bytes in their keys and values.
    pub fn room(writes: usize, bytes: usize) -> usize {
        writes.saturating_mul(HEADER + PREFIX).saturating_add(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn weight(&self) -> u64 {
        self.bytes.len() as u64 + OVERHEAD
    }

    pub fn push(&mut self, step: Step<'_>) {
        match step {
            Step::Write(WriteOp { space, key, value }) => {
                let kind = if value.is_some() { PUT } else { DELETE };
                self.add(kind, space, key, (&[], value.unwrap_or_default()));
            }
            Step::DeleteRange { space, from, to: Some(to) } => {
                self.add(DELETE_RANGE, space, from, (&space.to_be_bytes(), to));
            }
            Step::DeleteRange { space, from, to: None } => {
                self.add(DELETE_RANGE, space, from, (&(space + 1).to_be_bytes(), &[]));
            }
        }
    }

    fn add(&mut self, kind: u8, space: u32, key: &[u8], second: (&[u8], &[u8])) {
        let lengths = [PREFIX + key.len(), second.0.len() + second.1.len()];
        // At once what goes before the key: a block has thousands of writes, and whoever commits it waits.
        let mut head = [kind; HEADER + PREFIX];
        // Keys and values are shorter than 2 GiB.
        head[1..5].copy_from_slice(&(lengths[0] as u32).to_le_bytes());
        head[5..HEADER].copy_from_slice(&(lengths[1] as u32).to_le_bytes());
        head[HEADER..].copy_from_slice(&space.to_be_bytes());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(key);
        if !second.0.is_empty() {
            self.bytes.extend_from_slice(second.0);
        }
        self.bytes.extend_from_slice(second.1);
        self.len += 1;
        self.last_space = self.last_space.max(space);
        self.has_ranges |= kind == DELETE_RANGE;
    }

    pub fn last_space(&self) -> u32 {
        self.last_space
    }

    pub fn writes(&self) -> impl Iterator<Item = Logged<'_>> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let kind = *rest.split_off_first()?;
            let length = |rest: &mut &[u8]| {
                let bytes = rest.split_off(..4).expect("a length of 4 bytes");
                u32::from_le_bytes(bytes.try_into().expect("as it says")) as usize
            };
            let (first, second) = (length(&mut rest), length(&mut rest));
            let key = rest.split_off(..first).expect("as long as was noted");
            let second = rest.split_off(..second).expect("as long as was noted");
            Some(match kind {
                PUT => Logged::Write(key, Some(second)),
                DELETE => Logged::Write(key, None),
                _ => Logged::DeleteRange(key, second),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_out() {
        let mut log = Log::on(Bytes::new());
        log.push(Step::Write(WriteOp { space: 0, key: b"a", value: Some(b"") }));
        log.push(Step::Write(WriteOp { space: 2, key: b"bc", value: None }));
        log.push(Step::DeleteRange { space: 2, from: b"", to: None });
        log.push(Step::DeleteRange { space: 1, from: b"x", to: Some(b"y") });
        let expected = [
            Logged::Write(b"\0\0\0\0a", Some(b"")),
            Logged::Write(b"\0\0\0\x02bc", None),
            Logged::DeleteRange(b"\0\0\0\x02", b"\0\0\0\x03"),
            Logged::DeleteRange(b"\0\0\0\x01x", b"\0\0\0\x01y"),
        ];
        assert_eq!(log.writes().collect::<Vec<_>>(), expected);
        assert_eq!(log.last_space(), 2);
    }
}
