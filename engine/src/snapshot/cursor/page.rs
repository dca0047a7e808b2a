//! Entries that a cursor has read ahead, copied into one piece of memory.

use crate::snapshot::Range as Entries;
use crate::{Error, Key, Value};
use std::ops::Range;

/// Values that are longer are not copied: they are looked up when they are asked for.
const LONGEST_COPY: usize = 256;
/// A page takes no more entries once it has so many bytes.
const FULL: usize = 16 << 10;

/// Which way a cursor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

impl Direction {
    fn step<'s>(self, entries: &mut Entries<'s>) -> Result<Option<(Key<'s>, Value<'s>)>, Error> {
        match self {
            Self::Forward => entries.next(),
            Self::Backward => entries.next_back(),
        }
        .transpose()
    }
}

/// Some entries with nothing between them, in key order.
#[derive(Debug, Clone, Default)]
pub struct Page {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where an entry's bytes lie.
#[derive(Debug, Clone)]
struct Entry {
    key: Range<usize>,
    /// `None`: not copied.
    value: Option<Range<usize>>,
}

impl Page {
    /// Passes some entries, and takes at most `count` in place of those that it has; at least one, if there is any.
    pub fn fill(
        &mut self,
        mut entries: Entries<'_>,
        passed: usize,
        direction: Direction,
        count: usize,
    ) -> Result<(), Error> {
        self.bytes.clear();
        self.entries.clear();
        for _ in 0..passed {
            if direction.step(&mut entries)?.is_none() {
                return Ok(());
            }
        }
        while self.entries.len() < count && self.bytes.len() < FULL {
            let Some((key, value)) = direction.step(&mut entries)? else { break };
            let (key, is_short) = (self.store(&key), value.len() <= LONGEST_COPY);
            let value = is_short.then(|| self.store(&value));
            self.entries.push(Entry { key, value });
        }
        if direction == Direction::Backward {
            self.entries.reverse();
        }
        Ok(())
    }

    fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A key.
    pub fn key(&self, at: usize) -> Option<&[u8]> {
        Some(&self.bytes[self.entries.get(at)?.key.clone()])
    }

    /// A value, if it was copied.
    pub fn value(&self, at: usize) -> Option<&[u8]> {
        Some(&self.bytes[self.entries.get(at)?.value.clone()?])
    }
}
