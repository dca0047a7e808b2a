//! One version of one key: a header with its value behind it, in one allocation.

use crate::reclaim::{Grace, Node, Pinned};
use crate::sync::{AtomicPtr, Ordering, Tracked};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// `len` of a tombstone: no value has this length.
const TOMBSTONE: u32 = u32::MAX;
/// Bit of `len`: the node lies behind the key in its record, and is freed with it.
const IN_RECORD: u32 = 1 << 31;
/// Bit 0 of `prev`: this node is cut out of its chain (I-8).
const MARK: usize = 1;
/// Bit 1 of `prev`: somebody has taken note that this node must be looked at again (I-26).
const TRACKED: usize = 2;

/// The header of a version. `len` bytes of value follow it.
#[repr(C)]
#[derive(Debug)]
pub struct VersionNode {
    stamp: Tracked<u64>,
    pub(super) prev: AtomicPtr<VersionNode>,
    len: u32,
}

impl VersionNode {
    const VALUE_OFFSET: usize = std::mem::offset_of!(VersionNode, len) + size_of::<u32>();

    pub(super) fn layout(len: u32) -> Layout {
        let value = if len == TOMBSTONE { 0 } else { (len & !IN_RECORD) as usize };
        let size = (Self::VALUE_OFFSET + value).max(size_of::<Self>());
        Layout::from_size_align(size, align_of::<Self>()).expect("a value's size fits a layout")
    }

    fn alloc(value: Option<&[u8]>) -> NonNull<Self> {
        let len = value.map_or(TOMBSTONE, |value| {
            u32::try_from(value.len()).expect("value length was checked at the door")
        });
        let layout = Self::layout(len);
        // SAFETY: the layout is never empty.
        let raw = unsafe { alloc(layout) };
        let Some(node) = NonNull::new(raw.cast::<Self>()) else { handle_alloc_error(layout) };
        // SAFETY: fresh memory of this layout.
        unsafe { Self::write(node, len, value.unwrap_or_default()) };
        node
    }

    /// Makes a node in the memory behind a record's key.
    ///
    /// # Safety
    /// `node` is fresh memory of the layout of `value`, part of a record's allocation.
    pub(super) unsafe fn write_in_record(node: NonNull<Self>, value: &[u8]) {
        let len = u32::try_from(value.len()).expect("the room in a record is small");
        // SAFETY: forwarded.
        unsafe { Self::write(node, len | IN_RECORD, value) };
    }

    /// # Safety
    /// `node` is fresh memory of the layout of `value`.
    unsafe fn write(node: NonNull<Self>, len: u32, value: &[u8]) {
        let header = Self { stamp: Tracked::new(0), prev: AtomicPtr::new(ptr::null_mut()), len };
        // SAFETY: fresh memory of at least the header's size, rightly aligned. The value goes behind `len`; a header
        // write may touch the padding there, so it comes first.
        unsafe {
            node.write(header);
            let to = node.as_ptr().cast::<u8>().add(Self::VALUE_OFFSET);
            ptr::copy_nonoverlapping(value.as_ptr(), to, value.len());
        }
    }

    /// # Safety
    /// The node is alive.
    unsafe fn is_in_record(node: NonNull<Self>) -> bool {
        // SAFETY: alive; `len` never changes.
        let len = unsafe { (*node.as_ptr()).len };
        len != TOMBSTONE && len & IN_RECORD != 0
    }

    /// Bytes of an allocation of its own: none if it lies in its record.
    ///
    /// # Safety
    /// The node is alive.
    pub(super) unsafe fn own_bytes(node: NonNull<Self>) -> usize {
        // SAFETY: alive.
        unsafe { if Self::is_in_record(node) { 0 } else { Self::bytes(node) } }
    }
}

impl Node for VersionNode {
    /// Frees a node of its own; one that lies in its record goes with that.
    unsafe fn free(node: NonNull<Self>) {
        // SAFETY: allocated by `alloc` with the layout of its `len`; sole owner.
        unsafe {
            if Self::is_in_record(node) {
                return;
            }
            let layout = Self::layout((*node.as_ptr()).len);
            ptr::drop_in_place(node.as_ptr());
            dealloc(node.as_ptr().cast(), layout);
        }
    }

