//! The transactions of a trace as something to execute: they read what was read, compute as long as their gas says, and write
//! what was written.

use super::trace::{ACCOUNT_KEY_LEN, Digest, Lines, Trace};
use super::{Expected, Transfers};
use crate::blocks::program::{Job, work};
use crate::blocks::state::{Amount, Entries, State};

/// A block to be executed.
pub struct Player<'a> {
    trace: &'a Trace,
    transfers: Transfers,
    rounds_per_gas: f64,
}

/// The bytes that a transaction read: for each key one byte that says whether it was there, then the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(Vec<u8>);

impl<'a> Player<'a> {
    /// The block of `trace`, with so many rounds of computation for each unit of gas.
    pub fn new(trace: &'a Trace, transfers: Transfers, rounds_per_gas: f64) -> Player<'a> {
        Player { trace, transfers, rounds_per_gas }
    }

    /// The trace.
    pub fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// What the store holds before the block.
    pub fn base(&self) -> Entries {
        let entries = self.trace.keys.iter().zip(&self.trace.before);
        entries.filter_map(|(key, value)| Some((key.to_vec(), value.as_ref()?.to_vec()))).collect()
    }

    /// The digest of what transaction `index` saw.
    pub fn digest(&self, index: usize, seen: &Seen) -> Digest {
        let mut lines = Lines::default();
        let mut rest = &seen.0[..];
        for key in self.trace.transactions[index].reads(self.transfers) {
            let key = &self.trace.keys[key as usize];
            let Some((&len, tail)) = rest.split_first() else { break };
            let (value, tail) = tail.split_at(usize::from(len).min(tail.len()));
            rest = tail;
            // No value of a trace is empty: length 0 says that there was none.
            lines.add(key, (len > 0).then_some(value));
        }
        lines.digest()
    }

    /// The transactions that did not see what they should have.
    pub fn differing(&self, outs: &[Seen], expected: &Expected) -> Vec<usize> {
        let differs = |index: &usize| match (outs.get(*index), expected.digests.get(*index)) {
            (Some(seen), Some(digest)) => self.digest(*index, seen) != *digest,
            _ => true,
        };
        (0..outs.len().max(expected.digests.len())).filter(differs).collect()
    }
}

impl Job for Player<'_> {
    type Out = Seen;

    fn transactions(&self) -> usize {
        self.trace.transactions.len()
    }

    fn run<S: State>(&self, index: usize, state: &mut S) -> Result<Seen, S::Stop> {
        let transaction = &self.trace.transactions[index];
        let key = |key: u32| &self.trace.keys[key as usize][..];
        // What a virtual machine computes, it computes between its reads.
        let rounds = transaction.gas as f64 * self.rounds_per_gas;
        let portion = (rounds / (transaction.reads.len() + 1) as f64) as u32;
        let mut seen = Vec::with_capacity(transaction.reads.len() * 64);
        let mut word = index as u64;
        for read in transaction.reads(self.transfers) {
            match state.get(key(read))? {
                Some(value) => {
                    seen.push(value.len() as u8);
                    seen.extend_from_slice(value);
                }
                None => seen.push(0),
            }
            word = work(word, portion, state)?;
        }
        // A recipient that is added to costs what one costs that is read.
        let left = transaction.reads.len() + 1 - transaction.reads(self.transfers).count();
        for _ in 0..left {
            word = work(word, portion, state)?;
        }
        std::hint::black_box(word);
        for (written, value) in transaction.writes(self.transfers) {
            match value {
                Some(value) => state.put(key(written), value)?,
                None => state.delete(key(written))?,
            }
        }
        for (added, amount) in transaction.additions(self.transfers) {
            state.add(key(added), &Amount::Account(*amount))?;
        }
        Ok(Seen(seen))
    }

    /// Sender and recipient, as every transaction names them; a recipient that is added to need not be waited for.
    fn hints(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let reads = self.trace.transactions[index].reads(self.transfers);
        let keys = reads.map(|key| &self.trace.keys[key as usize][..]);
        keys.filter(|key| key.len() == ACCOUNT_KEY_LEN).take(2)
    }
}
