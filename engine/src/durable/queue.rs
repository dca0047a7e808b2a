//! A queue of many writers and one reader: the ecosystem's on the machine, one that a model can see in a model.

#[cfg(epoch_loom)]
use epoch_store::atomics::{AtomicBool, AtomicUsize, Ordering};

#[cfg(not(epoch_loom))]
pub struct Queue<T>(crossbeam_queue::SegQueue<T>);

#[cfg(not(epoch_loom))]
impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(crossbeam_queue::SegQueue::new())
    }
}

#[cfg(not(epoch_loom))]
impl<T> Queue<T> {
    /// Lock-free up to the allocator.
    pub fn push(&self, item: T) {
        self.0.push(item);
    }

    /// The oldest item.
    pub fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are, or were a moment ago.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// As weak as a queue may be: what was pushed is seen by whom the push happened before, and by others maybe.
#[cfg(epoch_loom)]
pub struct Queue<T> {
    slots: [Slot<T>; 4],
    pushed: AtomicUsize,
}

#[cfg(epoch_loom)]
struct Slot<T> {
    is_full: AtomicBool,
    /// Locked for nothing but to be let in: by the writer before it is full, by the reader after.
    item: loom::sync::Mutex<Option<T>>,
}

#[cfg(epoch_loom)]
impl<T> Default for Queue<T> {
    fn default() -> Self {
        let slot = |_| Slot { is_full: AtomicBool::new(false), item: loom::sync::Mutex::new(None) };
        Self { slots: std::array::from_fn(slot), pushed: AtomicUsize::new(0) }
    }
}

#[cfg(epoch_loom)]
#[allow(missing_docs, reason = "as on the machine")]
impl<T> Queue<T> {
    pub fn push(&self, item: T) {
        let slot = &self.slots[self.pushed.fetch_add(1, Ordering::Relaxed)];
        *slot.item.lock().unwrap() = Some(item);
        slot.is_full.store(true, Ordering::Release);
    }

    pub fn pop(&self) -> Option<T> {
        let slot = self.slots.iter().find(|slot| slot.is_full.load(Ordering::Acquire))?;
        slot.is_full.store(false, Ordering::Relaxed);
        slot.item.lock().unwrap().take()
    }

    pub fn is_empty(&self) -> bool {
        !self.slots.iter().any(|slot| slot.is_full.load(Ordering::Acquire))
    }

    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_full.load(Ordering::Acquire)).count()
    }
}
