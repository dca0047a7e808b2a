//! What a run read and wrote: the account that is kept of it until the block ends.

use super::cell::{Cell, Seen, Write};
use super::key::{BlockKey, KeyRef};
use std::marker::PhantomData;
use std::ops::Bound;
use std::ptr::NonNull;

/// What of a key was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadKind {
    /// Its value.
    Get,
    /// Whether it has one.
    Has,
    /// A value that several merges make: the note is the value.
    Fold,
    /// Whether a merge stays within bounds: the note says which, and whether it did.
    Bound,
}

/// The bits of a key's address that say which kind: keys begin at multiples of 64.
const KIND: usize = 3;

/// A read, remembered: 16 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Read<'b> {
    key: NonNull<BlockKey>,
    /// A [`Seen`], or the cell that is the note.
    seen: *mut Cell,
    block: PhantomData<&'b BlockKey>,
}

#[cfg(not(epoch_loom))]
static_assertions::assert_eq_size!(Read<'static>, [u8; 16]);

// SAFETY: a shared view of what never changes, but for the key, whose mutable parts are atomic.
unsafe impl Send for Read<'_> {}
// SAFETY: as above.
unsafe impl Sync for Read<'_> {}

impl<'b> Read<'b> {
    #[inline]
    pub(super) fn new(seen: Seen<'b>, kind: ReadKind) -> Self {
        let kind = match kind {
            ReadKind::Get => 0,
            ReadKind::Has => 1,
            ReadKind::Fold => 2,
            ReadKind::Bound => 3,
        };
        let key = seen.key().as_ptr().map_addr(|address| address | kind);
        Self { key, seen: seen.word(), block: PhantomData }
    }

    /// The key that was read.
    #[inline]
    pub fn key(self) -> KeyRef<'b> {
        let key = self.key.as_ptr().map_addr(|address| address & !KIND);
        // SAFETY: the address that came from a `KeyRef<'b>`, its own bits restored; so it is not null.
        unsafe { KeyRef::new(NonNull::new_unchecked(key)) }
    }

    /// What of it was read.
    #[inline]
    pub fn kind(self) -> ReadKind {
        match self.key.addr().get() & KIND {
            0 => ReadKind::Get,
            1 => ReadKind::Has,
            2 => ReadKind::Fold,
            _ => ReadKind::Bound,
        }
    }

    /// What was seen; of a note, the note's own identity.
    #[inline]
    pub fn seen(self) -> Seen<'b> {
        // SAFETY: the word of a `Seen<'b>` of this key.
        unsafe { Seen::new(self.key(), self.seen) }
    }

    /// The bytes of a note; of a read without one, those of the cell that was seen, if it was one.
    #[inline]
    pub fn note(self) -> &'b [u8] {
        // SAFETY: the cell of a `Seen<'b>`.
        self.seen().cell().map_or(&[], |cell| unsafe { Cell::bytes(cell) })
    }
}

/// Which way a range was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest key on.
    Forward,
    /// From the greatest key on.
    Backward,
}

/// A range of which everything was seen.
#[derive(Debug, Clone, Copy)]
pub struct RangeRead<'k> {
    /// Where it begins.
    pub lo: Bound<&'k [u8]>,
    /// Where it ends: as far as the reader came.
    pub hi: Bound<&'k [u8]>,
    /// Which of the run's reads are of keys in it: the first, and the one behind the last.
    pub reads: (u32, u32),
    /// Which way it was read: the reads are in this order.
    pub direction: Direction,
}

/// What the run of a transaction that was published last read and wrote.
#[derive(Debug, Clone, Copy)]
pub struct Account<'b> {
    pub(super) reads: &'b [Read<'b>],
    pub(super) ranges: &'b [RangeRead<'b>],
    pub(super) writes: &'b [Write<'b>],
}

impl<'b> Account<'b> {
    /// What it read, in order.
    pub fn reads(&self) -> &'b [Read<'b>] {
        self.reads
    }

    /// The ranges that it read.
    pub fn ranges(&self) -> &'b [RangeRead<'b>] {
        self.ranges
    }

    /// What it wrote: a key once.
    pub fn writes(&self) -> &'b [Write<'b>] {
        self.writes
    }
}
