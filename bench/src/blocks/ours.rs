//! The engine's executor. (Provisional: a block, one transaction after the other.)

use std::time::{Duration, Instant};

use engine::{
    Abort, Block, BlockBuilder, Delta, MergeError, MergeId, MergeOp, Store, View, WriteBatch,
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
    #[expect(dead_code)]
    setting: Setting,
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

impl Ours {
    /// An executor over an empty store.
    pub fn new(setting: Setting) -> Ours {
        let store = Store::in_memory();
        let (blocks, account) = blocks(&store);
        Ours { store, blocks, account, setting }
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

    fn execute_now<J: Job>(&self, job: &J) -> Result<(Vec<J::Out>, u64), engine::Error> {
        let block: Block = self.blocks.open(job.transactions() as u32)?;
        let mut outs = Vec::new();
        for index in 0..job.transactions() {
            let mut view = block.view(index as u32, 1);
            let mut over = Over { view: &mut view, account: self.account };
            outs.push(job.run(index, &mut over)?);
            block.publish(view)?;
            block.commit_prefix(index as u32 + 1)?;
        }
        let sealed = block.seal()?;
        Ok((outs, sealed.changed().len() as u64))
    }
}

fn blocks(store: &Store) -> (BlockBuilder, MergeId) {
    let mut blocks = Block::builder(store);
    let account = blocks.merge_op(AddToAccount);
    (blocks, account)
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn execute<J: Job>(&mut self, job: &J) -> Result<Done<J::Out>, String> {
        let begin = Instant::now();
        let (outs, changed) = self.execute_now(job).map_err(|error| error.to_string())?;
        let took = begin.elapsed();
        let count = outs.len() as u64;
        let figures = Figures {
            transactions: count,
            executions: count,
            most_runs: 1,
            changed,
            seal: Duration::ZERO,
            ..Figures::default()
        };
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
