//! What a run wrote to a key, and what a reader saw of it.
//!
//! *Picture.* A cell is made by the run that writes, in the arena, and never changes. With it comes an entry, for the case that
//! the key has none of this transaction yet.
//! ```text
//!   Cell { entry { next, cell, idx }, writer: idx | run | kind | op, len, bytes ... }
//! ```
//! *A view of a cell is one word* ([`Seen`]): its address; with the lowest bit set, it is an estimate; zero is the base. Cells
//! are not freed and not used again while the block is open, so two equal words mean one answer (B-3).

use super::account::{Read, ReadKind};
use super::entry::Entry;
use super::key::KeyRef;
use crate::sync::Tracked;
use std::alloc::Layout;
use std::ptr::{self, NonNull};

/// What a run did to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It put a value.
    Value,
    /// It deleted it.
    Deleted,
    /// It merged something into whatever is there, by the operation of this number.
    Merge(u16),
}

/// Who wrote a cell, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) idx: u32,
    pub(super) run: u8,
    pub(super) kind: Kind,
    /// It stands for what a merge came to.
    pub(super) is_replacement: bool,
}

impl Origin {
    pub(super) fn new(idx: u32, run: u8, kind: Kind) -> Self {
        Self { idx, run, kind, is_replacement: false }
    }
}

#[derive(Debug, Clone, Copy)]
struct Header {
    origin: Origin,
    len: u32,
}

/// See the module header. Its bytes follow it.
#[derive(Debug)]
#[repr(C)]
pub struct Cell {
    pub(super) entry: Entry,
    header: Tracked<Header>,
}

#[cfg(not(epoch_loom))]
static_assertions::const_assert!(size_of::<Cell>() <= 40);

impl Cell {
    /// The layout of a cell with so many bytes, and where these begin.
    pub(super) fn layout(len: usize) -> Layout {
        let bytes = Layout::array::<u8>(len).expect("a value's length was checked at the door");
        Layout::new::<Self>().extend(bytes).expect("as above").0
    }

    /// Makes a cell at `to`, which nobody has seen yet.
    ///
    /// # Safety
    /// `to` is good for writes of [`Cell::layout`] of these bytes.
    pub(super) unsafe fn write(to: NonNull<Self>, origin: Origin, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).expect("a value's length was checked at the door");
        let header = Tracked::new(Header { origin, len });
        // SAFETY: by contract; the bytes come after all of the struct.
        unsafe {
            to.write(Self { entry: Entry::new(origin.idx), header });
            let at = to.as_ptr().add(1).cast::<u8>();
            ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
        }
    }

    /// # Safety
    /// It was published to this thread, and lives.
    #[inline(always)]
    pub(super) unsafe fn origin(cell: NonNull<Self>) -> Origin {
        // SAFETY: alive; a header never changes after it was published.
        unsafe { (*cell.as_ptr()).header.get().origin }
    }

    /// # Safety
    /// It was published to this thread, and lives during `'b`.
    #[inline(always)]
    pub(super) unsafe fn bytes<'b>(cell: NonNull<Self>) -> &'b [u8] {
        // SAFETY: alive; header and bytes never change after they were published; the bytes come after all of the struct.
        unsafe {
            let len = (*cell.as_ptr()).header.get().len;
            std::slice::from_raw_parts(cell.as_ptr().add(1).cast(), len as usize)
        }
    }
}

/// The bit of a word that says: the run which wrote this is to be repeated, and will probably write here again.
pub(super) const ESTIMATE: usize = 1;

/// What a reader met at a key: the identity of one answer. Equal: the same answer. Unequal: another cell, maybe with the same
/// bytes.
///
/// It says of which key, so that nobody can take it for what another block has: that one may be gone first (B-0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'b> {
    key: KeyRef<'b>,
    /// The address of a cell, with or without [`ESTIMATE`]; null: the base.
    word: *mut Cell,
}

// SAFETY: a shared view of what never changes (B-3).
unsafe impl Send for Seen<'_> {}
// SAFETY: as above.
unsafe impl Sync for Seen<'_> {}

