//! The key record: where a key lives, and the one word that an overwrite touches.

use super::VersionNode;
use super::version::{VersionBox, VersionRef};
use crate::reclaim::{Node, Pinned};
use crate::sync::{AtomicPtr, Ordering, Tracked, mutant, ord};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// The header of a record. `key_len` bytes of key follow it. Never moves.
#[repr(C)]
#[derive(Debug)]
pub struct Record {
    head: AtomicPtr<VersionNode>,
    key_len: Tracked<u32>,
}

impl Record {
    const KEY_OFFSET: usize = std::mem::offset_of!(Record, key_len) + size_of::<Tracked<u32>>();

    fn layout(key_len: usize) -> Layout {
        let size = (Self::KEY_OFFSET + key_len).max(size_of::<Self>());
        Layout::from_size_align(size, align_of::<Self>()).expect("a key's size fits a layout")
    }

    /// A record without versions: invisible.
    pub fn alloc(key: &[u8]) -> NonNull<Self> {
        let layout = Self::layout(key.len());
        // SAFETY: the layout is never empty.
        let raw = unsafe { alloc(layout) };
        let Some(record) = NonNull::new(raw.cast::<Self>()) else { handle_alloc_error(layout) };
        let key_len = u32::try_from(key.len()).expect("key length was checked at the door");
        let header = Self { head: AtomicPtr::new(ptr::null_mut()), key_len: Tracked::new(key_len) };
        // SAFETY: fresh memory for header and key; the header write may touch padding, so the key comes second.
        unsafe {
            record.write(header);
            let to = record.as_ptr().cast::<u8>().add(Self::KEY_OFFSET);
            ptr::copy_nonoverlapping(key.as_ptr(), to, key.len());
        }
        record
    }
}

impl Node for Record {
    /// Frees the record and every version that is still linked to it.
    unsafe fn free(record: NonNull<Self>) {
        // SAFETY: sole owner; the chain below a record belongs to it alone, cut nodes have other owners (I-8).
        unsafe {
            let mut link = (*record.as_ptr()).head.load(Ordering::Acquire);
            while let Some(node) = NonNull::new(link) {
                link = super::version::target((*node.as_ptr()).prev.load(Ordering::Acquire));
                VersionNode::free(node);
            }
            let layout = Self::layout((*record.as_ptr()).key_len.get() as usize);
            ptr::drop_in_place(record.as_ptr());
            dealloc(record.as_ptr().cast(), layout);
        }
    }

    unsafe fn bytes(record: NonNull<Self>) -> usize {
        // SAFETY: the record is alive.
        Self::layout(unsafe { (*record.as_ptr()).key_len.get() } as usize).size()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(record: NonNull<Self>) {
        // SAFETY: nobody refers to the record any more; loom reports it if somebody does.
        unsafe { (*record.as_ptr()).key_len.set(0) };
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
            let len = (*header).key_len.get() as usize;
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

    /// Puts `node` in front of the chain as the version of commit `stamp`, unless some helper has done it (I-5).
    pub fn install<P: Pinned>(self, mut node: VersionBox, stamp: u64, pin: &'p P) -> Installed {
        let head = self.head(pin);
        if head.is_some_and(|head| head.stamp() >= stamp) && !mutant!("install-blind") {
            return Installed::Lost(node);
        }
        let was_live = head.is_some_and(|head| !head.is_tombstone());
        let old = head.map_or(ptr::null_mut(), |head| head.as_ptr().as_ptr());
        node.prepare(stamp, old);
        // SAFETY: the node is alive: it is ours until the CAS below.
        let is_live = !unsafe { VersionRef::new(node.as_ptr()) }.is_tombstone();
        let won = self.head_word().compare_exchange(
            old,
            node.as_ptr().as_ptr(),
            ord!("head-install", Release),
            Ordering::Relaxed,
        );
        // A failed CAS means that a helper was faster: only this commit is installed now, and heads never go back.
        if won.is_err() {
            return Installed::Lost(node);
        }
        node.into_raw();
        Installed::Won { live_delta: i64::from(is_live) - i64::from(was_live) }
    }
}
