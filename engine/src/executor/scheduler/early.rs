//! Runs ahead of the frontier that are not the first of their index: of parked indices, and of stale ones.

use super::{Check, Rest, Scheduler, State, Tasks, Word, Worker};
use epoch_store::atomics::{Ordering, mutant, ord};

/// Whether a status word was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

/// What a worker has validated already, and with how much done below: by slot.
#[derive(Debug)]
pub struct Watch(Box<[(Word, u32)]>);

impl Watch {
    /// Of a ring of so many slots.
    pub fn new(ring: u32) -> Self {
        Self((0..ring).map(|_| (Word::NONE, 0)).collect())
    }

    /// Whether something may have changed for an index since the last look; notes the look.
    fn is_news(&mut self, index: u32, word: Word, done: u32) -> bool {
        let len = self.0.len();
        let seen = &mut self.0[index as usize & (len - 1)];
        let is_news = *seen != (word, done);
        *seen = (word, done);
        is_news
    }
}

impl<T: Tasks> Scheduler<'_, T> {
    /// Whether an index that has had so many runs may be run again ahead of the frontier: the last run is the frontier's (S-7).
    fn may_run_again(&self, word: Word) -> bool {
        word.run() + 1 < self.max_runs || mutant!("rerun-uncounted")
    }

    /// Takes an index for its next run, if its status is still what it was.
    fn take(&self, index: u32, word: Word) -> Taken {
        let run = if mutant!("rerun-uncounted") { word.run() } else { word.run() + 1 };
        let mine = Word::new(index, run, State::Running).bits();
        let slot = self.ring.of(index);
        // What was found out about one run says nothing about another: the word has to be the one that was read before.
        let expected =
            if mutant!("take-any-run") { slot.load(Ordering::Relaxed) } else { word.bits() };
        // Pairs with status-done and status-parked.
        let (win, lose) = (ord!("status-rerun", Acquire), Ordering::Relaxed);
        match slot.compare_exchange(expected, mine, win, lose) {
            Ok(_) => Taken::Yes,
            Err(_) => Taken::No,
        }
    }

    /// Runs the lowest parked index of the window again whose cause is over. Whether there was one.
    pub(super) fn resume<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        frontier: u32,
    ) -> bool {
        let Some((index, word)) = self.resumable(frontier) else { return false };
        if self.take(index, word) == Taken::No {
            // Somebody has; he may have left more.
            return true;
        }
        self.parked.0.fetch_sub(1, Ordering::Relaxed);
        worker.tally.resumed += 1;
        self.speculate(worker, index, word.run() + 1);
        true
    }

    /// The lowest parked index that may go on.
    pub(super) fn resumable(&self, frontier: u32) -> Option<(u32, Word)> {
        (frontier..self.reach(frontier, u32::MAX)).find_map(|index| {
            let word = Word::from(self.ring.of(index).load(Ordering::Relaxed));
            if word.state_of(index) != Some(State::Parked) || !self.may_run_again(word) {
                return None;
            }
            let is_over = word.waits_for(index).is_some_and(|on| self.has_outcome(on, frontier));
            is_over.then_some((index, word))
        })
    }

    /// Where the claimed part of the window ends, so many indices ahead at most.
    fn reach(&self, frontier: u32, ahead: u32) -> u32 {
        let next = self.next.0.load(Ordering::Relaxed);
        let next =
            if self.order.is_some() { frontier + u32::from(self.shape().window) } else { next };
        // No further than the ring, lest an index is looked for in another's slot.
        let ahead = ahead.min(self.ring.slots());
        next.min(frontier.saturating_add(ahead)).min(self.end())
    }

    /// Looks for a stale run near the frontier, and runs its index again if what it was disturbed by is over. Whether there was one.
    ///
    /// What it finds is a guess: the frontier validates for itself.
    pub(super) fn repeat_stale<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        frontier: u32,
    ) -> bool {
        let ahead = 2 * self.tallies.len() as u32 + 1;
        let mut done = frontier;
        for index in frontier..self.reach(frontier, ahead) {
            // Pairs with status-done: the read set that is validated is that of this run, or a newer one.
            let word = Word::from(self.ring.of(index).load(ord!("status-load", Acquire)));
            if word.state_of(index) != Some(State::Done) {
                continue;
            }
            let below = done;
            done += u32::from(word.run());
            if index == frontier
                || !self.may_run_again(word)
                || !worker.watch.is_news(index, word, below)
            {
                continue;
            }
            let Check::Stale { on } = self.tasks.validate(&mut worker.tasks, index) else {
                continue;
            };
            if on.is_some_and(|on| !self.has_outcome(on, frontier))
                || self.take(index, word) == Taken::No
            {
                continue;
            }
            worker.hold = super::Hold::Index(index);
            worker.tally.stale += 1;
            worker.tally.early += 1;
            // Before anybody else can have it (S-8).
            if !mutant!("estimate-late") {
                self.tasks.estimate(index);
            }
            self.speculate(worker, index, word.run() + 1);
            if mutant!("estimate-late") {
                self.tasks.estimate(index);
            }
            return true;
        }
        false
    }
}
