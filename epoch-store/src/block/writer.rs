//! What a worker holds of a block: where it writes.

use super::BlockMap;
use super::account::{Account, RangeRead, Read, ReadKind};
use super::arena::Bump;
use super::cell::{Cell, Kind, Origin, Seen, Write};
use super::key::{BlockKey, KeyRef};
use super::log::{Line, Page, Pen};
use crate::error::{Error, MAX_KEY_LEN};
use crate::store::Located;
use crate::sync::{Ordering, fence_at, mutant, ord};
use smallvec::SmallVec;
use std::fmt;
use std::ops::Bound;
use std::ptr::{self, NonNull};

/// A worker's place in a block: the rest of a chunk of its arena, and its log of written keys.
///
/// Everything it is given is compared with its block: a key, read or write of another block is refused by a panic, for what
/// is remembered here must live as long as this block does (B-0).
pub struct Writer<'b> {
    map: &'b BlockMap,
    bump: Bump,
    pen: Pen<'b>,
    /// Keys that it was the first to touch, more or less.
    touched: usize,
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("block", &self.map.number()).finish_non_exhaustive()
    }
}

impl<'b> Writer<'b> {
    pub(super) fn new(map: &'b BlockMap) -> Self {
        // SAFETY: pages lie in the arena, which lives during 'b.
        let pen = unsafe { map.logs.pen() };
        Self { map, bump: map.arena.bump(), pen, touched: 0 }
    }

