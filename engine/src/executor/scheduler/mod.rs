//! The scheduler: which worker runs which transaction when, so that the outcome is that of running them one after the other.
//!
//! *Role.* It knows indices, and runs of them, and nothing of keys: those are behind [`Tasks`]. Safe code and atomics.
//!
//! *Picture.*
//! ```text
//!        final            speculation, at most `window` ahead              not claimed
//!  ┌───────────────────┬─────────────────────────────────────────┬──────────────────────────►
//!  0               frontier                                     next                       end
//!                      │
//!                      └ its status word is the lock of the frontier: who turns it from DONE (or PARKED) to LADDER owns the
//!                        frontier until he has stored the next one. An index becomes the frontier once, so this is owned once.
//! ```
//! A worker claims an index, runs it and publishes. Who finishes the frontier's own index goes up the *ladder*: it validates
//! index after index, as long as they are done, makes them final, and runs those that are not valid itself, with reads that are
//! final. So a transaction is run at most `max_runs` times, the last time at the frontier, which depends on no speculative result:
//! there is no livelock, no dependency list, and no detecting that all is done: it is when the frontier is at the end.
//!
//! *Invariants.*
//! - S-1 An index is run by one thread at a time. (Claims are CASes of `next`, or of the status; all else are CASes of the
//!   status, whose word has the index and the run.)
//! - S-2 The frontier moves by one, and only its owner moves it.
//! - S-3 An index is final only if its last validation or its final run began when all lower ones were final.
//! - S-4 If the frontier's index is done or parked and nobody owns it, somebody will still look.
//! - S-5 If there is work to claim and a worker sleeps, he is being woken, or somebody awake is about to look.
//! - S-6 When a job's caller returns, no worker touches the job: [`epoch_store::Crew`].
//! - S-7 An index is run at most `max_runs` times; a run that was withdrawn counts.
//! - S-8 What a run wrote is marked withdrawn before its index can be claimed again, and the marks are gone when it is done.
//! - S-9 A parked index is taken by exactly one of those who resume and the frontier, and is not forgotten when it becomes the
//!   frontier.
//! - S-10 Nothing at or beyond `end` becomes final.
//!
//! *Orderings.*
//! | site | | pairs with |
//! |---|---|---|
//! | `status-done`, `status-parked` (stores) | Release | `status-ladder`, `status-rerun` (CASes, Acquire), `status-load`: what the run published, and its outcome |
//! | `frontier-store` | Release | `frontier-load` (Acquire): all that is final (S-3) |
//! | `handover-finisher`, F-1 (fence) | SeqCst | F-2: a finisher stores its status, then reads the frontier; the owner stores the frontier, then reads the next status: one of them sees the other's store, and if both do, the CAS lets one through (S-4) |
//! | `handover-owner`, F-2 (fence) | SeqCst | F-1, F-3 |
//! | `stop-seen` (fence) | SeqCst | F-3: who leaves because of a stop wakes those who did not see it |
//! | `sleeper`, F-3 (fence) | SeqCst | F-2: a sleeper sets its bit, then looks for work; who makes work by moving the frontier reads the bits afterwards (S-5) |
//!
//! *Progress.* No worker waits for another but by sleeping when there is nothing for it to do, and `run` of the crew for all.
//!
//! *When a worker fails.* What transactions throw is caught below, and is an outcome like any other. Should anything else throw,
//! the worker leaves the job, and what it held is parked for the frontier, which then everybody looks after ([`abandon`]).
//!
//! *Checked by* `handover.rs`, `sleepers.rs`, `window.rs`, `early_rerun.rs`, `withdrawn.rs`, `cut_block.rs` in `loom-tests/tests`,
//! and by `tests` here.
//!
//! [`abandon`]: Scheduler::abandon

mod claim;
mod early;
mod hints;
mod ladder;
mod pace;
mod progress;
mod shape;
mod sleep;
mod status;
mod tally;
mod tasks;
#[cfg(all(test, not(epoch_loom)))]
mod tests;

pub use hints::Order;
pub use pace::{Experience, Limits, Pace};
pub use progress::Progress;
pub use shape::{Early, Shape};
pub use status::{Ring, State, Word};
pub use tally::Tally;
pub use tasks::{Check, Finish, Kind, Ran, Rest, Tasks};

