//! The transactions of a block as the scheduler sees them.

use super::scheduler::{Check, Finish, Kind, Ran, Tasks};
use super::{Limit, TransactionError, TxnLogic};
use crate::block::{Ending, Mode, Scratch};
use crate::{Abort, Block, HotKey};
use epoch_store::block::KeyRef;
use epoch_store::{Payload, Place};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many of the hottest keys are told.
const HOTTEST: usize = 16;

/// The outcome of a transaction.
pub type Outcome<L> = Result<<L as TxnLogic>::Out, TransactionError<<L as TxnLogic>::Error>>;

/// See the module header.
pub struct BlockTasks<'b, L: TxnLogic> {
    block: &'b Block,
    logic: &'b L,
    /// The outcome of each transaction's latest run.
    outcomes: Box<[Place<Option<Outcome<L>>>]>,
    /// Keys that aborts were about, by worker, each once.
    hot: Box<[Place<Vec<KeyRef<'b>>>]>,
    /// What the hook for limits has thrown.
    thrown: Place<Option<Payload>>,
}

/// What a worker keeps.
pub struct BlockWorker<'b, L: TxnLogic> {
    me: usize,
    scratch: Scratch<'b>,
    last: Last,
    /// What a final run came to, until it is finished: nobody else will ask for it before.
    outcome: Option<Outcome<L>>,
}

/// What this worker's latest run has left to be done when it is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing: what it wrote is published.
    Published,
    /// A final run is to be published.
    Final(Ending),
    /// A final run was cancelled, and came to nothing.
    Cancelled,
}

impl<'b, L: TxnLogic> BlockTasks<'b, L> {
    /// For so many workers.
    pub fn new(block: &'b Block, logic: &'b L, workers: usize) -> Self {
        let outcomes = (0..block.transactions()).map(|_| Place::new(None)).collect();
        let hot = (0..workers).map(|_| Place::default()).collect();
        Self { block, logic, outcomes, hot, thrown: Place::default() }
    }

    /// What came out of the first `committed` ones.
    pub fn into_outcomes(self, committed: u32) -> Vec<Outcome<L>> {
        let outcomes = self.outcomes.into_iter().take(committed as usize);
        outcomes.map(|place| place.into_inner().expect("what is final has an outcome")).collect()
    }

    /// What the hook for limits has thrown, if it has.
    pub fn take_thrown(&self) -> Option<Payload> {
        self.thrown.take().flatten()
    }

    /// The keys that most aborts were about.
    pub fn hottest_keys(&self) -> Vec<HotKey> {
        let mut keys: Vec<_> = self.hot.iter().filter_map(Place::take).flatten().collect();
        keys.sort_unstable_by_key(|key| (std::cmp::Reverse(key.aborts()), key.key()));
        // Two workers may both have been the first to find one.
        keys.dedup();
        keys.truncate(HOTTEST);
        let space = self.block.map().space().map(|space| space.name().to_owned());
        let told = keys.into_iter().map(|key| HotKey {
            space: space.clone(),
            key: key.key().to_vec(),
            conflicts: key.aborts().into(),
        });
        told.collect()
    }

    fn note_abort(&self, me: usize, key: KeyRef<'b>) {
        if key.aborts() == 0 {
            self.hot[me].with(|keys| keys.push(key));
        }
        key.note_abort();
    }

    /// Puts an outcome where it stays: moved once, for it may be large.
    #[inline]
    fn keep(&self, index: u32, outcome: &mut Option<Outcome<L>>) {
        let older = self.outcomes[index as usize].with(|place| {
            if place.is_some() {
                return std::mem::replace(place, outcome.take());
            }
            *place = outcome.take();
            None
        });
        // Whoever runs an index is alone with it.
        if let Some(older) = older.expect("one worker at a time has an index") {
            drop_quietly(older);
        }
    }
}

/// What a run came to that counts as far as it goes. An abort that the logic has swallowed is turned into its error here.
#[inline(always)]
fn outcome<Out, E: From<Abort>>(
    result: Result<Result<Out, E>, Payload>,
    ended: Option<&Abort>,
) -> Result<Out, TransactionError<E>> {
    // Taken apart where it lies: as a part of something larger it would be copied first.
    match result {
        Ok(Ok(out)) => match ended {
            None => Ok(out),
            Some(abort) => Err(swallowed(abort.clone())),
        },
        Ok(Err(error)) => Err(TransactionError::Logic(error)),
        Err(payload) => Err(TransactionError::Panicked(payload)),
    }
}

/// The error of a logic that has not handed an abort on: made by code of the user's that may throw.
#[cold]
fn swallowed<E: From<Abort>>(abort: Abort) -> TransactionError<E> {
    match catch_unwind(AssertUnwindSafe(|| E::from(abort))) {
        Ok(error) => TransactionError::Logic(error),
        Err(payload) => TransactionError::Panicked(payload),
    }
}