    unsafe fn bytes(node: NonNull<Self>) -> usize {
        // SAFETY: the node is alive.
        Self::layout(unsafe { (*node.as_ptr()).len }).size()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(node: NonNull<Self>) {
        // SAFETY: nobody refers to the node any more; loom reports it if somebody does.
        unsafe { (*node.as_ptr()).stamp.set(u64::MAX) };
    }
}

/// A version that no other thread has seen: it may still be written, and is freed when dropped (I-6).
#[derive(Debug)]
pub struct VersionBox(NonNull<VersionNode>);

// SAFETY: sole owner of plain bytes.
unsafe impl Send for VersionBox {}

impl VersionBox {
    /// A value, or a tombstone.
    pub fn new(value: Option<&[u8]>) -> Self {
        Self(VersionNode::alloc(value))
    }

    /// Its address.
    pub(super) fn as_ptr(&self) -> NonNull<VersionNode> {
        self.0
    }

    /// Stamps the node and puts it in front of `prev`.
    pub(super) fn prepare(&mut self, stamp: u64, prev: *mut VersionNode) {
        // SAFETY: private (I-6); other threads may read the value of a prebuilt node, never these two fields.
        unsafe {
            let node = self.0.as_ptr();
            (*node).stamp.set(stamp);
            (*node).prev.store(prev, Ordering::Relaxed);
        }
    }

    /// Bytes of its own: none if it lies in its record.
    pub fn own_bytes(&self) -> usize {
        // SAFETY: alive.
        unsafe { VersionNode::own_bytes(self.0) }
    }

    /// Gives the node up: it was linked, or its owner keeps the pointer to retire it.
    pub fn into_raw(self) -> NonNull<VersionNode> {
        let node = self.0;
        std::mem::forget(self);
        node
    }

    /// Takes a node back.
    ///
    /// # Safety
    /// `node` came from [`VersionBox::into_raw`], and this thread alone may write it (I-6).
    pub unsafe fn from_raw(node: NonNull<VersionNode>) -> Self {
        Self(node)
    }
}

impl Drop for VersionBox {
    fn drop(&mut self) {
        // SAFETY: never linked, so never seen by anybody else.
        unsafe { VersionNode::free(self.0) };
    }
}

/// A version that is alive for `'p`: because a pin protects it, or a snapshot that sees it is registered (I-7).
#[derive(Debug, Clone, Copy)]
pub struct VersionRef<'p> {
    node: NonNull<VersionNode>,
    alive: PhantomData<&'p VersionNode>,
}

// SAFETY: a shared view of a node whose only mutable word is atomic.
unsafe impl Send for VersionRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for VersionRef<'_> {}

impl<'p> VersionRef<'p> {
    /// A view of `node`.
    ///
    /// # Safety
    /// The node was linked, and is not freed during `'p`.
    #[inline(always)]
    pub(super) unsafe fn new(node: NonNull<VersionNode>) -> Self {
        Self { node, alive: PhantomData }
    }

    /// A view of a node that its owner has built but not linked: only its value may be looked at.
    ///
    /// # Safety
    /// The node is not freed during `'p`.
    pub unsafe fn built(node: NonNull<VersionNode>) -> Self {
        Self { node, alive: PhantomData }
    }

    /// A view of the node behind a link, if there is one; the bits do not matter.
    ///
    /// # Safety
    /// As for [`VersionRef::new`], if the link is not null.
    #[inline(always)]
    pub(super) unsafe fn behind<P: Pinned>(link: *mut VersionNode, pin: &'p P) -> Option<Self> {
        let node = NonNull::new(target(link))?;
        pin.protects(node);
        // SAFETY: forwarded.
        Some(unsafe { Self::new(node) })
    }

