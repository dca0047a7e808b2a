//! Histories of transactions, and whether one transaction after the other could have left them.
//!
//! *Idea.* Every value names the write that made it, and every commit its version, so that the order of the writes of a key
//! is known and each read says which of them it saw. From that follow the dependencies (Adya, *Weak Consistency*, 1999):
//! *ww* to whoever writes the next version of a key, *wr* from a writer to those who read it, *rw* from a reader to whoever
//! writes the next version of what it read, or of a key in a range that it read, an insert among them. The history is
//! serializable exactly if there is no cycle. The checker knows nothing of how the engine validates.
//!
//! - `record.rs` runs threads and writes down what their transactions did and saw;
//! - `check.rs` makes the graph and names its cycles;
//! - `faults.rs` damages a correct history in one place.

pub mod check;
pub mod faults;
pub mod record;

/// A key of a history: a number.
pub type Key = u8;
/// What a put writes: unique in the history.
pub type Id = u64;
/// A version as a number.
pub type Stamp = u64;

/// How a key was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Alone.
    Point,
    /// With all others of a range; also a key that the range did not show.
    Range,
}

/// What a transaction found under a key at first.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    pub key: Key,
    /// `None`: it had no value.
    pub value: Option<Id>,
    pub by: By,
}

/// A transaction that went through.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// The version that it says it has read.
    pub snapshot: Stamp,
    /// The version of its commit; `None`: it has only read.
    pub version: Option<Stamp>,
    /// Not among them is what it read of its own writes.
    pub reads: Vec<Read>,
    /// One per key; `None`: a delete.
    pub writes: Vec<(Key, Option<Id>)>,
}

/// Transactions in no particular order, on a store that was empty.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub transactions: Vec<Transaction>,
}