/// Drops what counts for nothing, a value of the user's maybe: if that throws, it is as if it had not been there.
fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Dropping this may throw as well.
        std::mem::forget(payload);
    }
}

impl<'b, L: TxnLogic> Tasks for BlockTasks<'b, L> {
    type Worker = BlockWorker<'b, L>;

    fn worker(&self, me: usize) -> BlockWorker<'b, L> {
        BlockWorker { me, scratch: self.block.scratch(), last: Last::Published, outcome: None }
    }

    #[inline]
    fn run(&self, worker: &mut BlockWorker<'b, L>, index: u32, run: u8, kind: Kind) -> Ran {
        let mode = if kind == Kind::Final { Mode::Final } else { Mode::Speculative };
        let view = self.block.view_with(&mut worker.scratch, index, run, mode);
        let mut result = catch_unwind(AssertUnwindSafe(|| self.logic.run(index, view)));
        if !worker.scratch.is_of(self.block, index) {
            // The logic has put a view of another block, or transaction, in the place of its own.
            worker.scratch = self.block.scratch();
            self.block.view_with(&mut worker.scratch, index, run, mode);
            drop_quietly(result);
            result = Err(Box::new("the logic has replaced its view"));
        }
        // What has doomed a run is its outcome, also if the logic did not hand it on.
        let ended = worker.scratch.view().ended();
        let is_done = matches!(result, Ok(Ok(_))) && ended.is_none();
        let ending = if is_done { Ending::Done } else { Ending::Failed };
        if kind == Kind::Final {
            // What a final run has written cannot be taken back: it waits for the limits to be asked.
            worker.last = if ended == Some(&Abort::Cancelled) {
                Last::Cancelled
            } else {
                Last::Final(ending)
            };
            worker.outcome = Some(outcome(result, ended));
            return Ran::Done;
        }
        worker.last = Last::Published;
        if let Err(abort) = worker.scratch.publish(ending) {
            drop_quietly(result);
            return match abort {
                Abort::Blocked { on } if on < index => Ran::Blocked { on },
                _ => Ran::Retry,
            };
        }
        self.keep(index, &mut Some(outcome(result, worker.scratch.view().ended())));
        Ran::Done
    }

    #[inline]
    fn validate(&self, worker: &mut BlockWorker<'b, L>, index: u32) -> Check {
        let Some(found) = self.block.first_conflict(&mut worker.scratch, index) else {
            return Check::Valid;
        };
        self.note_abort(worker.me, found.key);
        match found.writer {
            Some(on) if found.is_pending => Check::Pending { on },
            on => Check::Stale { on },
        }
    }

    fn estimate(&self, index: u32) {
        self.block.mark_estimate(index);
    }

    #[inline]
    fn finish(&self, worker: &mut BlockWorker<'b, L>, index: u32) -> Finish {
        let finish = match std::mem::replace(&mut worker.last, Last::Published) {
            Last::Final(ending) => self.finish_final(worker, index, ending),
            Last::Cancelled => {
                drop_quietly(worker.outcome.take());
                return Finish::StopBefore;
            }
            Last::Published if self.block.finish(&mut worker.scratch, index).is_err() => {
                return Finish::Redo;
            }
            Last::Published => self.ask_limit(index),
        };
        self.block.signals().set_frontier(index + 1);
        finish
    }
}

impl<'b, L: TxnLogic> BlockTasks<'b, L> {
    /// Publishes a final run, if the limits allow it.
    #[inline]
    fn finish_final(&self, worker: &mut BlockWorker<'b, L>, index: u32, ending: Ending) -> Finish {
        let outcome = worker.outcome.as_ref().expect("a final run has an outcome");
        let finish = self.limit_of(index, outcome);
        if finish == Finish::StopBefore {
            drop_quietly(worker.outcome.take());
            return finish;
        }
        self.keep(index, &mut worker.outcome);
        let published = worker.scratch.publish(ending);
        assert!(published.is_ok(), "an index of the block: {published:?}");
        finish
    }

    /// What the limits say to an outcome that was kept.
    #[inline]
    fn ask_limit(&self, index: u32) -> Finish {
        let finish = self.outcomes[index as usize].with(|outcome| {
            self.limit_of(index, outcome.as_ref().expect("what is final has an outcome"))
        });
        finish.expect("nobody else has the frontier")
    }

    #[inline]
    fn limit_of(&self, index: u32, outcome: &Outcome<L>) -> Finish {
        match catch_unwind(AssertUnwindSafe(|| self.logic.limit(index, outcome))) {
            Ok(Limit::Go) => Finish::Go,
            Ok(Limit::StopAfter) => Finish::StopAfter,
            Ok(Limit::StopBefore) => Finish::StopBefore,
            Err(payload) => {
                self.thrown.with(|place| *place = Some(payload));
                Finish::StopBefore
            }
        }
    }
}
