//! The key record: where a key lives, and the one word that an overwrite touches.

use super::VersionNode;
use super::version::{VersionBox, VersionRef};
use crate::reclaim::{Node, Pinned};
use crate::sync::{AtomicPtr, AtomicU8, Ordering, Tracked, mutant, ord};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// Bit 0 of `head`: sealed. No version is ever installed again (I-37).
const DEAD: usize = 1;

/// The longest value that gets room behind its key: what is overwritten there lies idle until the key is removed.
const LONGEST_INSIDE: usize = 254;
/// Notes that a record can have.
pub(super) const MOST_NOTES: u8 = if cfg!(epoch_loom) { 2 } else { u8::MAX - 1 };
/// In place of notes, of which a sealed record has none: it is in no leaf any more.
const LEFT_LIST: u8 = u8::MAX;

/// The header of a record. The key follows it, and maybe its first version. Never moves.
#[repr(C)]
#[derive(Debug)]
pub struct Record {
    head: AtomicPtr<VersionNode>,
    lens: Tracked<Lens>,
    /// Entries of bags that point here, and those about to be made: while there are any, the record is not sealed (I-38).
    notes: AtomicU8,
}

/// What follows the header. Three bytes, so that header, lengths and notes take twelve.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Lens {
    /// Bytes of key, less one.
    key: [u8; 2],
    /// Bytes of value in the first version, plus one; 0: that version is elsewhere.
    value: u8,
}

#[cfg(not(epoch_loom))]
const _: () = assert!(Record::KEY_OFFSET == 12, "the header of a record is small");

impl Lens {
    fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        let key = u16::try_from(key.len() - 1).expect("key length was checked at the door");
        let value = value.map_or(0, |value| u8::try_from(value.len() + 1).expect("a short value"));
        Self { key: key.to_ne_bytes(), value }
    }

    fn key_len(self) -> usize {
        usize::from(u16::from_ne_bytes(self.key)) + 1
    }

    fn has_version(self) -> bool {
        self.value > 0
    }

    /// The whole, and where the first version lies.
    fn layout(self) -> (Layout, usize) {
        let fits = "key and first version fit a layout";
        let size = (Record::KEY_OFFSET + self.key_len()).max(size_of::<Record>());
        let own = Layout::from_size_align(size, align_of::<Record>()).expect(fits);
        match self.value.checked_sub(1) {
            None => (own, 0),
            Some(len) => own.extend(VersionNode::layout(len.into())).expect(fits),
        }
    }
}

impl Record {
    const KEY_OFFSET: usize = std::mem::offset_of!(Record, notes) + size_of::<AtomicU8>();

    /// A record without versions: invisible.
    pub fn alloc(key: &[u8]) -> NonNull<Self> {
        Self::alloc_planned(key, Lens::new(key, None))
    }

    /// A record for `key`, and its first version, which lies behind the key if its value is short. Both are invisible.
    pub fn alloc_with(key: &[u8], value: Option<&[u8]>) -> (NonNull<Self>, VersionBox) {
        let Some(value) = value.filter(|value| value.len() <= LONGEST_INSIDE) else {
            return (Self::alloc(key), VersionBox::new(value));
        };
        let lens = Lens::new(key, Some(value));
        let record = Self::alloc_planned(key, lens);
        // SAFETY: room for this value is part of the fresh allocation; the record is seen by nobody.
        unsafe {
            let node = Self::first_version(record, lens);
            VersionNode::write_in_record(node, value);
            (record, VersionBox::from_raw(node))
        }
    }