use epoch_store::Place;
use epoch_store::atomics::{AtomicU32, AtomicU64, Ordering, fence_at, ord};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use tally::Sampler;

/// Alone on two cache lines, which processors fetch together.
#[derive(Debug)]
#[repr(align(128))]
pub struct Line<T>(pub T);

/// The most workers of a job: each has a bit in the set of sleepers.
pub const MAX_WORKERS: usize = 64;

/// The widest window.
pub const MAX_WINDOW: u16 = 1 << 12;

/// What there is to run.
pub struct Plan<'a> {
    /// Its transactions.
    pub transactions: u32,
    /// Who may join.
    pub workers: usize,
    /// Runs of one transaction, 2 at least.
    pub max_runs: u8,
    /// How to run at first.
    pub shape: Shape,
    /// Who changes that; nobody for a block that is to be run in one way.
    pub pace: Option<Pace>,
    /// Which transactions had better wait for which, if something is known about that.
    pub order: Option<Order>,
    /// Where to tell how far it is.
    pub progress: &'a Progress,
}

/// See the module header.
pub struct Scheduler<'a, T> {
    tasks: &'a T,
    progress: &'a Progress,
    /// The lowest index that nobody has claimed.
    next: Line<AtomicU32>,
    /// Indices that count.
    end: Line<AtomicU32>,
    shape: Line<AtomicU32>,
    sleepers: Line<Sleepers>,
    /// How many indices are parked, roughly: whether to look for them.
    parked: Line<AtomicU32>,
    /// Set when a worker has left in the middle.
    is_damaged: AtomicU32,
    ring: Ring,
    pace: Option<Place<Pace>>,
    order: Option<Order>,
    tallies: Box<[Place<Tally>]>,
    max_runs: u8,
}

/// A bit for each worker.
#[derive(Debug)]
struct Sleepers {
    /// Who sleeps.
    asleep: AtomicU64,
    /// Who has not come, and is not worth waking while one is enough.
    absent: AtomicU64,
}

/// What a worker has to itself.
struct Worker<'r, W, R> {
    me: usize,
    rest: &'r R,
    tasks: W,
    /// The frontier as this worker last moved it.
    advanced: Option<u32>,
    /// Indices that nobody else will touch before this worker has.
    held: Range<u32>,
    /// Whether the first of them is still this worker's own.
    hold: Hold,
    watch: early::Watch,
    runs: Sampler,
    ladders: Sampler,
    tally: Tally,
}

/// See [`Worker::hold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Nothing,
    Index(u32),
}

impl<'a, T: Tasks> Scheduler<'a, T> {
    /// For a block.
    pub fn new(tasks: &'a T, plan: Plan<'a>) -> Self {
        let Plan { transactions, workers, max_runs, shape, pace, order, progress } = plan;
        assert!(max_runs >= 2, "the frontier's run is one, and there is one before it");
        assert!((1..=MAX_WORKERS).contains(&workers), "a bit for each worker");
        assert!(transactions <= u32::MAX >> 1, "sums of indices and windows do not overflow");
        let window = pace.as_ref().map_or(shape.window, |pace| pace.window().max(shape.window));
        assert!((1..=MAX_WINDOW).contains(&window), "a window that the ring can hold");
        let portion = if pace.is_some() { pace::PORTION } else { shape.batch };
        let others = (u64::MAX >> (64 - workers)) & !1;
        Self {
            tasks,
            progress,
            next: Line(AtomicU32::new(0)),
            end: Line(AtomicU32::new(transactions)),
            shape: Line(AtomicU32::new(shape.bits())),
            sleepers: Line(Sleepers { asleep: AtomicU64::new(0), absent: AtomicU64::new(others) }),
            parked: Line(AtomicU32::new(0)),
            is_damaged: AtomicU32::new(0),
            ring: Ring::new(u32::from(window).max(u32::from(portion))),
            pace: pace.map(Place::new),
            order,
            tallies: (0..workers).map(|_| Place::default()).collect(),
            max_runs,
        }
    }

