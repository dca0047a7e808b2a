//! The engine's executor.

use std::time::Instant;

use ahash::RandomState;
use engine::{
    Abort, Block, BlockBuilder, Delta, ExecutionStats, Executor, MergeError, MergeId, MergeOp,
    Store, TxnLogic, Version, View, WriteBatch,
};

use super::contender::{Contender, Done, Figures};
use super::program::Job;
use super::state::{Amount, Entries, Number, State, add_to};

/// How the engine is to execute.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Threads.
    pub workers: usize,
    /// Whether it is told what transactions name openly.
    pub is_hinted: bool,
}

/// The engine's executor over a store.
pub struct Ours {
    store: Store,
    blocks: BlockBuilder,
    account: MergeId,
    executor: Executor,
    setting: Setting,
    names: RandomState,
}

/// Additions to the balances of account records.
struct AddToAccount;

impl MergeOp for AddToAccount {
    fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(first);
        add_to(&mut out[begin..], then);
    }

    fn apply(
        &self,
        base: Option<&[u8]>,
        delta: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), MergeError> {
        let amount = Number::try_from(delta).map_err(|_| MergeError::BadDelta)?;
        Amount::Account(amount).apply(base, out);
        Ok(())
    }

    fn check(&self, delta: &[u8]) -> Result<(), MergeError> {
        Number::try_from(delta).map(|_| ()).map_err(|_| MergeError::BadDelta)
    }
}

/// A view, and the name under which it knows additions to accounts.
struct Over<'v, 'b> {
    view: &'v mut View<'b>,
    account: MergeId,
}

impl State for Over<'_, '_> {
    type Stop = Abort;

    #[inline]
    fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Abort> {
        self.view.get(key)
    }

    #[inline]
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Abort> {
        self.view.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Abort> {
        self.view.delete(key)
    }

    fn add(&mut self, key: &[u8], amount: &Amount) -> Result<(), Abort> {
        match amount {
            Amount::Number(amount) => {
                let delta = Delta::plus_be(amount).expect("a number has 256 bits");
                self.view.merge(MergeId::ADD_U256, key, delta)
            }
            Amount::Account(amount) => self.view.merge(self.account, key, amount),
        }
    }

    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Abort> {
        for entry in self.view.range(from..).take(limit) {
            let (key, value) = entry?;
            each(key, value);
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Abort> {
        match self.view.should_stop() {
            false => Ok(()),
            true => Err(self.view.ended().cloned().unwrap_or(Abort::Stale)),
        }
    }
}

/// A job as the executor asks for it.
struct Logic<'a, J> {
    job: &'a J,
    account: MergeId,
    setting: Setting,
    names: &'a RandomState,
}

impl<J: Job> TxnLogic for Logic<'_, J> {
    /// Also which run it was.
    type Out = (J::Out, u8);
    type Error = Abort;

    fn run(&self, index: u32, view: &mut View<'_>) -> Result<(J::Out, u8), Abort> {
        let run = view.incarnation();
        let mut over = Over { view, account: self.account };
        Ok((self.job.run(index as usize, &mut over)?, run))
    }

    fn hints(&self, index: u32, hints: &mut Vec<u64>) {
        if self.setting.is_hinted {
            hints.extend(self.job.hints(index as usize).map(|key| self.names.hash_one(key)));
        }
    }
}

impl Ours {
    /// An executor over an empty store.
    pub fn new(setting: Setting) -> Ours {
        Ours::on(Store::in_memory(), setting)
    }

    /// An executor over this store.
    pub fn on(store: Store, setting: Setting) -> Ours {
        let (blocks, account) = blocks(&store);
        let executor = Executor::builder().workers(setting.workers).build();
        Ours { store, blocks, account, executor, setting, names: RandomState::new() }
    }