    fn alloc_planned(key: &[u8], lens: Lens) -> NonNull<Self> {
        let (layout, _) = lens.layout();
        // SAFETY: the layout is never empty.
        let raw = unsafe { alloc(layout) };
        let Some(record) = NonNull::new(raw.cast::<Self>()) else { handle_alloc_error(layout) };
        let header = Self {
            head: AtomicPtr::new(ptr::null_mut()),
            lens: Tracked::new(lens),
            notes: AtomicU8::new(0),
        };
        // SAFETY: fresh memory for header and key; the header write may touch padding, so the key comes second.
        unsafe {
            record.write(header);
            let to = record.as_ptr().cast::<u8>().add(Self::KEY_OFFSET);
            ptr::copy_nonoverlapping(key.as_ptr(), to, key.len());
        }
        record
    }

    /// Where the first version lies, if it is here.
    ///
    /// # Safety
    /// The record was allocated with `lens`.
    unsafe fn first_version(record: NonNull<Self>, lens: Lens) -> NonNull<VersionNode> {
        // SAFETY: inside the allocation by contract.
        unsafe { record.cast::<u8>().add(lens.layout().1).cast() }
    }

    /// # Safety
    /// The record is alive.
    unsafe fn lens(record: NonNull<Self>) -> Lens {
        // SAFETY: alive; `lens` was written before the record was shared and never changes.
        unsafe { (*record.as_ptr()).lens.get() }
    }
}

impl Node for Record {
    /// Frees the record and every version that is still linked to it.
    unsafe fn free(record: NonNull<Self>) {
        // SAFETY: sole owner; the chain below a record belongs to it alone, cut nodes have other owners (I-8).
        unsafe {
            let mut link = super::version::target((*record.as_ptr()).head.load(Ordering::Acquire));
            while let Some(node) = NonNull::new(link) {
                link = super::version::target((*node.as_ptr()).prev.load(Ordering::Acquire));
                VersionNode::free(node);
            }
            let lens = Self::lens(record);
            if lens.has_version() {
                ptr::drop_in_place(Self::first_version(record, lens).as_ptr());
            }
            ptr::drop_in_place(record.as_ptr());
            dealloc(record.as_ptr().cast(), lens.layout().0);
        }
    }

    unsafe fn bytes(record: NonNull<Self>) -> usize {
        // SAFETY: the record is alive.
        unsafe { Self::lens(record) }.layout().0.size()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(record: NonNull<Self>) {
        // SAFETY: nobody refers to the record any more; loom reports it if somebody does.
        unsafe {
            let lens = Self::lens(record);
            if lens.has_version() {
                VersionNode::bury(Self::first_version(record, lens));
            }
            (*record.as_ptr()).lens.set(lens);
        }
    }
}

/// What became of an attempt to install a version.
#[derive(Debug)]
pub enum Installed {
    /// This thread linked the node. The number of live keys changes by `live_delta`.
    Won {
        /// +1 for a key that came to life, -1 for one that died.
        live_delta: i64,
    },
    /// The commit was already installed here; the node comes back.
    Lost(VersionBox),
    /// The record is sealed, and the commit is not in it: the key has, or needs, another record. The node comes back.
    Dead(VersionBox),
}

/// Where a commit stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its version is there, or a later one is.
    There,
    /// Its version can be installed.
    Open,
    /// Its version is not there, and never will be: the record is sealed.
    Sealed,
}

/// A record that is alive for `'p`.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'p> {
    record: NonNull<Record>,
    alive: PhantomData<&'p Record>,
}

// SAFETY: a shared view; everything mutable in a record is atomic.
unsafe impl Send for RecordRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for RecordRef<'_> {}

impl PartialEq for RecordRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record
    }
}

impl<'p> RecordRef<'p> {
    /// A view of `record`.
    ///
    /// # Safety
    /// The record is not freed during `'p`, and its header was published to this thread.
    #[inline(always)]
    pub unsafe fn new(record: NonNull<Record>) -> Self {
        Self { record, alive: PhantomData }
    }

    /// Its address.
    #[inline(always)]
    pub fn as_ptr(self) -> NonNull<Record> {
        self.record
    }

