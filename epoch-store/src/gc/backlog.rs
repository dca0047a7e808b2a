//! The queue of bags: first in, first out, lock-free (Michael and Scott, PODC 1996).

use super::Bag;
use crate::reclaim::{Grace, Node, Pinned, Shared};
use crate::sync::{AtomicPtr, Ordering, Tracked, mutant, ord};
use crossbeam_utils::CachePadded;
use std::ptr::{self, NonNull};

/// A cell. The first one of the queue is empty: its bag was taken.
#[derive(Debug)]
struct Cell {
    /// Written once before the cell is linked: makes a model see a cell that is used before it is whole.
    linked: Tracked<bool>,
    next: AtomicPtr<Cell>,
    bag: AtomicPtr<Bag>,
}

impl Cell {
    fn alloc(bag: *mut Bag) -> NonNull<Self> {
        let cell = Self {
            linked: Tracked::new(true),
            next: AtomicPtr::new(ptr::null_mut()),
            bag: AtomicPtr::new(bag),
        };
        NonNull::from(Box::leak(Box::new(cell)))
    }

    fn is_linked(&self) -> bool {
        // SAFETY: written before the cell was linked, never again.
        unsafe { self.linked.get() }
    }
}

impl Node for Cell {
    unsafe fn free(cell: NonNull<Self>) {
        // SAFETY: leaked from a Box; sole owner.
        let cell = unsafe { Box::from_raw(cell.as_ptr()) };
        let bag = cell.bag.load(Ordering::Acquire);
        if !bag.is_null() {
            // SAFETY: leaked from a Box by `push`, and not taken.
            drop(unsafe { Box::from_raw(bag) });
        }
    }

    unsafe fn bytes(_cell: NonNull<Self>) -> usize {
        size_of::<Self>()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(cell: NonNull<Self>) {
        // SAFETY: nobody refers to the cell any more; loom reports it if somebody does.
        unsafe { cell.as_ref().linked.set(false) };
    }
}

/// See the module header.
#[derive(Debug)]
pub struct Backlog {
    head: CachePadded<AtomicPtr<Cell>>,
    tail: CachePadded<AtomicPtr<Cell>>,
}

impl Default for Backlog {
    fn default() -> Self {
        let first = Cell::alloc(ptr::null_mut()).as_ptr();
        Self {
            head: CachePadded::new(AtomicPtr::new(first)),
            tail: CachePadded::new(AtomicPtr::new(first)),
        }
    }
}

impl Backlog {
    fn enter<'p, P: Pinned>(&self, end: &AtomicPtr<Cell>, pin: &'p P) -> Shared<'p, Cell> {
        let cell = NonNull::new(end.load(ord!("backlog-end", Acquire)));
        let cell = cell.expect("the backlog is never without a cell");
        pin.protects(cell);
        // SAFETY: neither end points to a retired cell (tail is moved on first), and this thread is pinned.
        let cell = unsafe { Shared::new(cell) };
        debug_assert!(cell.is_linked(), "a cell is whole before it is linked");
        cell
    }

    fn next<'p, P: Pinned>(&self, cell: Shared<'p, Cell>, pin: &'p P) -> Option<Shared<'p, Cell>> {
        let next = NonNull::new(cell.next.load(ord!("backlog-next", Acquire)))?;
        pin.protects(next);
        // SAFETY: a cell is retired after its predecessor, which was not retired when this pin began.
        let next = unsafe { Shared::new(next) };
        debug_assert!(next.is_linked(), "a cell is whole before it is linked");
        Some(next)
    }

    fn swing(end: &AtomicPtr<Cell>, from: Shared<'_, Cell>, to: Shared<'_, Cell>) -> bool {
        let (from, to) = (from.as_ptr().as_ptr(), to.as_ptr().as_ptr());
        end.compare_exchange(from, to, ord!("backlog-swing", Release), Ordering::Relaxed).is_ok()
    }

    /// Puts a bag at the end. Lock-free.
    pub fn push<P: Pinned>(&self, bag: Bag, pin: &P) {
        let cell = Cell::alloc(Box::into_raw(Box::new(bag)));
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

    /// Takes the oldest bag. Lock-free.
    pub fn pop<P: Pinned>(&self, pin: &P) -> Option<Bag> {
        loop {
            let head = self.enter(&self.head, pin);
            let next = self.next(head, pin)?;
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
            let bag = next.bag.swap(ptr::null_mut(), Ordering::AcqRel);
            assert!(!bag.is_null(), "a bag is taken by the one who moved head onto its cell");
            // SAFETY: leaked from a Box by `push`; the swap made this thread its owner.
            return Some(*unsafe { Box::from_raw(bag) });
        }
    }

    /// Whether there is nothing to take. Costs a load or two of lines that rarely change.
    #[inline]
    pub fn is_empty<P: Pinned>(&self, pin: &P) -> bool {
        self.next(self.enter(&self.head, pin), pin).is_none()
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        let mut link = NonNull::new(self.head.load(Ordering::Acquire));
        while let Some(cell) = link {
            // SAFETY: `&mut self`: no other thread is left; every linked cell has one predecessor.
            unsafe {
                link = NonNull::new(cell.as_ref().next.load(Ordering::Acquire));
                Cell::free(cell);
            }
        }
    }
}