    /// Begins anew, with a store that holds these entries. The threads stay.
    ///
    /// # Errors
    /// The store refuses them.
    pub fn load(&mut self, base: &[(Vec<u8>, Vec<u8>)]) -> Result<(), String> {
        self.store = Store::in_memory();
        (self.blocks, self.account) = blocks(&self.store);
        for entries in base.chunks(1_000) {
            let mut batch = WriteBatch::with_capacity(entries.len(), 0);
            for (key, value) in entries {
                batch.put(key, value);
            }
            self.store.commit(&batch).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Executes a block, and seals it with some bytes about it. Returns the version that it has become.
    ///
    /// # Errors
    /// Those of [`Contender::execute`].
    pub fn execute_tagged<J: Job>(&mut self, job: &J, tag: &[u8]) -> Result<Version, String> {
        let (account, setting) = (self.account, self.setting);
        let logic = Logic { job, account, setting, names: &self.names };
        let in_words = |error: engine::Error| error.to_string();
        let block = self.blocks.open(job.transactions() as u32).map_err(in_words)?;
        let run = self.executor.run(block, &logic).map_err(in_words)?;
        let executed = run.seal_tagged(tag).map_err(in_words)?;
        if let Some(at) = executed.results.iter().position(Result::is_err) {
            return Err(format!("transaction {at} has failed"));
        }
        Ok(executed.version())
    }
}

/// How blocks are opened on a store.
fn blocks(store: &Store) -> (BlockBuilder, MergeId) {
    let mut blocks = Block::builder(store);
    let account = blocks.merge_op(AddToAccount);
    (blocks, account)
}

fn figures(stats: &ExecutionStats) -> Figures {
    Figures {
        transactions: stats.transactions.into(),
        executions: stats.executions(),
        aborts: vec![
            ("stale", stats.stale),
            ("blocked", stats.blocked),
            ("stopped", stats.stopped),
            ("refused", stats.refused),
        ],
        inlined: stats.inlined.into(),
        seal: stats.sealing,
        validating: stats.validating,
        committing: stats.committing,
        idle: stats.idle,
        ..Figures::default()
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn execute<J: Job>(&mut self, job: &J) -> Result<Done<J::Out>, String> {
        let (account, setting) = (self.account, self.setting);
        let logic = Logic { job, account, setting, names: &self.names };
        let begin = Instant::now();
        let executed = self.executor.execute_with(&self.blocks, job.transactions(), &logic);
        let took = begin.elapsed();
        let executed = executed.map_err(|error| error.to_string())?;
        let mut figures = figures(&executed.stats);
        figures.changed = executed.changed().len() as u64;
        let mut outs = Vec::with_capacity(job.transactions());
        for (index, result) in executed.results.into_iter().enumerate() {
            let (out, run) = result.map_err(|error| format!("transaction {index}: {error}"))?;
            figures.most_runs = figures.most_runs.max(run.into());
            outs.push(out);
        }
        Ok(Done { outs, took, figures })
    }

    fn entries(&self) -> Entries {
        let snapshot = self.store.snapshot();
        let entries = snapshot.iter().map(|entry| {
            let (key, value) = entry.expect("a store in memory can be read");
            (key.to_vec(), value.to_vec())
        });
        entries.collect()
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.store.stats().bytes)
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::blocks::sequential::{self, Ordered, Reference};
    use crate::blocks::work::Pace;
    use crate::blocks::workload::{Plan, Workload};

    #[test]
    fn equals_sequential_execution_on_all_workloads() {
        for (workers, is_hinted) in [(1, false), (2, true), (3, false), (5, true)] {
            let mut ours = Ours::new(Setting { workers, is_hinted });
            for (seed, workload) in Workload::value_variants().iter().enumerate() {
                let (workload, seed) = (*workload, seed as u64);
                let accounts = 2 + 5 * seed;
                // Long enough that several run at once.
                let (micros, pace) = (1.0, Pace::fixed(3_000.0));
                let plan =
                    Plan { workload, accounts, transactions: 200, ballast: 9, seed, micros, pace };
                let base = plan.base();
                ours.load(&base).unwrap();
                let mut reference = Ordered::load(&base);
                for number in 0..2 {
                    let block = plan.block(number);
                    let done = ours.execute(&block).unwrap();
                    let wanted = sequential::execute(&block, &mut reference);
                    assert_eq!(done.outs, wanted, "{workload:?}, {workers} workers");
                    let most = if workers > 2 { 3 } else { 2 };
                    assert!(done.figures.most_runs <= most, "{:?}", done.figures);
                    assert!(done.figures.executions >= 200, "{:?}", done.figures);
                }
                assert_eq!(ours.entries(), reference.entries(), "{workload:?}, {workers} workers");
            }
        }
    }
}