    /// Works until there is nothing left to do. Worker 0 begins; the others are woken through `rest` when there is work for them.
    ///
    /// # Panics
    /// If the tasks do: what this worker held is then left to the others. The last one to fail leaves the block unfinished.
    pub fn work(&self, me: usize, rest: &impl Rest) {
        let mut worker = self.worker(me, rest);
        self.sleepers.0.absent.fetch_and(!(1 << me), Ordering::Relaxed);
        if me == 0 && self.shape().window > 1 && self.tallies.len() > 1 {
            self.wake_everybody(&worker);
        }
        let result = catch_unwind(AssertUnwindSafe(|| self.take_turns(&mut worker)));
        self.tallies[me].with(|tally| tally.add(&worker.tally));
        if let Err(payload) = result {
            self.abandon(&worker);
            resume_unwind(payload);
        }
    }

    /// How many transactions count, when everybody has left.
    pub fn committed(&self) -> u32 {
        self.progress.frontier()
    }

    /// Whether finishing a transaction has ended it.
    pub fn is_cut(&self) -> bool {
        self.end() <= self.committed()
    }

    /// What was counted, and the pace, when everybody has left.
    pub fn into_parts(self) -> (Tally, Option<Pace>) {
        let mut sum = Tally::default();
        self.tallies.into_iter().for_each(|tally| sum.add(&tally.into_inner()));
        (sum, self.pace.map(Place::into_inner))
    }

    /// How it is run now.
    #[inline]
    fn shape(&self) -> Shape {
        // Written by the owner of the frontier, whose every step ends with a fence. Who reads an old one claims as it allowed.
        self.shape.0.load(Ordering::Relaxed).into()
    }

    /// Indices that count; who owns the frontier reads the latest value.
    #[inline]
    fn end(&self) -> u32 {
        self.end.0.load(Ordering::Relaxed)
    }

    /// Whether there is nothing left to do when the frontier is here.
    #[inline]
    fn is_over(&self, frontier: u32) -> bool {
        frontier >= self.end() || self.progress.is_stopped()
    }

    /// For a model: what worker `me` would claim, who has moved the frontier to `advanced` if that is given, when this is how the
    /// block is run.
    #[cfg(epoch_loom)]
    pub fn claim_as(
        &self,
        me: usize,
        advanced: Option<u32>,
        rest: &impl Rest,
    ) -> Option<Range<u32>> {
        self.claim(&Worker { advanced, ..self.worker(me, rest) })
    }

    /// For a model: all indices are claimed.
    #[cfg(epoch_loom)]
    pub fn claim_all(&self) {
        self.next.0.store(self.end(), Ordering::Relaxed);
    }

    /// For a model: worker `me` runs these indices, one by one, as if he had claimed each.
    #[cfg(epoch_loom)]
    pub fn run_as(&self, me: usize, indices: &[u32], rest: &impl Rest) {
        let mut worker = self.worker(me, rest);
        for &index in indices {
            self.run_claimed(&mut worker, index..index + 1);
        }
    }

    /// For a model: worker `me` does once what he does when there is nothing to claim.
    #[cfg(epoch_loom)]
    pub fn help_as(&self, me: usize, rest: &impl Rest) {
        let mut worker = self.worker(me, rest);
        let frontier = self.progress.frontier();
        let _ = self.parked.0.load(Ordering::Relaxed) != 0 && self.resume(&mut worker, frontier)
            || self.repeat_stale(&mut worker, frontier);
    }

    /// For a model: makes this the way the block is run.
    #[cfg(epoch_loom)]
    pub fn set_shape(&self, shape: Shape) {
        self.shape.0.store(shape.bits(), Ordering::Relaxed);
    }

