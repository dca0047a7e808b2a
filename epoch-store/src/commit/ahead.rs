//! The writes of a commit in order, with the cache misses of those to come already under way.

use super::Write;
use crate::chain::RecordRef;
use crate::sync::prefetch;

/// How far ahead records and prebuilt versions are asked for, and the newest versions of the records.
const RECORDS_AHEAD: usize = 16;
const HEADS_AHEAD: usize = 8;

/// See the module header.
#[derive(Debug)]
pub struct Ahead<I> {
    far: Option<I>,
    near: Option<I>,
    now: I,
}

impl<'w, I: ExactSizeIterator<Item = &'w Write> + Clone> Ahead<I> {
    /// The same writes in the same order. Few writes are not asked for: whoever built them has just touched them.
    ///
    /// # Safety
    /// The records are not freed as long as this is used.
    pub(super) unsafe fn new(writes: I) -> Self {
        if writes.len() <= RECORDS_AHEAD {
            return Self { far: None, near: None, now: writes };
        }
        let mut ahead = Self { far: Some(writes.clone()), near: Some(writes.clone()), now: writes };
        for _ in 0..RECORDS_AHEAD {
            ahead.ask_far();
        }
        for _ in 0..HEADS_AHEAD {
            ahead.ask_near();
        }
        ahead
    }

    fn ask_far(&mut self) {
        if let Some(write) = self.far.as_mut().and_then(Iterator::next) {
            prefetch::read(write.found().as_ptr());
            prefetch::read(write.node().as_ptr());
        }
    }

    fn ask_near(&mut self) {
        if let Some(write) = self.near.as_mut().and_then(Iterator::next) {
            // SAFETY: not freed, by the contract of `new`.
            let record: RecordRef<'_> = unsafe { RecordRef::new(write.found()) };
            prefetch::read(record.head_hint());
        }
    }
}

impl<'w, I: ExactSizeIterator<Item = &'w Write> + Clone> Iterator for Ahead<I> {
    type Item = &'w Write;

    #[inline]
    fn next(&mut self) -> Option<&'w Write> {
        if self.far.is_some() {
            self.ask_far();
            self.ask_near();
        }
        self.now.next()
    }
}
