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
pub struct BlockWorker<'b> {
    me: usize,
    scratch: Scratch<'b>,
    last: Last,
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

    fn keep(&self, index: u32, outcome: Outcome<L>) {
        let older = self.outcomes[index as usize].with(|place| place.replace(outcome));
        // Whoever runs an index is alone with it.
        drop_quietly(older.expect("one worker at a time has an index"));
    }
}

/// What a run came to that counts as far as it goes. An abort that the logic has swallowed is turned into its error here, by code
/// of the user's that may throw.
fn outcome<Out, E: From<Abort>>(
    result: Result<Result<Out, E>, Payload>,
    ended: Option<Abort>,
) -> Result<Out, TransactionError<E>> {
    match (result, ended) {
        (Ok(Ok(_)), Some(abort)) => Err(match catch_unwind(AssertUnwindSafe(|| E::from(abort))) {
            Ok(error) => TransactionError::Logic(error),
            Err(payload) => TransactionError::Panicked(payload),
        }),
        (Ok(result), _) => result.map_err(TransactionError::Logic),
        (Err(payload), _) => Err(TransactionError::Panicked(payload)),
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
    type Worker = BlockWorker<'b>;

    fn worker(&self, me: usize) -> BlockWorker<'b> {
        BlockWorker { me, scratch: self.block.scratch(), last: Last::Published }
    }

    #[inline]
    fn run(&self, worker: &mut BlockWorker<'b>, index: u32, run: u8, kind: Kind) -> Ran {
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
        let ended = worker.scratch.view().ended().cloned();
        let is_done = matches!(result, Ok(Ok(_))) && ended.is_none();
        let ending = if is_done { Ending::Done } else { Ending::Failed };
        if kind == Kind::Final {
            // What a final run has written cannot be taken back: it waits for the limits to be asked.
            worker.last =
                if ended == Some(Abort::Cancelled) { Last::Cancelled } else { Last::Final(ending) };
        } else {
            worker.last = Last::Published;
            if let Err(abort) = worker.scratch.publish(ending) {
                drop_quietly(result);
                return match abort {
                    Abort::Blocked { on } if on < index => Ran::Blocked { on },
                    _ => Ran::Retry,
                };
            }
        }
        self.keep(index, outcome(result, ended));
        Ran::Done
    }

    #[inline]
    fn validate(&self, worker: &mut BlockWorker<'b>, index: u32) -> Check {
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
    fn finish(&self, worker: &mut BlockWorker<'b>, index: u32) -> Finish {
        let last = std::mem::replace(&mut worker.last, Last::Published);
        match last {
            Last::Cancelled => return Finish::StopBefore,
            Last::Published if self.block.finish(&mut worker.scratch, index).is_err() => {
                return Finish::Redo;
            }
            _ => {}
        }
        let finish = self.ask_limit(index);
        if let (Last::Final(ending), true) = (last, finish != Finish::StopBefore) {
            let published = worker.scratch.publish(ending);
            assert!(published.is_ok(), "an index of the block: {published:?}");
        }
        self.block.signals().set_frontier(index + 1);
        finish
    }
}

impl<L: TxnLogic> BlockTasks<'_, L> {
    #[inline]
    fn ask_limit(&self, index: u32) -> Finish {
        let limit = self.outcomes[index as usize].with(|outcome| {
            let outcome = outcome.as_ref().expect("what is final has an outcome");
            catch_unwind(AssertUnwindSafe(|| self.logic.limit(index, outcome)))
        });
        match limit.expect("nobody else has the frontier") {
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