    /// The block.
    pub fn map(&self) -> &'b BlockMap {
        self.map
    }

    #[inline(always)]
    fn check(&self, key: KeyRef<'_>) {
        assert!(key.owner() == self.map.number(), "a key of another block");
    }

    /// The block's account of `key`; at its first touch the base is asked. Lock-free, waits for nobody.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::KeyTooLong`].
    #[inline]
    pub fn key(&mut self, key: &[u8]) -> Result<KeyRef<'b>, Error> {
        let hash = self.map.table.hash(key);
        self.map.prefetch_base(hash);
        match self.map.table.find(key, hash) {
            Ok(found) => Ok(found),
            Err(missed) => {
                check_key(key)?;
                self.touched += 1;
                let (map, base) = (self.map, self.base(key, hash));
                let piece = self.bump.piece(&map.arena, BlockKey::layout(key.len())).cast();
                // SAFETY: a fresh piece of this layout, in the arena of the block, whose snapshot or
                // arena keeps what `base` gave.
                unsafe {
                    BlockKey::write(piece, map.number(), hash, key, base);
                    Ok(missed.add(piece))
                }
            }
        }
    }

    /// What the base says of a key, or what lies below it.
    #[inline]
    fn base(&mut self, key: &[u8], hash: u64) -> Option<Located<'b>> {
        match self.map.locate(key, hash) {
            None => {
                let value = self.map.ground(key)?;
                Some(Located { value: self.bytes(&value), record: None })
            }
            located => located,
        }
    }

    fn cell(&mut self, origin: Origin, bytes: &[u8]) -> NonNull<Cell> {
        let piece = self.bump.piece(&self.map.arena, Cell::layout(bytes.len())).cast();
        // SAFETY: a fresh piece of this layout.
        unsafe { Cell::write(piece, origin, bytes) };
        piece
    }

    /// A write of a run, private until it is published: the only copy that is made of the value.
    ///
    /// # Panics
    /// The key is one of another block; the value has 4 GiB.
    #[inline]
    pub fn write(
        &mut self,
        key: KeyRef<'b>,
        kind: Kind,
        idx: u32,
        run: u8,
        bytes: &[u8],
    ) -> Write<'b> {
        self.check(key);
        let cell = self.cell(Origin::new(idx, run, kind), bytes);
        // SAFETY: made just now, in the arena of the key's block.
        unsafe { Write::new(key, cell) }
    }

    /// A read whose answer is bytes of the reader's own making.
    ///
    /// # Panics
    /// As [`Writer::write`].
    pub fn note(&mut self, key: KeyRef<'b>, kind: ReadKind, bytes: &[u8]) -> Read<'b> {
        self.check(key);
        let cell = self.cell(Origin::new(0, 0, Kind::Value), bytes);
        // SAFETY: made just now, in the arena of the key's block.
        unsafe { Seen::new(key, cell.as_ptr()) }.read(kind)
    }

    /// A copy of `bytes` that lives as long as the block.
    pub fn bytes(&mut self, bytes: &[u8]) -> &'b [u8] {
        // SAFETY: a piece of the arena, initialised, never written again, and alive as long as the block.
        unsafe { self.bump.bytes(&self.map.arena, bytes).as_ref() }
    }

    /// Publishes a run of transaction `idx` in place of the one before: its writes take effect, entries of keys that it does
    /// not write any more are dead, and its account is kept. The caller is the only one to do anything to `idx`.
    ///
    /// Not one step for those who look meanwhile: they may see the one half of it, and find out when they are validated.
    /// Lock-free.
    ///
    /// # Panics
    /// A read or write is of another block, or a write of another transaction; `idx` is none of the block's.
    pub fn publish(
        &mut self,
        idx: u32,
        reads: &[Read<'b>],
        ranges: &[RangeRead<'_>],
        writes: &[Write<'b>],
    ) {
        let slot = self.map.slot(idx); // refuses, before anything is done
        self.check_writes(idx, writes);
        reads.iter().for_each(|read| self.check(read.key()));
        if !mutant!("seen-before-ordered") {
            self.announce(writes);
        }
        for write in writes {
            // SAFETY: checked: of this block; a cell's entry goes into the chain of its own key only.
            unsafe { write.key().chain().put(idx, write.cell()) };
        }
        if mutant!("seen-before-ordered") {
            self.announce(writes);
        }
        self.bury(idx);
        let account = self.account(reads, ranges, writes);
        slot.store(account.as_ptr(), ord!("account-store", Release));
    }

    /// Publishes the last run of a transaction below which all are final. As [`Writer::publish`], but nothing that it read
    /// will be looked at again, and a key without entries of lower transactions needs none for this.
    ///
    /// # Panics
    /// As [`Writer::publish`].
    pub fn settle(&mut self, idx: u32, writes: &[Write<'b>]) {
        let slot = self.map.slot(idx); // refuses, before anything is done
        self.check_writes(idx, writes);
        self.announce(writes);
        for write in writes {
            // SAFETY: as in `publish`.
            unsafe { write.key().settle(idx, write.cell()) };
        }
        if !slot.load(Ordering::Relaxed).is_null() {
            self.bury(idx);
            slot.store(ptr::null_mut(), ord!("account-store", Release));
        }
    }

    /// Transaction `idx` writes nothing, and has no account.
    ///
    /// # Panics
    /// `idx` is none of the block's.
    pub fn withdraw(&mut self, idx: u32) {
        self.bury(idx);
        self.map.slot(idx).store(ptr::null_mut(), ord!("account-store", Release));
    }

    /// Says of everything that `idx` has written that it is an estimate.
    ///
    /// # Panics
    /// `idx` is none of the block's.
    pub fn estimate(&self, idx: u32) {
        let Some(account) = self.map.account(idx) else { return };
        for write in account.writes {
            if let Some(slot) = write.key().chain().of(idx) {
                slot.estimate();
            }
        }
    }

    /// Puts another cell in the place of the one that `idx` wrote to `key`: what its merge came to, now that all below it is
    /// final.
    ///
    /// # Panics
    /// As [`Writer::write`].
    pub fn replace(&mut self, key: KeyRef<'b>, idx: u32, kind: Kind, bytes: &[u8]) {
        self.check(key);
        if let Some(slot) = key.chain().of(idx) {
            slot.set(
                self.cell(Origin { is_replacement: true, ..Origin::new(idx, 0, kind) }, bytes),
            );
        }
    }

    fn check_writes(&self, idx: u32, writes: &[Write<'b>]) {
        for write in writes {
            self.check(write.key());
            assert!(write.origin().idx == idx, "a write of another transaction");
        }
    }

    /// Kills what is left of the run before: entries in which its cells still stand.
    fn bury(&mut self, idx: u32) {
        let Some(before) = self.map.account(idx) else { return };
        for old in before.writes {
            if let Some(slot) = old.key().chain().of(idx)
                && slot.holds(old.cell())
                && !mutant!("old-entry-stays")
            {
                slot.clear();
            }
        }
    }

    /// Logs the keys that are written for the first time, and enters them in the order index if there is one.
    #[inline]
    fn announce(&mut self, writes: &[Write<'b>]) {
        if writes.iter().any(|write| !write.key().is_written()) {
            self.announce_new(writes);
        }
    }

    #[cold]
    fn announce_new(&mut self, writes: &[Write<'b>]) {
        let map = self.map;
        let fresh: SmallVec<[KeyRef<'b>; 16]> =
            writes.iter().map(|write| write.key()).filter(|key| !key.is_written()).collect();
        let mut lines: SmallVec<[Line<'b>; 16]> = SmallVec::new();
        for &key in &fresh {
            let page = || self.bump.place(&map.arena, Page::new());
            // SAFETY: pages and keys lie in the arena, which lives during 'b.
            lines.push(unsafe { self.pen.fill(&map.logs, key, page) });
        }
        fence_at("log-fence");
        if let Some(index) = map.index_if_built() {
            for &key in &fresh {
                // SAFETY: a key of this block; room in its arena.
                unsafe { index.enter(key, &mut |layout| self.bump.piece(&map.arena, layout)) };
            }
        }
        for (key, line) in fresh.iter().zip(lines) {
            // A second line for a key is of no use once the first is there.
            if !key.set_written() {
                line.take_out();
            }
        }
    }

    fn account(
        &mut self,
        reads: &[Read<'b>],
        ranges: &[RangeRead<'_>],
        writes: &[Write<'b>],
    ) -> NonNull<Account<'static>> {
        let arena = &self.map.arena;
        let ranges: SmallVec<[RangeRead<'static>; 4]> = ranges
            .iter()
            .map(|range| {
                let mut copy = |bound: Bound<&[u8]>| {
                    // SAFETY: in the arena, whose life is longer than that of the account, whose lifetime is put right by
                    // whoever reads it.
                    bound.map(|key| unsafe { &*self.bump.bytes(arena, key).as_ptr() })
                };
                RangeRead { lo: copy(range.lo), hi: copy(range.hi), ..*range }
            })
            .collect();
        let reads = self.bump.copies(arena, reads).as_ptr();
        let ranges = self.bump.copies(arena, &ranges).as_ptr();
        let writes = self.bump.copies(arena, writes).as_ptr();
        // SAFETY: in the arena, initialised, and never changed. The lifetime is put right by whoever reads the account:
        // `BlockMap::account`.
        let account = unsafe {
            Account {
                reads: &*(reads as *const [Read<'static>]),
                ranges: &*ranges,
                writes: &*(writes as *const [Write<'static>]),
            }
        };
        self.bump.place(arena, account)
    }

    /// The order index, built if it is not there.
    pub(super) fn build_order(&mut self) -> &'b super::order::Index {
        let map = self.map;
        let index = match map.index_if_built() {
            Some(index) => index,
            None => {
                let fresh = self.bump.place(&map.arena, super::order::Index::new());
                let (win, lose) = (ord!("order-put", AcqRel), Ordering::Relaxed);
                // Where it fails, somebody else's is there.
                let _ = map.order.compare_exchange(ptr::null_mut(), fresh.as_ptr(), win, lose);
                map.index_if_built().expect("an index was put there, by this thread or another")
            }
        };
        if !index.is_ready() {
            fence_at("order-fence");
            for key in map.logs.keys() {
                // SAFETY: a key of this block; room in its arena.
                unsafe { index.enter(key, &mut |layout| self.bump.piece(&map.arena, layout)) };
            }
            index.set_ready();
        }
        index
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.map.logs.leave(&mut self.pen);
        self.map.arena.leave(&mut self.bump);
        self.map.touched.fetch_add(self.touched, Ordering::Relaxed);
    }
}

fn check_key(key: &[u8]) -> Result<(), Error> {
    match key.len() {
        0 => Err(Error::EmptyKey),
        len if len > MAX_KEY_LEN => Err(Error::KeyTooLong { len, max: MAX_KEY_LEN }),
        _ => Ok(()),
    }
}