    /// Its address.
    #[inline(always)]
    pub fn as_ptr(self) -> NonNull<VersionNode> {
        self.node
    }

    #[inline(always)]
    fn header(self) -> *const VersionNode {
        self.node.as_ptr()
    }

    /// The commit that wrote it.
    #[inline(always)]
    pub fn stamp(self) -> u64 {
        // SAFETY: alive for 'p, and linked: the stamp does not change any more (I-4).
        unsafe { (*self.header()).stamp.get() }
    }

    /// Bytes of an allocation of its own: none if it lies in its record.
    #[inline(always)]
    pub fn own_bytes(self) -> usize {
        // SAFETY: alive for 'p.
        unsafe { VersionNode::own_bytes(self.node) }
    }

    /// Whether it says "deleted".
    #[inline(always)]
    pub fn is_tombstone(self) -> bool {
        // SAFETY: alive for 'p; `len` never changes.
        unsafe { (*self.header()).len == TOMBSTONE }
    }

    /// Its value; `None` for a tombstone.
    #[inline(always)]
    pub fn value(self) -> Option<&'p [u8]> {
        // SAFETY: alive for 'p; `len` bytes were written behind the header before it was shared, and never change.
        unsafe {
            let len = (*self.header()).len;
            if len == TOMBSTONE {
                return None;
            }
            let from = self.header().cast::<u8>().add(VersionNode::VALUE_OFFSET);
            Some(std::slice::from_raw_parts(from, (len & !IN_RECORD) as usize))
        }
    }

    /// The link to the next older version, mark and all.
    #[inline(always)]
    pub(super) fn prev(self) -> &'p AtomicPtr<VersionNode> {
        // SAFETY: alive for 'p.
        unsafe { &(*self.header()).prev }
    }

    /// The next older version.
    #[inline(always)]
    pub fn older<P: Pinned>(self, pin: &'p P) -> Option<VersionRef<'p>> {
        let link = self.prev().load(Ordering::Relaxed);
        pin.protects(self.node);
        // SAFETY: what a live node's prev points to is retired no earlier than after this pin began: while the node
        // is linked its successor is linked too, and a cut node's successor can only be cut after it (I-8).
        unsafe { Self::behind(link, pin) }
    }
}

/// Retires a node that was unlinked, or never linked. One that lies in its record stays there until that is freed.
///
/// # Safety
/// As for [`Pinned::retire`].
pub unsafe fn retire_version<P: Pinned>(node: NonNull<VersionNode>, pin: &P) {
    // SAFETY: alive until the retire; a node in a record is not retired at all, so that nobody touches it when the
    // record's memory is gone.
    unsafe {
        if !VersionNode::is_in_record(node) {
            pin.retire(node, Grace::One);
        }
    }
}

/// Whether the link carries the mark of a cut node.
#[inline(always)]
pub(super) fn is_marked(link: *mut VersionNode) -> bool {
    link.addr() & MARK != 0
}

/// Whether the link says that its node is tracked.
#[inline(always)]
pub(super) fn is_tracked(link: *mut VersionNode) -> bool {
    link.addr() & TRACKED != 0
}

/// The link with the mark.
#[inline(always)]
pub(super) fn with_mark(link: *mut VersionNode) -> *mut VersionNode {
    link.map_addr(|address| address | MARK)
}

/// The link of a tracked node.
#[inline(always)]
pub(super) fn with_track(link: *mut VersionNode) -> *mut VersionNode {
    link.map_addr(|address| address | TRACKED)
}

/// The node that the link leads to, without what the link says about its own node.
#[inline(always)]
pub(super) fn target(link: *mut VersionNode) -> *mut VersionNode {
    link.map_addr(|address| address & !(MARK | TRACKED))
}

/// A link that leads where `to` does and says of its own node what `link` does.
#[inline(always)]
pub(super) fn redirect(link: *mut VersionNode, to: *mut VersionNode) -> *mut VersionNode {
    target(to).map_addr(|address| address | link.addr() & (MARK | TRACKED))
}
