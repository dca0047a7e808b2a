//! A trace replayed one transaction after the other: does it agree with itself, and what does each transaction see?

use std::collections::HashSet;

use super::Transfers;
use super::trace::{ACCOUNT_KEY_LEN, Digest, FinalHash, Lines, Trace, Transaction, final_hash};
use crate::blocks::state::Amount;

/// A contradiction in a trace.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The transaction, unless it is about the whole.
    pub transaction: Option<usize>,
    /// What is wrong.
    pub what: String,
}

/// What whoever replays a block must find.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    /// The digest of each transaction's reads.
    pub digests: Vec<Digest>,
    /// The hash of the state after the block.
    pub end: FinalHash,
}

/// The state of a replay.
struct Replay<'a> {
    trace: &'a Trace,
    values: Vec<Option<Box<[u8]>>>,
}

impl Replay<'_> {
    fn begin(trace: &Trace) -> Replay<'_> {
        Replay { trace, values: trace.before.clone() }
    }

    fn digest(&self, reads: impl Iterator<Item = u32>) -> Digest {
        let mut lines = Lines::default();
        for key in reads {
            let key = key as usize;
            lines.add(&self.trace.keys[key], self.values[key].as_deref());
        }
        lines.digest()
    }

    fn sum(&self, key: u32, amount: Amount) -> Box<[u8]> {
        let mut sum = Vec::new();
        amount.apply(self.values[key as usize].as_deref(), &mut sum);
        sum.into()
    }

    fn apply(&mut self, transaction: &Transaction, transfers: Transfers) {
        for (key, value) in transaction.writes(transfers) {
            self.values[key as usize] = value.map(Box::from);
        }
        for (key, amount) in transaction.additions(transfers) {
            self.values[key as usize] = Some(self.sum(key, Amount::Account(*amount)));
        }
    }

    fn hash(&self) -> FinalHash {
        let entries = self.trace.keys.iter().zip(&self.values);
        let mut present: Vec<(&[u8], &[u8])> =
            entries.filter_map(|(key, value)| Some((&key[..], value.as_deref()?))).collect();
        present.sort_unstable();
        final_hash(present.into_iter())
    }
}

/// Replays the trace as it stands and compares with what it says itself.
///
/// # Errors
/// The first contradiction.
pub fn check(trace: &Trace) -> Result<(), Wrong> {
    let mut replay = Replay::begin(trace);
    let mut gas = 0_u64;
    for (index, transaction) in trace.transactions.iter().enumerate() {
        check_transaction(&replay, transaction)
            .map_err(|what| Wrong { transaction: Some(index), what })?;
        replay.apply(transaction, Transfers::Plain);
        gas = gas.saturating_add(transaction.gas);
    }
    let wrong = |what: String| Err(Wrong { transaction: None, what });
    if gas != trace.gas {
        return wrong(format!(
            "the transactions used {gas} gas, and the header says {}",
            trace.gas
        ));
    }
    match replay.hash() {
        hash if hash == trace.end => Ok(()),
        hash => wrong(format!("the block ends in {hash}, and the header says {}", trace.end)),
    }
}

fn check_transaction(replay: &Replay<'_>, transaction: &Transaction) -> Result<(), String> {
    let reads: HashSet<u32> = transaction.reads.iter().copied().collect();
    let written = transaction.writes.iter().map(|(key, _)| *key);
    let written: Vec<u32> =
        written.chain(transaction.additions.iter().map(|(key, _)| *key)).collect();
    let distinct: HashSet<u32> = written.iter().copied().collect();
    if reads.len() != transaction.reads.len() || distinct.len() != written.len() {
        return Err("a key is read, or written, twice".to_owned());
    }
    if transaction.additions.iter().any(|(key, _)| reads.contains(key)) {
        return Err("an addition to a key that is read".to_owned());
    }
    if let Some((key, amount)) = transaction.payment {
        let paid = Some(replay.sum(key, Amount::Account(amount)));
        let is_written = transaction.writes.contains(&(key, paid));
        if transaction.reads.get(1..) != Some(&[key]) || !is_written {
            return Err("a plain transfer (\"p\") that is none".to_owned());
        }
    }
    for (key, value) in &transaction.writes {
        if replay.values[*key as usize] == *value {
            return Err(format!("key {key} is written, and keeps its value"));
        }
    }
    if replay.digest(transaction.reads.iter().copied()) != transaction.digest {
        return Err("the reads do not see what they saw on the chain (\"d\")".to_owned());
    }
    debug_assert!(
        transaction
            .additions
            .iter()
            .all(|(key, _)| { replay.trace.keys[*key as usize].len() == ACCOUNT_KEY_LEN })
    );
    Ok(())
}

/// What each transaction of a (checked) trace sees in sequential replay, and the end.
pub fn expected(trace: &Trace, transfers: Transfers) -> Expected {
    let mut replay = Replay::begin(trace);
    let digests = trace.transactions.iter().map(|transaction| {
        let digest = replay.digest(transaction.reads(transfers));
        replay.apply(transaction, transfers);
        digest
    });
    let digests = digests.collect();
    Expected { digests, end: replay.hash() }
}