    /// The key.
    #[inline(always)]
    pub fn key(self) -> &'p [u8] {
        // SAFETY: alive for 'p; the key was written before the record was shared, and never changes.
        unsafe {
            let header = self.record.as_ptr();
            let len = Record::lens(self.record).key_len();
            std::slice::from_raw_parts(header.cast::<u8>().add(Record::KEY_OFFSET), len)
        }
    }

    #[inline(always)]
    fn head_word(self) -> &'p AtomicPtr<VersionNode> {
        // SAFETY: alive for 'p.
        unsafe { &(*self.record.as_ptr()).head }
    }

    /// The newest version, published or not.
    #[inline(always)]
    pub fn head<P: Pinned>(self, pin: &'p P) -> Option<VersionRef<'p>> {
        let head = self.head_word().load(ord!("head-load", Acquire));
        // SAFETY: a head is linked; if it is cut later, this pin was there before (I-8).
        unsafe { VersionRef::behind(head, pin) }
    }

    /// The address of the newest version, to be prefetched: not protected by anything.
    #[inline(always)]
    pub fn head_hint(self) -> *const VersionNode {
        self.head_word().load(Ordering::Relaxed)
    }

    /// The version that a snapshot at `stamp` sees: the newest at or below it. A tombstone counts.
    #[inline]
    pub fn visible_at<P: Pinned>(self, stamp: u64, pin: &'p P) -> Option<VersionRef<'p>> {
        let mut version = self.head(pin)?;
        while version.stamp() > stamp {
            version = version.older(pin)?;
        }
        Some(version)
    }

    /// Puts `node` in front of the chain as the version of commit `stamp`, unless some helper has done it (I-5), or the
    /// record is sealed (I-37).
    pub fn install<P: Pinned>(self, mut node: VersionBox, stamp: u64, pin: &'p P) -> Installed {
        loop {
            let word = self.head_word().load(ord!("head-load", Acquire));
            // SAFETY: as in `head`.
            let head = unsafe { VersionRef::behind(word, pin) };
            match standing(word, head, stamp) {
                Standing::There => return Installed::Lost(node),
                Standing::Sealed => return Installed::Dead(node),
                Standing::Open => {}
            }
            let was_live = head.is_some_and(|head| !head.is_tombstone());
            node.prepare(stamp, super::version::target(word));
            // SAFETY: the node is alive: it is ours until the CAS below.
            let is_live = !unsafe { VersionRef::new(node.as_ptr()) }.is_tombstone();
            let linked = self.head_word().compare_exchange(
                word,
                node.as_ptr().as_ptr(),
                ord!("head-install", Release),
                Ordering::Relaxed,
            );
            // A failed CAS means that a helper was faster (only this commit is installed now, and heads never go back), or
            // that the record was sealed: look again.
            if linked.is_ok() {
                node.into_raw();
                return Installed::Won { live_delta: i64::from(is_live) - i64::from(was_live) };
            }
        }
    }

    /// Where the commit `stamp`, which is being installed, stands here.
    #[inline]
    pub fn standing<P: Pinned>(self, stamp: u64, pin: &'p P) -> Standing {
        let word = self.head_word().load(ord!("head-load", Acquire));
        // SAFETY: as in `head`.
        standing(word, unsafe { VersionRef::behind(word, pin) }, stamp)
    }

    /// Whether the record is sealed: its key has no value at any stamp that can be read, and never will have one here.
    #[inline]
    pub fn is_dead(self) -> bool {
        is_dead(self.head_word().load(ord!("head-load", Acquire)))
    }

    /// Seals the record if nothing but a tombstone is left in it, and no bag has an entry for it. The caller whom this
    /// tells so is the one to remove it from list and hash, and to retire it (I-37).
    ///
    /// To be called by whoever shortened the chain, took an entry away, or installed the tombstone: the last of them
    /// seals. Each of them changes `notes` or the link, then looks at the other; reads of `notes` are RMWs, so that one
    /// of two sees what the other did.
    pub fn seal_deleted<P: Pinned>(self, pin: &'p P) -> bool {
        let word = self.head_word().load(ord!("head-load", Acquire));
        // SAFETY: as in `head`.
        let head = unsafe { VersionRef::behind(word, pin) };
        let Some(head) = head.filter(|head| head.is_tombstone() && !is_dead(word)) else {
            return false;
        };
        let is_last =
            super::version::target(head.prev().load(ord!("link-load", Acquire))).is_null();
        if !is_last && !mutant!("seal-with-history") {
            return false;
        }
        let noted = self.notes().fetch_add(0, ord!("notes", AcqRel)) > 0;
        if noted && !mutant!("seal-noted") {
            return false;
        }
        self.seal(word)
    }

    /// Seals a record that no version was ever installed in. As [`RecordRef::seal_deleted`] otherwise.
    ///
    /// For the one who made the record and finds that it is not needed: a commit that holds it resolves its key anew.
    pub fn seal_empty(self) -> bool {
        self.seal(ptr::null_mut())
    }

    fn seal(self, word: *mut VersionNode) -> bool {
        let dead = word.map_addr(|address| address | DEAD);
        let (win, lose) = (ord!("head-seal", Release), Ordering::Relaxed);
        self.head_word().compare_exchange(word, dead, win, lose).is_ok()
    }

    fn notes(self) -> &'p AtomicU8 {
        // SAFETY: alive for 'p.
        unsafe { &(*self.record.as_ptr()).notes }
    }

    /// An entry for this record is about to be made: it cannot be sealed until that is taken away (I-38). False: there
    /// are so many that one more is not needed: each of them will see to the whole chain.
    pub(super) fn note(self) -> bool {
        let mut seen = self.notes().load(Ordering::Relaxed);
        while seen < MOST_NOTES {
            let (win, lose) = (ord!("notes", AcqRel), Ordering::Relaxed);
            match self.notes().compare_exchange_weak(seen, seen + 1, win, lose) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Says of a sealed record that it was left out of the list: whoever swapped the body does so.
    pub fn leave_list(self) {
        self.notes().store(LEFT_LIST, ord!("leave-list", Release));
    }

    /// Whether a sealed record has been left out of the list.
    pub fn has_left_list(self) -> bool {
        self.notes().load(ord!("left-list", Acquire)) == LEFT_LIST
    }

    /// An entry for this record is gone. The caller sees to [`RecordRef::seal_deleted`] afterwards, and if this returns true to
    /// the whole chain first: there were so many that somebody else may have made none.
    ///
    /// Who notes a version that was cut meanwhile may note a record that was sealed: then there may be no number any more to
    /// be lowered.
    pub fn unnote(self) -> bool {
        let (win, lose) = (ord!("notes", AcqRel), Ordering::Relaxed);
        let mut seen = self.notes().load(Ordering::Relaxed);
        while seen != LEFT_LIST {
            match self.notes().compare_exchange_weak(seen, seen - 1, win, lose) {
                Ok(_) => return seen == MOST_NOTES,
                Err(now) => seen = now,
            }
        }
        false
    }
}

/// Rule 12: the stamp first, whether the record is sealed or not: a late helper of the commit that deleted the key finds
/// its work done. A record may be sealed before that commit is published, if it was made for it.
fn standing(word: *mut VersionNode, head: Option<VersionRef<'_>>, stamp: u64) -> Standing {
    if is_dead(word) && mutant!("dead-before-stamp") {
        Standing::Sealed
    } else if head.is_some_and(|head| head.stamp() >= stamp) && !mutant!("install-blind") {
        Standing::There
    } else if is_dead(word) && !mutant!("install-into-dead") {
        Standing::Sealed
    } else {
        Standing::Open
    }
}

fn is_dead(word: *mut VersionNode) -> bool {
    word.addr() & DEAD != 0
}
