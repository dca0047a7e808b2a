//! What a block knows of one key.

use super::cell::{Cell, Seen};
use super::entry::{Chain, Entry};
use crate::chain::Record;
use crate::store::Located;
use crate::sync::{AtomicPtr, AtomicU32, Ordering, Tracked, mutant, ord, prefetch};
use std::alloc::Layout;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// It was written, its log knows of it, and so does the order index if there is one.
const WRITTEN: u32 = 1;
/// It is in the order index.
const ORDERED: u32 = 2;

/// Written once, before the key is published.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    /// The block that it belongs to (B-0).
    owner: u64,
    hash: u64,
    /// The base's value; dangling if it has none.
    base: *const u8,
    /// Its length; [`ABSENT`]: none.
    base_len: u32,
    len: u32,
}

/// No value is as long.
const ABSENT: u32 = u32::MAX;

/// A key that the block has met: its chain, and what the base says. The record of the base's value and its own bytes follow it.
///
/// 64 bytes: what a look-up touches lies in one line, but for the bytes of the key, which lie in the next.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct BlockKey {
    head: AtomicPtr<Entry>,
    /// A cell of a run that was final when it was written, older than every entry of the chain; null: the base.
    settled: AtomicPtr<Cell>,
    /// Behind it in its bucket.
    pub(super) next: AtomicPtr<BlockKey>,
    fixed: Tracked<Fixed>,
    flags: AtomicU32,
    aborts: AtomicU32,
}

#[cfg(not(epoch_loom))]
static_assertions::assert_eq_size!(BlockKey, [u8; 64]);

impl BlockKey {
    /// Where the bytes of a key begin.
    const BYTES: usize = size_of::<Self>() + size_of::<*mut Record>();

    pub(super) fn layout(len: usize) -> Layout {
        let size = Self::BYTES.checked_add(len).expect("a key's length was checked at the door");
        Layout::from_size_align(size, align_of::<Self>()).expect("as above")
    }

    /// Makes a key at `to`, which nobody has seen yet.
    ///
    /// # Safety
    /// `to` is good for writes of [`BlockKey::layout`] of these bytes; `base` is what the snapshot of the block of this number
    /// has for the key.
    pub(super) unsafe fn write(
        to: NonNull<Self>,
        owner: u64,
        hash: u64,
        key: &[u8],
        base: Option<Located<'_>>,
    ) {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("checked at the door");
        let record = base.and_then(|base| base.record).map_or(ptr::null_mut(), NonNull::as_ptr);
        let base = base.map(|base| base.value);
        let fixed = Fixed {
            owner,
            hash,
            base: base.map_or(ptr::dangling(), <[u8]>::as_ptr),
            base_len: base.map_or(ABSENT, length),
            len: length(key),
        };
        // SAFETY: by contract; the record and the bytes come after all of the struct, which ends where a pointer may begin.
        unsafe {
            to.write(Self {
                head: AtomicPtr::new(ptr::null_mut()),
                settled: AtomicPtr::new(ptr::null_mut()),
                next: AtomicPtr::new(ptr::null_mut()),
                fixed: Tracked::new(fixed),
                flags: AtomicU32::new(0),
                aborts: AtomicU32::new(0),
            });
            to.as_ptr().add(1).cast::<*mut Record>().write(record);
            let bytes = to.as_ptr().cast::<u8>().add(Self::BYTES);
            ptr::copy_nonoverlapping(key.as_ptr(), bytes, key.len());
        }
    }
}

/// A key of a block, found: as good as the block for all that is known of it.
#[derive(Debug, Clone, Copy)]
pub struct KeyRef<'b> {
    key: NonNull<BlockKey>,
    block: PhantomData<&'b BlockKey>,
}

// SAFETY: a shared view; everything mutable in a key is atomic.
unsafe impl Send for KeyRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for KeyRef<'_> {}

