//! Histories: what threads did and saw, and whether one map can have answered so.
//!
//! *Idea.* A commit returns its version and a snapshot tells its own, so the order of all commits is known, and checking
//! a history is a walk along it instead of a search for an order: O(n log n).
//!
//! - `record.rs` runs threads against a map and writes down what they did and saw, with the ticks of one global clock
//!   before and after each call;
//! - `check.rs` walks the history and names what is wrong with it;
//! - `faults.rs` damages a correct history in one place, so that a test can show that the checker sees each kind.

pub mod check;
pub mod faults;
pub mod record;

/// A key of a history: a number, so that tables of keys are arrays.
pub type Key = u32;
/// What a write puts: unique to the commit. 40 low bits count, the others name the writer.
pub type Id = u64;
/// A version as a number.
pub type Stamp = u64;

/// An id that no commit has: a value that does not say what it should.
pub const UNREADABLE: Id = u64::MAX;

/// The ticks before and after a call.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub asked: u64,
    pub returned: u64,
}

/// A commit that has returned.
#[derive(Debug, Clone)]
pub struct Commit {
    pub span: Span,
    pub version: Stamp,
    /// One per key; `None` is a delete.
    pub writes: Vec<(Key, Option<Id>)>,
}

/// The order in which the rows of a scan were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Forward,
    Backward,
    /// From both ends in turn until they met; written down in ascending order.
    BothEnds,
}

/// A range read, or its first `limit` rows.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Included.
    pub from: Key,
    /// Excluded.
    pub to: Key,
    pub order: Order,
    pub limit: usize,
    pub rows: Vec<(Key, Id)>,
}

#[derive(Debug, Clone)]
pub enum Read {
    Get { key: Key, found: Option<Id> },
    Scan(Scan),
}

/// A snapshot and everything that was read from it.
#[derive(Debug, Clone)]
pub struct View {
    /// The call that opened it.
    pub span: Span,
    pub version: Stamp,
    pub reads: Vec<Read>,
}

/// Where a history begins: the version, and what was live then.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    pub version: Stamp,
    pub live: std::collections::BTreeMap<Key, Id>,
}

/// A whole run.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub origin: Origin,
    pub commits: Vec<Commit>,
    pub views: Vec<View>,
}

impl History {
    /// Commits, snapshots and reads.
    pub fn operations(&self) -> usize {
        let reads: usize = self.views.iter().map(|view| view.reads.len()).sum();
        self.commits.len() + self.views.len() + reads
    }
}