/// What [`Seen`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'b> {
    /// Nothing was written to the key in this block: it is as the base has it.
    Base,
    /// A value.
    Value(&'b [u8]),
    /// It was deleted.
    Deleted,
    /// Something to be merged into what lies below.
    Merge {
        /// The operation's number.
        op: u16,
        /// What is merged in.
        delta: &'b [u8],
    },
    /// A run that was withdrawn wrote here, and its successor probably will.
    Estimate {
        /// The transaction.
        writer: u32,
    },
}

impl<'b> Seen<'b> {
    /// # Safety
    /// Null, or the address of a cell in the arena of the key's block, which was published to this thread, with or without
    /// [`ESTIMATE`].
    #[inline(always)]
    pub(super) unsafe fn new(key: KeyRef<'b>, word: *mut Cell) -> Self {
        Self { key, word }
    }

    /// The base's answer.
    pub(super) fn of_base(key: KeyRef<'b>) -> Self {
        Self { key, word: ptr::null_mut() }
    }

    #[inline(always)]
    pub(super) fn cell(self) -> Option<NonNull<Cell>> {
        cell_of(self.word)
    }

    pub(super) fn word(self) -> *mut Cell {
        self.word
    }

    /// The key.
    pub fn key(self) -> KeyRef<'b> {
        self.key
    }

    /// Whether it is the base's answer.
    pub fn is_base(self) -> bool {
        self.word.is_null()
    }

    /// What it says.
    #[inline]
    pub fn get(self) -> State<'b> {
        // SAFETY: by the contract of `new`; the arena lives during 'b, as the key does.
        unsafe { state_of(self.word) }
    }

    /// The transaction that wrote it; `None`: it is the base's.
    #[inline]
    pub fn writer(self) -> Option<u32> {
        // SAFETY: as in `get`.
        self.cell().map(|cell| unsafe { Cell::origin(cell) }.idx)
    }

    /// Which run of that transaction it was.
    pub fn run(self) -> Option<u8> {
        // SAFETY: as in `get`.
        self.cell().map(|cell| unsafe { Cell::origin(cell) }.run)
    }

    /// A handle that says: this was read.
    #[inline]
    pub fn read(self, kind: ReadKind) -> Read<'b> {
        Read::new(self, kind)
    }
}

#[inline(always)]
fn cell_of(word: *mut Cell) -> Option<NonNull<Cell>> {
    NonNull::new(word.map_addr(|address| address & !ESTIMATE))
}

/// # Safety
/// Null, or the address of a cell that lives during `'b` and was published to this thread, with or without [`ESTIMATE`].
#[inline]
unsafe fn state_of<'b>(word: *mut Cell) -> State<'b> {
    let Some(cell) = cell_of(word) else { return State::Base };
    // SAFETY: by contract.
    unsafe {
        let Origin { idx, kind, .. } = Cell::origin(cell);
        if word.addr() & ESTIMATE != 0 {
            return State::Estimate { writer: idx };
        }
        match kind {
            Kind::Value => State::Value(Cell::bytes(cell)),
            Kind::Deleted => State::Deleted,
            Kind::Merge(op) => State::Merge { op, delta: Cell::bytes(cell) },
        }
    }
}

/// A write of a run to a key: private until it is published.
///
/// Made by [`Writer::write`](super::Writer::write), which pairs a key of its block with a cell of its block.
#[derive(Debug, Clone, Copy)]
pub struct Write<'b> {
    key: KeyRef<'b>,
    cell: NonNull<Cell>,
}

// SAFETY: a shared view of what never changes (B-3).
unsafe impl Send for Write<'_> {}
// SAFETY: as above.
unsafe impl Sync for Write<'_> {}

impl<'b> Write<'b> {
    /// # Safety
    /// The cell lives as long as the key's block, and was published to this thread.
    pub(super) unsafe fn new(key: KeyRef<'b>, cell: NonNull<Cell>) -> Self {
        Self { key, cell }
    }

    pub(super) fn cell(self) -> NonNull<Cell> {
        self.cell
    }

    pub(super) fn origin(self) -> Origin {
        // SAFETY: by the contract of `new`.
        unsafe { Cell::origin(self.cell) }
    }

    /// The key.
    pub fn key(self) -> KeyRef<'b> {
        self.key
    }

    /// What was written.
    #[inline]
    pub fn state(self) -> State<'b> {
        // SAFETY: by the contract of `new`.
        unsafe { state_of(self.cell.as_ptr()) }
    }
}
