//! A global allocator that counts what the threads of one measurement allocate, whoever frees it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

/// Passes on to the system's allocator. In front of every block it notes to which measurement the block belongs, so
/// that tests which run at the same time, and the test harness, do not disturb each other.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// A measurement: what was allocated by threads that take part, and not yet freed by any thread.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    number: usize,
}

/// Live memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    pub bytes: isize,
    pub allocations: isize,
}

struct Counter {
    bytes: AtomicIsize,
    allocations: AtomicIsize,
}

/// Number 0 stands for threads that take part in nothing.
static COUNTERS: [Counter; 64] =
    [const { Counter { bytes: AtomicIsize::new(0), allocations: AtomicIsize::new(0) } }; 64];
static BEGUN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static METER: Cell<usize> = const { Cell::new(0) };
}

impl Meter {
    /// Begins a measurement, in which this thread takes part.
    pub fn begin() -> Self {
        let meter = Self { number: BEGUN.fetch_add(1, Ordering::Relaxed) + 1 };
        assert!(meter.number < COUNTERS.len(), "too many measurements in one process");
        meter.join();
        meter
    }

    /// This thread takes part from now on.
    pub fn join(self) {
        METER.set(self.number);
    }

    /// What is live now.
    pub fn live(self) -> Live {
        let counter = &COUNTERS[self.number];
        Live {
            bytes: counter.bytes.load(Ordering::Relaxed),
            allocations: counter.allocations.load(Ordering::Relaxed),
        }
    }

    /// Live bytes now.
    pub fn bytes(self) -> isize {
        self.live().bytes
    }
}

fn count(number: usize, bytes: isize, allocations: isize) {
    COUNTERS[number].bytes.fetch_add(bytes, Ordering::Relaxed);
    COUNTERS[number].allocations.fetch_add(allocations, Ordering::Relaxed);
}

/// The block to ask the system for, and where the caller's part begins in it.
fn enclosing(layout: Layout) -> (Layout, usize) {
    let front = layout.align().max(size_of::<usize>());
    let size = layout.size() + front;
    (Layout::from_size_align(size, front).expect("a little larger than what fits"), front)
}

// SAFETY: blocks come from the system's allocator, larger by a front part that keeps the alignment and that only this
// implementation reads and writes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (whole, front) = enclosing(layout);
        // SAFETY: `whole` is not empty.
        let block = unsafe { System.alloc(whole) };
        if block.is_null() {
            return block;
        }
        let number = METER.get();
        count(number, layout.size() as isize, 1);
        // SAFETY: the front part has room for a number, aligned, before the caller's part.
        unsafe {
            let user = block.add(front);
            user.cast::<usize>().sub(1).write(number);
            user
        }
    }

    unsafe fn dealloc(&self, user: *mut u8, layout: Layout) {
        let (whole, front) = enclosing(layout);
        // SAFETY: `user` came from `alloc` with this layout.
        unsafe {
            let number = user.cast::<usize>().sub(1).read();
            count(number, -(layout.size() as isize), -1);
            System.dealloc(user.sub(front), whole);
        }
    }
}