    fn worker<'r, R: Rest>(&self, me: usize, rest: &'r R) -> Worker<'r, T::Worker, R> {
        Worker {
            me,
            rest,
            tasks: self.tasks.worker(me),
            advanced: (me == 0).then_some(0),
            held: 0..0,
            hold: Hold::Nothing,
            watch: early::Watch::new(self.ring.slots()),
            runs: Sampler::default(),
            ladders: Sampler::default(),
            tally: Tally::default(),
        }
    }

    fn take_turns<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>) {
        let mut rounds = 0;
        loop {
            let frontier = self.progress.frontier();
            if self.is_over(frontier) {
                // Who stopped it need not know of anybody who sleeps. The fence pairs with F-3: a sleeper sees the stop, or is seen.
                if self.progress.is_stopped() {
                    fence_at("stop-seen");
                }
                return self.wake_sleepers(worker);
            }
            if self.turn(worker, frontier) {
                rounds = 0;
                continue;
            }
            rounds += 1;
            self.rest(worker, rounds);
        }
    }

    /// Does something, if there is anything to do.
    fn turn<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, frontier: u32) -> bool {
        if self.is_damaged.load(Ordering::Relaxed) != 0 && self.ladder(worker, frontier) {
            return true;
        }
        if self.parked.0.load(Ordering::Relaxed) != 0 && self.resume(worker, frontier) {
            return true;
        }
        if let Some(claimed) = self.claim(worker) {
            self.run_claimed(worker, claimed);
            return true;
        }
        self.shape().early == Early::On && self.repeat_stale(worker, frontier)
    }

    /// Runs what was claimed, in order.
    fn run_claimed<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, claimed: Range<u32>) {
        worker.held = claimed;
        while let Some(index) = worker.held.next() {
            worker.hold = Hold::Index(index);
            let frontier = self.progress.frontier();
            if self.progress.is_stopped() || index >= self.end() {
                break;
            } else if index == frontier {
                self.run_alone(worker, index);
            } else {
                self.slot_is_mine(index);
                self.speculate(worker, index, 1);
            }
        }
        worker.hold = Hold::Nothing;
    }

    /// Notes that an index that was claimed is being run.
    fn slot_is_mine(&self, index: u32) {
        let word = Word::new(index, 1, State::Running);
        // The claim made it this worker's; what others learn from it is that it is not done.
        self.ring.of(index).store(word.bits(), Ordering::Relaxed);
    }

    /// Runs an index that others may still disturb, and hands it on.
    fn speculate<R: Rest>(&self, worker: &mut Worker<'_, T::Worker, R>, index: u32, run: u8) {
        worker.hold = Hold::Index(index);
        worker.tally.speculative += 1;
        let began = worker.runs.begin();
        let ran = self.tasks.run(&mut worker.tasks, index, run, Kind::Speculative);
        let slot = self.ring.of(index);
        match ran {
            Ran::Done => {
                worker.runs.end(began);
                worker.hold = Hold::Nothing;
                let word = Word::new(index, run, State::Done);
                // Pairs with status-ladder, status-rerun, status-load.
                slot.store(word.bits(), ord!("status-done", Release));
            }
            Ran::Blocked { .. } | Ran::Retry => {
                let on = match ran {
                    Ran::Blocked { on } => {
                        worker.tally.blocked += 1;
                        on
                    }
                    _ => {
                        worker.tally.stopped += 1;
                        index - 1
                    }
                };
                worker.hold = Hold::Nothing;
                self.parked.0.fetch_add(1, Ordering::Relaxed);
                let word = Word::parked(index, run, on);
                // As above.
                slot.store(word.bits(), ord!("status-parked", Release));
            }
        }
        if ran == Ran::Done {
            fence_at("handover-finisher"); // F-1
        } else {
            fence_at("handover-parked"); // F-1, too
        }
        if self.progress.frontier() == index {
            self.ladder(worker, index);
        } else if self.order.is_some() {
            self.wake_for_outcome(worker);
        }
    }

    /// Leaves to the others what a worker held that does not go on.
    fn abandon<R: Rest>(&self, worker: &Worker<'_, T::Worker, R>) {
        let first = if let Hold::Index(index) = worker.hold { index..index + 1 } else { 0..0 };
        for index in first.chain(worker.held.clone()) {
            self.parked.0.fetch_add(1, Ordering::Relaxed);
            // Its runs are over: the frontier alone takes it.
            let word = Word::new(index, self.max_runs - 1, State::Parked);
            // Pairs with status-ladder.
            self.ring.of(index).store(word.bits(), Ordering::Release);
        }
        self.is_damaged.store(1, Ordering::Relaxed);
        fence_at("handover-abandoned"); // F-1, too
        self.wake_everybody(worker);
    }
}
