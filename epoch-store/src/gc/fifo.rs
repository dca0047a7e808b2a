//! A queue: first in, first out, lock-free (Michael and Scott, PODC 1996). What is in it may not be due yet.

use crate::reclaim::{Grace, Node, Pinned, Shared};
use crate::sync::{AtomicPtr, Ordering, Tracked, mutant, ord};
use crossbeam_utils::CachePadded;
use std::ptr::{self, NonNull};

/// A cell. The first one of the queue is empty: its item was taken.
#[derive(Debug)]
struct Cell<T> {
    /// When its item may be taken. Written once before the cell is linked: a model sees a cell that is used before it is
    /// whole.
    due: Tracked<u64>,
    next: AtomicPtr<Cell<T>>,
    item: AtomicPtr<T>,
}

/// In place of the due of a cell that was buried: no item has it.
const BURIED: u64 = u64::MAX;

impl<T> Cell<T> {
    fn alloc(item: *mut T, due: u64) -> NonNull<Self> {
        let cell = Self {
            due: Tracked::new(due),
            next: AtomicPtr::new(ptr::null_mut()),
            item: AtomicPtr::new(item),
        };
        NonNull::from(Box::leak(Box::new(cell)))
    }

    fn due(&self) -> u64 {
        // SAFETY: written before the cell was linked, never again.
        let due = unsafe { self.due.get() };
        debug_assert!(due < BURIED, "a cell is whole before it is linked");
        due
    }
}

impl<T> Node for Cell<T> {
    unsafe fn free(cell: NonNull<Self>) {
        // SAFETY: leaked from a Box; sole owner.
        let cell = unsafe { Box::from_raw(cell.as_ptr()) };
        let item = cell.item.load(Ordering::Acquire);
        if !item.is_null() {
            // SAFETY: leaked from a Box by `push`, and not taken.
            drop(unsafe { Box::from_raw(item) });
        }
    }

    unsafe fn bytes(_cell: NonNull<Self>) -> usize {
        size_of::<Self>()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(cell: NonNull<Self>) {
        // SAFETY: nobody refers to the cell any more; loom reports it if somebody does.
        unsafe { cell.as_ref().due.set(BURIED) };
    }
}

/// See the module header.
#[derive(Debug)]
pub struct Fifo<T> {
    head: CachePadded<AtomicPtr<Cell<T>>>,
    tail: CachePadded<AtomicPtr<Cell<T>>>,
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        let first = Cell::alloc(ptr::null_mut(), 0).as_ptr();
        Self {
            head: CachePadded::new(AtomicPtr::new(first)),
            tail: CachePadded::new(AtomicPtr::new(first)),
        }
    }
}

