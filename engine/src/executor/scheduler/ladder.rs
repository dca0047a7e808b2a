//! The frontier: validating in order, running again what is not valid, making final.

use super::pace::Outcome;
use super::{Check, Finish, Hold, Kind, Rest, Scheduler, State, Tasks, Word, Worker, tally};
use epoch_store::atomics::{Ordering, fence_at, mutant, ord};
use std::time::Instant;

/// Whose the index after a final one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The same worker's, who has claimed it and not begun: nobody has to be told.
    Mine,
    /// Anybody's.
    Open,
}

impl<T: Tasks> Scheduler<'_, T> {
    /// Makes final what can be, from index `at`, which is the frontier. Whether that was anything.
    pub(super) fn ladder<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, at: u32) -> bool {
        let mut index = at;
        let cut = self.end();
        // At each step: the one before may have moved it (S-10).
        while index < if mutant!("ladder-end-once") { cut } else { self.end() } {
            if self.progress.is_stopped() {
                break;
            }
            let Some(state) = self.own_frontier(index) else { break };
            worker.hold = Hold::Index(index);
            self.climb(worker, index, state);
            worker.hold = Hold::Nothing;
            index += 1;
        }
        index > at
    }

    /// Takes the frontier, if its index is done or parked: its state, and how many runs it has had.
    fn own_frontier(&self, index: u32) -> Option<(State, u8)> {
        let slot = self.ring.of(index);
        let word = Word::from(slot.load(Ordering::Relaxed));
        let state = word.state_of(index)?;
        if !matches!(state, State::Done | State::Parked) {
            return None;
        }
        let mine = Word::new(index, word.run(), State::Ladder).bits();
        if mutant!("ladder-no-cas") {
            slot.store(mine, Ordering::Release);
        } else {
            // Pairs with status-done and status-parked. Where it fails somebody else has it, who looks at the frontier when
            // he has done with it.
            let (win, lose) = (ord!("status-ladder", Acquire), Ordering::Relaxed);
            slot.compare_exchange(word.bits(), mine, win, lose).ok()?;
        }
        if state == State::Parked {
            self.parked.0.fetch_sub(1, Ordering::Relaxed);
        }
        Some((state, word.run()))
    }

    /// Makes the frontier's index final.
    fn climb<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        index: u32,
        (state, run): (State, u8),
    ) {
        let timed = worker.ladders.begin();
        let is_valid = state == State::Done && self.validate_at_frontier(worker, index);
        if let Some(began) = timed {
            worker.tally.validating += tally::whole(began.elapsed());
        }
        let outcome = if is_valid {
            Outcome::Valid
        } else {
            let began = Instant::now();
            worker.tally.repairs += 1;
            self.run_final(worker, index, run + 1);
            Outcome::Repaired(began.elapsed())
        };
        let began = timed.map(|_| Instant::now());
        let finish = self.finish(worker, index, run + u8::from(!is_valid));
        let woken = self.set_pace(|pace, next| {
            pace.timed(worker.runs.drain());
            pace.speculated(index, outcome, next);
        });
        self.advance(worker, index, finish, Next::Open);
        if woken == Window::Wider {
            self.wake_everybody(worker);
        }
        if let Some(began) = began {
            worker.tally.committing += tally::whole(began.elapsed());
        }
    }

    fn validate_at_frontier<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        index: u32,
    ) -> bool {
        match self.tasks.validate(&mut worker.tasks, index) {
            Check::Valid => return true,
            Check::Stale { .. } => worker.tally.stale += 1,
            // A mark below the frontier: of an index whose last run has taken it away since.
            Check::Pending { .. } => worker.tally.blocked += 1,
        }
        false
    }

    fn run_final<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, index: u32, run: u8) {
        assert!(run <= self.max_runs, "index {index} is run {run} times (S-7)");
        let ran = self.tasks.run(&mut worker.tasks, index, run, Kind::Final);
        assert!(ran == super::Ran::Done, "nothing is in the way of a final run of index {index}");
    }

    /// The last touches; where they refuse an outcome, one run more.
    fn finish<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        index: u32,
        run: u8,
    ) -> Finish {
        let finish = self.tasks.finish(&mut worker.tasks, index);
        if finish != Finish::Redo {
            return finish;
        }
        worker.tally.redone += 1;
        self.run_final(worker, index, run + 1);
        let finish = self.tasks.finish(&mut worker.tasks, index);
        assert!(finish != Finish::Redo, "a final run of index {index} has an outcome that stands");
        finish
    }

    /// Moves the frontier on from an index that is final, or ends the block.
    fn advance<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        index: u32,
        finish: Finish,
        next: Next,
    ) {
        let stop = match finish {
            Finish::Go | Finish::Redo => None,
            Finish::StopAfter => Some(index + 1),
            Finish::StopBefore => Some(index),
        };
        // Before the frontier moves, and with it who owns it: the next owner sees it (S-10).
        if let (Some(end), false) = (stop, mutant!("end-after-frontier")) {
            self.end.0.store(end, Ordering::Relaxed);
        }
        if finish != Finish::StopBefore {
            if next == Next::Open {
                let word = Word::new(index, self.max_runs, State::Final);
                self.ring.of(index).store(word.bits(), Ordering::Relaxed);
            }
            worker.advanced = Some(index + 1);
            self.progress.advance_to(index + 1);
        }
        if let (Some(end), true) = (stop, mutant!("end-after-frontier")) {
            self.end.0.store(end, Ordering::Relaxed);
        }
        if next == Next::Mine {
            return;
        }
        fence_at("handover-owner"); // F-2: pairs with F-1 and F-3
        self.wake_for_frontier(worker, index + 1);
    }

    /// Runs claimed indices from the frontier on, as final at once: nothing is captured, nothing validated.
    pub(super) fn run_alone<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, first: u32) {
        let is_timed = self.shape().window == 1 || worker.held.len() > 3;
        let began = (self.pace.is_some() && is_timed).then(Instant::now);
        let mut index = first;
        loop {
            worker.hold = Hold::Index(index);
            worker.tally.direct += 1;
            self.run_final(worker, index, 1);
            let finish = self.finish(worker, index, 1);
            let is_last = worker.held.is_empty() || self.progress.is_stopped();
            if is_last || finish != Finish::Go {
                self.leave_alone(worker, index, finish, (index + 1 - first, began));
                break;
            }
            self.advance(worker, index, finish, Next::Mine);
            index = worker.held.next().expect("it is not empty");
        }
        worker.hold = Hold::Nothing;
        self.ladder(worker, index + 1);
    }

    /// Ends a stretch alone: the pace is chosen before others see the frontier moved.
    fn leave_alone<R: Rest>(
        &self,
        worker: &mut Worker<'_, T::Worker, R>,
        index: u32,
        finish: Finish,
        (count, began): (u32, Option<Instant>),
    ) {
        let woken = self.set_pace(|pace, _| {
            pace.timed(worker.runs.drain());
            pace.alone(count, index + 1, began.map(|began| began.elapsed()));
        });
        self.advance(worker, index, finish, Next::Open);
        if woken == Window::Wider {
            self.wake_everybody(worker);
        }
    }

    /// Tells the pace what has happened, and follows it. The caller owns the frontier.
    fn set_pace(&self, tell: impl FnOnce(&mut super::Pace, u32)) -> Window {
        let Some(pace) = &self.pace else { return Window::Same };
        let before = self.shape();
        let after = pace.with(|pace| {
            tell(pace, self.next.0.load(Ordering::Relaxed));
            pace.shape()
        });
        match after {
            Some(after) if after != before => {
                self.shape.0.store(after.bits(), Ordering::Relaxed);
                if after.window > before.window { Window::Wider } else { Window::Same }
            }
            _ => Window::Same,
        }
    }
}

/// How the window has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Same,
    Wider,
}
