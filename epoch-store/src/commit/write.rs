//! One write of a commit: a version, and the record that it goes to (I-32).

use crate::chain::{Record, VersionNode};
use crate::sync::{AtomicPtr, Ordering, ord};
use std::ptr::{self, NonNull};

/// See the module header.
#[derive(Debug)]
pub struct Write {
    record: NonNull<Record>,
    /// The record in place of the first, which was sealed before this commit got there; null as long as there is none.
    moved: AtomicPtr<Record>,
    node: NonNull<VersionNode>,
    space: u32,
}

impl Write {
    /// A write of the built version `node` to `record`, in key space `space`.
    pub fn new(record: NonNull<Record>, node: NonNull<VersionNode>, space: u32) -> Self {
        Self { record, moved: AtomicPtr::new(ptr::null_mut()), node, space }
    }

    /// The record that the owner found. It may be sealed without this commit in it, and then never changes.
    #[inline]
    pub fn found(&self) -> NonNull<Record> {
        self.record
    }

    /// The built version. Only whom it belongs to links it, and only to the record found (I-31); others copy its value.
    #[inline]
    pub fn node(&self) -> NonNull<VersionNode> {
        self.node
    }

    /// The key space of the record.
    pub fn space(&self) -> u32 {
        self.space
    }

    /// The record where this commit is installed, or is to be: for good, once it is published.
    #[inline]
    pub fn record(&self) -> NonNull<Record> {
        NonNull::new(self.moved.load(ord!("write-moved", Acquire))).unwrap_or(self.record)
    }

    /// Names `to` instead of `from`, which is sealed without this commit, unless somebody else named another. I-32 is the
    /// caller's to keep.
    pub(super) fn move_on(&self, from: NonNull<Record>, to: NonNull<Record>) {
        let from = if from == self.record { ptr::null_mut() } else { from.as_ptr() };
        let (win, lose) = (ord!("write-move", Release), Ordering::Relaxed);
        let _ = self.moved.compare_exchange(from, to.as_ptr(), win, lose);
    }
}

// SAFETY: a pointer to a record, shared by protocol (I-32), and one to a node, which belongs to one thread (I-31).
unsafe impl Send for Write {}
// SAFETY: as above.
unsafe impl Sync for Write {}
