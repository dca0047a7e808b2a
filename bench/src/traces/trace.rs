//! One block's trace in memory.

use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};

use super::Transfers;
use crate::blocks::state::Number;

/// The first bytes of the hash over what a transaction read.
pub type Digest = [u8; 8];

/// A block's trace.
#[derive(Debug)]
pub struct Trace {
    /// The block's number.
    pub block: u64,
    /// Gas that all transactions used.
    pub gas: u64,
    /// The keys, in the order of first use: `a/` or `s/` and the raw bytes of the parts.
    pub keys: Vec<Box<[u8]>>,
    /// What each key held before the block.
    pub before: Vec<Option<Box<[u8]>>>,
    /// The transactions, in order.
    pub transactions: Vec<Transaction>,
    /// The hash of the state after the block.
    pub end: FinalHash,
}

/// What a transaction did, in indices of keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Gas that it used.
    pub gas: u64,
    /// Keys that it read, in order.
    pub reads: Vec<u32>,
    /// Keys that it wrote, with the value after it; `None` deletes.
    pub writes: Vec<(u32, Option<Box<[u8]>>)>,
    /// Additions to balances.
    pub additions: Vec<(u32, Number)>,
    /// Where it is a plain transfer: the recipient, and what it receives.
    pub payment: Option<(u32, Number)>,
    /// The digest of its reads.
    pub digest: Digest,
}

impl Transaction {
    /// The recipient whose account is added to and not read, in this way of replaying transfers.
    pub fn added(&self, transfers: Transfers) -> Option<(u32, &Number)> {
        match (transfers, &self.payment) {
            (Transfers::Added, Some((key, amount))) => Some((*key, amount)),
            _ => None,
        }
    }

    /// The keys that are read, in this way of replaying transfers.
    pub fn reads(&self, transfers: Transfers) -> impl Iterator<Item = u32> + '_ {
        let added = self.added(transfers).map(|(key, _)| key);
        self.reads.iter().copied().filter(move |key| Some(*key) != added)
    }

    /// What is written, in this way of replaying transfers.
    pub fn writes(&self, transfers: Transfers) -> impl Iterator<Item = (u32, Option<&[u8]>)> + '_ {
        let added = self.added(transfers).map(|(key, _)| key);
        let writes = self.writes.iter().map(|(key, value)| (*key, value.as_deref()));
        writes.filter(move |(key, _)| Some(*key) != added)
    }

    /// What is added, in this way of replaying transfers.
    pub fn additions(&self, transfers: Transfers) -> impl Iterator<Item = (u32, &Number)> + '_ {
        let given = self.additions.iter().map(|(key, amount)| (*key, amount));
        given.chain(self.added(transfers))
    }
}

/// The hash of a state: over the lines `<key> <value>` of all entries in key order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FinalHash(pub [u8; 32]);

impl fmt::Display for FinalHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FinalHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes a state, given in key order.
pub fn final_hash<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> FinalHash {
    let mut lines = Lines::default();
    entries.for_each(|(key, value)| lines.add(key, Some(value)));
    FinalHash(lines.hash.finalize().into())
}

/// The hash over lines of keys and values as text.
#[derive(Default)]
pub struct Lines {
    hash: Sha256,
    line: String,
}

impl Lines {
    /// One more line.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.line.clear();
        self.line.push_str(&key_text(key));
        self.line.push(' ');
        match value {
            Some(value) => push_hex(&mut self.line, value),
            None => self.line.push('-'),
        }
        self.line.push('\n');
        self.hash.update(self.line.as_bytes());
    }

    /// The digest of a transaction.
    pub fn digest(self) -> Digest {
        let hash: [u8; 32] = self.hash.finalize().into();
        let mut digest = Digest::default();
        digest.copy_from_slice(&hash[..8]);
        digest
    }
}

/// Bytes of an address.
pub const ADDRESS_LEN: usize = 20;

/// Bytes of the key of an account.
pub const ACCOUNT_KEY_LEN: usize = 2 + ADDRESS_LEN;

/// A key as the traces write it.
pub fn key_text(key: &[u8]) -> String {
    let mut text = String::with_capacity(2 * key.len());
    let (kind, rest) = key.split_at(2.min(key.len()));
    text.push_str(&String::from_utf8_lossy(kind));
    let (address, slot) = rest.split_at(ADDRESS_LEN.min(rest.len()));
    push_hex(&mut text, address);
    if let Some((_, slot)) = slot.split_first() {
        text.push('/');
        push_hex(&mut text, slot);
    }
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}
