//! What waits for another look, or for its turn, on behalf of all sessions.

use super::Fifo;
use super::removal::Batch;
use crate::reclaim::Pinned;
use crate::slots::Bag;

/// See the module header. What waits for a snapshot is not here, but in the pile of its slot.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Bags whose snapshot has gone.
    pub(super) ripe: Fifo<Box<Bag>>,
    /// Bags of versions too young to be judged: due when a scan judges what superseded the last of them.
    pub(super) young: Fifo<Box<Bag>>,
    /// Sealed records on their way out.
    pub(super) leaving: Fifo<Batch>,
}

impl Backlog {
    /// Whether there are no bags. Costs a few loads of lines that rarely change.
    #[inline]
    pub fn is_empty<P: Pinned>(&self, pin: &P) -> bool {
        self.ripe.is_empty(pin) && self.young.is_empty(pin)
    }

    /// A bag to look at, for who judges up to `published`: ripe ones first. Bags behind it stay where they are. Lock-free.
    pub(super) fn take<P: Pinned>(&self, published: u64, pin: &P) -> Option<Box<Bag>> {
        self.ripe.pop(pin).or_else(|| self.young.pop_due(published, pin))
    }

    /// A bag whose snapshot has gone comes in.
    pub fn ripen<P: Pinned>(&self, bag: Box<Bag>, pin: &P) {
        self.ripe.push(bag, pin);
    }

    /// Takes the batches that are on their way out, to count them.
    #[cfg(epoch_loom)]
    pub fn take_leaving<P: Pinned>(&self, pin: &P) -> usize {
        std::iter::from_fn(|| self.leaving.pop(pin)).count()
    }
}

impl Drop for Backlog {
    /// With the store, before its lists.
    fn drop(&mut self) {
        while let Some(batch) = self.leaving.take_alone() {
            batch.free_alone();
        }
    }
}
