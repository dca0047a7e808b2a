//! Claims of indices that nobody has run.

use super::{Order, Rest, Scheduler, State, Tasks, Word, Worker};
use epoch_store::atomics::{Ordering, mutant};
use std::ops::Range;

impl<T: Tasks> Scheduler<'_, T> {
    /// Claims the next indices, if the window allows for any.
    pub(super) fn claim<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) -> Option<Range<u32>> {
        if let Some(order) = &self.order {
            return self.claim_in_order(order, worker);
        }
        let mut found = self.claimable(worker);
        loop {
            let (first, end) = found?;
            if mutant!("claim-add") {
                let first = self.next.0.fetch_add(end - first, Ordering::Relaxed);
                return Some(first..first + 1);
            }
            // What is claimed is an index: the frontier's loads and the status words carry all else.
            let swap =
                self.next.0.compare_exchange(first, end, Ordering::Relaxed, Ordering::Relaxed);
            match swap {
                Ok(_) => return Some(first..end),
                // The window has to be looked at again: another has claimed what was open.
                Err(next) if mutant!("claim-unchecked") => found = Some((next, next + 1)),
                Err(_) => found = self.claimable(worker),
            }
        }
    }

    /// What this worker might claim now.
    pub(super) fn claimable<R: Rest>(
        &self,
        worker: &Worker<'_, T::Worker, R>,
    ) -> Option<(u32, u32)> {
        let next = self.next.0.load(Ordering::Relaxed);
        let frontier = self.progress.frontier();
        let shape = self.shape();
        let end = self.end();
        if next >= end {
            return None;
        }
        let batch = u32::from(shape.batch);
        if shape.window > 1 {
            let open = (frontier + u32::from(shape.window)).checked_sub(next)?;
            return (open > 0).then(|| (next, (next + batch.min(open)).min(end)));
        }
        // One goes on where the frontier is, once all that were claimed before are final; a whole portion at once, so that whoever
        // still sees a wider window claims behind it.
        (next == frontier && self.may_go_on(worker, frontier))
            .then(|| (next, (next + batch).min(end)))
    }

    /// Claims the lowest index of the window that is not claimed and has not to wait for another.
    fn claim_in_order<R: Rest>(
        &self,
        order: &Order,
        worker: &Worker<'_, T::Worker, R>,
    ) -> Option<Range<u32>> {
        loop {
            let frontier = self.progress.frontier();
            let (index, word) = self.free_in_order(order, worker, frontier).next()?;
            let mine = Word::new(index, 1, State::Running).bits();
            let swap = self.ring.of(index).compare_exchange(
                word,
                mine,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if swap.is_ok() {
                self.pass_claimed(frontier);
                return Some(index..index + 1);
            }
        }
    }

    /// Indices of the window that this worker may claim, in order, with what their slots hold.
    pub(super) fn free_in_order<R: Rest>(
        &self,
        order: &Order,
        worker: &Worker<'_, T::Worker, R>,
        frontier: u32,
    ) -> impl Iterator<Item = (u32, u64)> {
        let window = u32::from(self.shape().window);
        let next = self.next.0.load(Ordering::Relaxed).max(frontier);
        // One goes on where the frontier is.
        let window = if window > 1 || self.may_go_on(worker, frontier) { window } else { 0 };
        (next..self.end().min(frontier + window)).filter_map(move |index| {
            let word = self.ring.of(index).load(Ordering::Relaxed);
            let is_free = Word::from(word).is_before(index);
            let is_ready =
                || order.waits_for(index).all(|before| self.has_outcome(before, frontier));
            (is_free && is_ready()).then_some((index, word))
        })
    }

    /// Whether this worker is the one that claims where only one may. Should that one fail, anybody does.
    fn may_go_on<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>, frontier: u32) -> bool {
        worker.advanced == Some(frontier) || self.is_damaged.load(Ordering::Relaxed) != 0
    }

    /// Moves `next` over indices that are claimed.
    fn pass_claimed(&self, frontier: u32) {
        let mut next = self.next.0.load(Ordering::Relaxed);
        let end = self.end();
        while next < end {
            let word = Word::from(self.ring.of(next).load(Ordering::Relaxed));
            if next >= frontier && word.is_before(next) {
                return;
            }
            match self.next.0.compare_exchange(next, next + 1, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => next += 1,
                Err(now) => next = now,
            }
        }
    }

    /// Whether an index is done, or final.
    pub(super) fn has_outcome(&self, index: u32, frontier: u32) -> bool {
        index < frontier || self.state_of(index) == Some(State::Done)
    }

    /// The state of an index that is not final.
    pub(super) fn state_of(&self, index: u32) -> Option<State> {
        Word::from(self.ring.of(index).load(Ordering::Relaxed)).state_of(index)
    }
}
