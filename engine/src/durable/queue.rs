//! A queue of many writers and one reader: the ecosystem's on the machine, one that a model can see in a model.

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
}
