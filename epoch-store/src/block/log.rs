//! Which keys were written: a log for each writer, read by whoever builds the order index and by the seal.
//!
//! ```text
//!   Logs ──► Page{key, key, ○, ..} ──► Page{key, .., key} ──► ∅       every page pushed once, by its writer
//! ```
//! *Invariants.* B-6 A key is in a log before its first cell can be seen, put there by the one who publishes that cell
//! (several may: each but one takes his line out again). A line is filled once: a page is one writer's, who may leave the rest of
//! it to another.
//!
//! *Orderings.* `page-push` and `line-fill` (Release) pair with `page-load` and `line-load` (Acquire). Between filling
//! lines and looking for the order index there is a fence, and one between putting an index there and reading the logs
//! (`log-fence`, `order-fence`; R-1 in `order.rs`). `page-leave` (Release) pairs with `page-take` (Acquire): how many lines are
//! filled.
//!
//! *Checked by* `block_order.rs`.

use super::key::{BlockKey, KeyRef};
use crate::sync::{AtomicPtr, Ordering, Tracked, ord};
use std::ptr::{self, NonNull};

/// Lines of a page: with what is before them it fills eight lines of the cache.
#[cfg(not(epoch_loom))]
const LINES: usize = 62;
#[cfg(epoch_loom)]
const LINES: usize = 2;

/// A part of a writer's log.
#[derive(Debug)]
pub(super) struct Page {
    next: AtomicPtr<Page>,
    /// Lines that are filled, when its writer has left it.
    filled: Tracked<usize>,
    lines: [AtomicPtr<BlockKey>; LINES],
}

impl Page {
    pub(super) fn new() -> Self {
        let lines = std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
        Self { next: AtomicPtr::new(ptr::null_mut()), filled: Tracked::new(0), lines }
    }
}

/// The pages of all writers of a block.
#[derive(Debug)]
pub(super) struct Logs {
    first: AtomicPtr<Page>,
    /// A page that its writer has left before it was full: who seals a block of many writers would go through many such.
    rest: AtomicPtr<Page>,
}

impl Logs {
    pub(super) fn new() -> Self {
        Self { first: AtomicPtr::new(ptr::null_mut()), rest: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Where a writer begins: where another has left off, if one has. Wait-free.
    ///
    /// # Safety
    /// Pages live during `'b`.
    pub(super) unsafe fn pen<'b>(&self) -> Pen<'b> {
        let rest = if self.rest.load(Ordering::Relaxed).is_null() {
            ptr::null_mut()
        } else {
            self.rest.swap(ptr::null_mut(), ord!("page-take", Acquire))
        };
        // SAFETY: alive by contract.
        let page: Option<&'b Page> = unsafe { rest.as_ref() };
        // SAFETY: the swap has made the page this writer's alone.
        Pen { page, line: page.map_or(LINES, |page| unsafe { page.filled.get() }) }
    }

    /// Keeps what a writer has left of its page, if there is room for it. Wait-free.
    pub(super) fn leave(&self, pen: &mut Pen<'_>) {
        let Some(page) = pen.page.take().filter(|_| pen.line < LINES) else { return };
        if !self.rest.load(Ordering::Relaxed).is_null() {
            return;
        }
        // SAFETY: the page is this writer's alone until it is left.
        unsafe { page.filled.set(pen.line) };
        let (win, lose) = (ord!("page-leave", Release), Ordering::Relaxed);
        let page = ptr::from_ref(page).cast_mut();
        // Where it fails another's is there.
        let _ = self.rest.compare_exchange(ptr::null_mut(), page, win, lose);
    }

    /// # Safety
    /// The page lives as long as this, and is in no logs yet.
    unsafe fn push(&self, page: NonNull<Page>) {
        let mut first = self.first.load(Ordering::Relaxed);
        loop {
            // SAFETY: alive by contract.
            unsafe { page.as_ref() }.next.store(first, Ordering::Relaxed);
            let (win, lose) = (ord!("page-push", Release), Ordering::Relaxed);
            match self.first.compare_exchange_weak(first, page.as_ptr(), win, lose) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Every key that is in a log.
    pub(super) fn keys<'b>(&'b self) -> impl Iterator<Item = KeyRef<'b>> {
        let mut page = self.first.load(ord!("page-load", Acquire));
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                // SAFETY: pages live as long as the logs.
                let here: &'b Page = unsafe { page.as_ref() }?;
                let Some(line) = here.lines.get(at) else {
                    (page, at) = (here.next.load(Ordering::Relaxed), 0);
                    continue;
                };
                at += 1;
                // Lines that are empty: not yet filled, or taken out again.
                if let Some(key) = NonNull::new(line.load(ord!("line-load", Acquire))) {
                    // SAFETY: a key of the same block, published by the store to this line.
                    return Some(unsafe { KeyRef::new(key) });
                }
            }
        })
    }
}

/// Where a writer goes on in its log.
#[derive(Debug)]
pub(super) struct Pen<'b> {
    page: Option<&'b Page>,
    line: usize,
}

/// A line that was filled.
pub(super) struct Line<'b>(&'b AtomicPtr<BlockKey>);

// SAFETY: a page's `filled` is used by the one writer that has the page, or by whoever takes it over from there; the rest of it is
// atomic.
unsafe impl Sync for Page {}

impl<'b> Pen<'b> {
    /// Fills a line. `page` makes a page where one is needed.
    ///
    /// # Safety
    /// Pages live during `'b`, as `logs` and the key's block do.
    pub(super) unsafe fn fill(
        &mut self,
        logs: &'b Logs,
        key: KeyRef<'b>,
        page: impl FnOnce() -> NonNull<Page>,
    ) -> Line<'b> {
        if self.line == LINES {
            let page = page();
            // SAFETY: alive during 'b; fresh.
            unsafe {
                logs.push(page);
                self.page = Some(page.as_ref());
            }
            self.line = 0;
        }
        let page = self.page.expect("a writer whose line is below the last has a page");
        let line = &page.lines[self.line];
        self.line += 1;
        line.store(key.as_ptr().as_ptr(), ord!("line-fill", Release));
        Line(line)
    }
}

impl Line<'_> {
    /// Takes the key out again: it is in another line too.
    pub(super) fn take_out(self) {
        self.0.store(ptr::null_mut(), Ordering::Relaxed);
    }
}
