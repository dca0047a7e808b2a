//! Bytes of a fuzzer, read as numbers, keys, values and bounds. Every sequence of bytes means something, and a change of
//! one byte changes little: that is what lets a mutating fuzzer make progress.

use super::keys::key;
use super::model::{Bytes, Write};
use super::world::Turns;
use epoch_store::MAX_KEY_LEN;
use std::ops::Bound;

/// What is left of an input. Behind its end there are zeros.
pub struct Tape<'a> {
    bytes: &'a [u8],
    written: u32,
}

impl<'a> Tape<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, written: 0 }
    }

    pub fn is_over(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&first, rest)) => {
                self.bytes = rest;
                first
            }
            None => 0,
        }
    }

    /// One of the snapshots that are held, by number.
    pub fn at(&mut self) -> usize {
        self.byte().into()
    }

    /// Up to `most` things.
    pub fn several<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = usize::from(self.byte()) % (most + 1);
        (0..count).map(|_| one(self)).collect()
    }

    /// A shape of keys. The two that fill one leaf with a long common beginning come more often than the others.
    pub fn shape(&mut self) -> u8 {
        match self.byte() % 16 {
            shape @ 0..8 => shape,
            8..12 => 2,
            _ => 4,
        }
    }

    /// A key that can be stored: one of 256 of each shape.
    pub fn key(&mut self) -> Bytes {
        key(self.shape(), self.byte().into())
    }

    /// A key to ask for: rarely one that cannot be stored.
    pub fn any_key(&mut self) -> Bytes {
        match self.bytes.first() {
            Some(0xf0..) => self.bad_key(),
            _ => self.key(),
        }
    }

    /// A key that cannot be stored.
    pub fn bad_key(&mut self) -> Bytes {
        match self.byte() % 4 {
            0 => vec![b'a'; MAX_KEY_LEN + 1],
            _ => vec![],
        }
    }

    /// A value that was not written before, so that a mixed-up one shows; or an empty one.
    pub fn value(&mut self) -> Bytes {
        self.written += 1;
        let padding = match self.byte() {
            0 => return vec![],
            0xff => 5_000,
            other => usize::from(other / 4),
        };
        [&self.written.to_le_bytes()[..], &vec![self.written as u8; padding]].concat()
    }

    pub fn write(&mut self) -> Write {
        (self.key(), self.value_or_delete())
    }

    pub fn value_or_delete(&mut self) -> Option<Bytes> {
        match self.byte() % 4 {
            0 => None,
            _ => Some(self.value()),
        }
    }

    /// Writes to up to 256 keys that follow one another: fills a leaf, or empties one, with a few bytes.
    pub fn run(&mut self) -> Vec<Write> {
        let (shape, first, count) = (self.shape(), u16::from(self.byte()), u16::from(self.byte()));
        let kind = self.byte();
        let stride = 1 + u16::from(kind % 4);
        let keys = (0..=count).map(|i| key(shape, first + i * stride));
        let deletes = kind >= 0xa0;
        keys.map(|key| (key, (!deletes).then(|| vec![kind; usize::from(kind % 8)]))).collect()
    }

    pub fn bound(&mut self) -> Bound<Bytes> {
        match self.byte() % 5 {
            0 => Bound::Unbounded,
            1 | 2 => Bound::Included(self.any_key()),
            _ => Bound::Excluded(self.any_key()),
        }
    }

    /// Bounds around up to 256 keys that follow one another.
    pub fn span(&mut self) -> (Bound<Bytes>, Bound<Bytes>) {
        let (shape, first, count) = (self.shape(), u16::from(self.byte()), u16::from(self.byte()));
        (Bound::Included(key(shape, first)), Bound::Excluded(key(shape, first + count)))
    }

    /// All from the front, all from the back, or a pattern of eight.
    pub fn turns(&mut self) -> Turns {
        match self.byte() {
            byte @ 0..0x40 => Turns::from(byte % 2) * Turns::MAX,
            byte => Turns::from_ne_bytes([byte; 8]),
        }
    }
}