impl PartialEq for KeyRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for KeyRef<'_> {}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl<'b> KeyRef<'b> {
    /// # Safety
    /// It was published to this thread and lives during `'b`.
    #[inline(always)]
    pub(super) unsafe fn new(key: NonNull<BlockKey>) -> Self {
        Self { key, block: PhantomData }
    }

    #[inline(always)]
    pub(super) fn as_ptr(self) -> NonNull<BlockKey> {
        self.key
    }

    #[inline(always)]
    pub(super) fn node(self) -> &'b BlockKey {
        // SAFETY: alive during 'b, by the contract of `new`.
        unsafe { self.key.as_ref() }
    }

    #[inline(always)]
    fn fixed(self) -> Fixed {
        // SAFETY: written before the key was published, never afterwards.
        unsafe { self.node().fixed.get() }
    }

    pub(super) fn owner(self) -> u64 {
        self.fixed().owner
    }

    /// Its hash in the table of its block.
    #[inline(always)]
    pub fn hash(self) -> u64 {
        self.fixed().hash
    }

    /// Its bytes.
    #[inline(always)]
    pub fn key(self) -> &'b [u8] {
        let len = self.fixed().len as usize;
        // SAFETY: alive during 'b; the bytes follow the struct, and never change.
        unsafe {
            let bytes = self.key.as_ptr().cast::<u8>().add(BlockKey::BYTES);
            std::slice::from_raw_parts(bytes, len)
        }
    }

    /// The record in which the base has its value, if it has one. It takes the next version too as long as the base is held.
    #[inline]
    pub(super) fn record(self) -> Option<NonNull<Record>> {
        // SAFETY: alive during 'b; written before the key was published, never afterwards.
        NonNull::new(unsafe { self.key.as_ptr().add(1).cast::<*mut Record>().read() })
    }

    /// The value that the base has for it.
    #[inline]
    pub fn base(self) -> Option<&'b [u8]> {
        let Fixed { base, base_len, .. } = self.fixed();
        if base_len == ABSENT {
            return None;
        }
        // SAFETY: lives as long as the block, whose snapshot keeps it.
        Some(unsafe { std::slice::from_raw_parts(base, base_len as usize) })
    }

    #[inline(always)]
    pub(super) fn chain(self) -> Chain<'b> {
        // SAFETY: the chain of a key that lives during 'b, as its arena does.
        unsafe { Chain::new(self, &self.node().head) }
    }

    /// What transaction `idx` sees: the newest entry of a lower one, or what is settled below all of them.
    ///
    /// Wait-free up to entries linked meanwhile; takes a step for each entry of a higher or equal index and each dead one
    /// that comes before.
    #[inline]
    pub fn visible(self, idx: u32) -> Seen<'b> {
        self.chain().below(idx).next().unwrap_or_else(|| self.settled())
    }

    /// All that transaction `idx` could see, the newest first; what is settled is the last.
    pub fn below(self, idx: u32) -> impl Iterator<Item = Seen<'b>> {
        let settled = std::iter::once_with(move || self.settled());
        self.chain().below(idx).chain(settled)
    }

    #[inline]
    fn settled(self) -> Seen<'b> {
        let word = self.node().settled.load(ord!("settle-load", Acquire));
        // SAFETY: null, or a cell of the same arena.
        unsafe { Seen::new(self, word) }
    }

    /// Makes a write of a transaction below which all are final the answer: in the entry that it has; as what is settled, if
    /// no lower one has an entry; or in a new entry.
    ///
    /// # Safety
    /// The cell lives in the arena of this key, and its entry is in no chain but this one's.
    pub(super) unsafe fn settle(self, idx: u32, cell: NonNull<Cell>) {
        let chain = self.chain();
        if let Some(slot) = chain.of(idx) {
            slot.set(cell);
        } else if chain.has_below(idx) && !mutant!("settled-above-entry") {
            // SAFETY: forwarded.
            unsafe { chain.put(idx, cell) };
        } else {
            self.node().settled.store(cell.as_ptr(), ord!("settle-store", Release));
        }
    }

    /// What a reader sees of it where nothing was written in the block: the base's answer.
    pub fn unwritten(self) -> Seen<'b> {
        Seen::of_base(self)
    }

    /// Asks the cache for what is known of it.
    #[inline]
    pub fn prefetch(self) {
        prefetch::read(self.key.as_ptr());
        prefetch::read(self.key.as_ptr().wrapping_add(1));
    }

    /// Asks the cache for its newest entry, with which its cell probably lies, and for the base's value. Both are seldom on one
    /// line alone.
    #[inline]
    pub fn prefetch_answers(self) {
        const CELL: usize = size_of::<Cell>();
        let Fixed { base, base_len, .. } = self.fixed();
        for cell in [
            self.node().head.load(Ordering::Relaxed).cast(),
            self.node().settled.load(Ordering::Relaxed),
        ] {
            prefetch::read(cell);
            prefetch::read(cell.cast::<u8>().wrapping_add(CELL + 16));
        }
        prefetch::read(base);
        if base_len != ABSENT {
            prefetch::read(base.wrapping_add(base_len as usize));
        }
    }

    pub(super) fn is_written(self) -> bool {
        self.node().flags.load(ord!("written-load", Acquire)) & WRITTEN != 0
    }

    /// Whether this call was the first to say so.
    pub(super) fn set_written(self) -> bool {
        self.node().flags.fetch_or(WRITTEN, ord!("written-set", Release)) & WRITTEN == 0
    }

    pub(super) fn is_ordered(self) -> bool {
        self.node().flags.load(ord!("ordered-load", Acquire)) & ORDERED != 0
    }

    pub(super) fn set_ordered(self) {
        self.node().flags.fetch_or(ORDERED, ord!("ordered-set", Release));
    }

    /// Counts a run that was lost for this key's sake.
    pub fn note_abort(self) {
        self.node().aborts.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were.
    pub fn aborts(self) -> u32 {
        self.node().aborts.load(Ordering::Relaxed)
    }
}