impl<T: Send> Fifo<T> {
    fn enter<'p, P: Pinned>(&self, end: &AtomicPtr<Cell<T>>, pin: &'p P) -> Shared<'p, Cell<T>> {
        let cell = NonNull::new(end.load(ord!("backlog-end", Acquire)));
        let cell = cell.expect("the queue is never without a cell");
        pin.protects(cell);
        // SAFETY: neither end points to a retired cell (tail is moved on first), and this thread is pinned.
        let cell = unsafe { Shared::new(cell) };
        cell.due();
        cell
    }

    fn next<'p, P: Pinned>(
        &self,
        cell: Shared<'p, Cell<T>>,
        pin: &'p P,
    ) -> Option<Shared<'p, Cell<T>>> {
        let next = NonNull::new(cell.next.load(ord!("backlog-next", Acquire)))?;
        pin.protects(next);
        // SAFETY: a cell is retired after its predecessor, which was not retired when this pin began.
        let next = unsafe { Shared::new(next) };
        next.due();
        Some(next)
    }

    fn swing(end: &AtomicPtr<Cell<T>>, from: Shared<'_, Cell<T>>, to: Shared<'_, Cell<T>>) -> bool {
        let (from, to) = (from.as_ptr().as_ptr(), to.as_ptr().as_ptr());
        end.compare_exchange(from, to, ord!("backlog-swing", Release), Ordering::Relaxed).is_ok()
    }

    /// Puts an item at the end, which is due at once. Lock-free.
    pub fn push<P: Pinned>(&self, item: T, pin: &P) {
        self.push_due(item, 0, pin);
    }

    /// Puts an item at the end, for those who have come as far as `due`. Lock-free.
    pub fn push_due<P: Pinned>(&self, item: T, due: u64, pin: &P) {
        let cell = Cell::alloc(Box::into_raw(Box::new(item)), due);
        loop {
            let tail = self.enter(&self.tail, pin);
            if let Some(next) = self.next(tail, pin) {
                Self::swing(&self.tail, tail, next);
                continue;
            }
            let publish = ord!("backlog-link", Release);
            let linked = tail.next.compare_exchange(
                ptr::null_mut(),
                cell.as_ptr(),
                publish,
                Ordering::Relaxed,
            );
            if linked.is_ok() {
                // SAFETY: linked, and not retired while this thread is pinned.
                Self::swing(&self.tail, tail, unsafe { Shared::new(cell) });
                return;
            }
        }
    }

    /// Takes the oldest item. Lock-free.
    pub fn pop<P: Pinned>(&self, pin: &P) -> Option<T> {
        self.pop_due(BURIED - 1, pin)
    }

    /// Takes the oldest item, if who comes as far as `now` may. Lock-free.
    pub fn pop_due<P: Pinned>(&self, now: u64, pin: &P) -> Option<T> {
        loop {
            let head = self.enter(&self.head, pin);
            let next = self.next(head, pin).filter(|next| next.due() <= now)?;
            if !mutant!("backlog-tail-left-behind")
                && self.tail.load(ord!("backlog-end", Acquire)) == head.as_ptr().as_ptr()
            {
                Self::swing(&self.tail, head, next);
            }
            if !Self::swing(&self.head, head, next) {
                continue;
            }
            // SAFETY: I-1: both ends are past it, and one thread won the swing.
            unsafe { pin.retire(head.as_ptr(), Grace::One) };
            let item = next.item.swap(ptr::null_mut(), Ordering::AcqRel);
            assert!(!item.is_null(), "an item is taken by the one who moved head onto its cell");
            // SAFETY: leaked from a Box by `push_due`; the swap made this thread its owner.
            return Some(*unsafe { Box::from_raw(item) });
        }
    }

    /// Whether there is nothing to take. Costs a load or two of lines that rarely change.
    #[inline]
    pub fn is_empty<P: Pinned>(&self, pin: &P) -> bool {
        self.next(self.enter(&self.head, pin), pin).is_none()
    }
}

impl<T> Fifo<T> {
    /// Takes the oldest item, for who has the queue alone.
    pub fn take_alone(&mut self) -> Option<T> {
        let head = NonNull::new(self.head.load(Ordering::Acquire))?;
        // SAFETY: `&mut self`: no other thread is left, and linked cells are not retired.
        let next = NonNull::new(unsafe { head.as_ref() }.next.load(Ordering::Acquire))?;
        self.head.store(next.as_ptr(), Ordering::Release);
        if self.tail.load(Ordering::Acquire) == head.as_ptr() {
            self.tail.store(next.as_ptr(), Ordering::Release);
        }
        // SAFETY: as above.
        let item = unsafe { next.as_ref() }.item.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: as above; nothing leads to it any more.
        unsafe { Cell::free(head) };
        // SAFETY: leaked from a Box by `push_due`, and taken just now. A linked cell behind the first has its item.
        NonNull::new(item).map(|item| *unsafe { Box::from_raw(item.as_ptr()) })
    }
}

impl<T> Drop for Fifo<T> {
    fn drop(&mut self) {
        while self.take_alone().is_some() {}
        if let Some(last) = NonNull::new(self.head.load(Ordering::Acquire)) {
            // SAFETY: `&mut self`: no other thread is left.
            unsafe { Cell::free(last) };
        }
    }
}
