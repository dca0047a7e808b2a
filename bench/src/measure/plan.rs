//! How much of everything one child process measures.

use std::time::Duration;

use crate::workload::Case;

/// Entries a commit of the bulk loads.
pub const LOAD_BATCH: usize = 1_000;

/// Keys a commit of the rows on atomic commits.
pub const COMMIT_LEN: usize = 100;

/// Keys a `get_many`.
pub const MANY: usize = 16;

/// Entries a range of the row on ranges.
pub const RANGE_LEN: usize = 100;

/// The share of work one measurement gets, derived from the number of keys so that a smoke test on
/// a few thousand keys goes through the same code.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which keys.
    pub case: Case,
    /// Keys loaded.
    pub keys: usize,
    /// Time a measurement.
    pub cell: Duration,
    /// Number of the round: decides where in the streams its measurements begin.
    pub round: u64,
}

impl Plan {
    /// Keys of the commit that others have to live beside: 300,000 of a million.
    pub fn big_commit(&self) -> usize {
        (self.keys * 3 / 10).clamp(1, 300_000)
    }

    /// Overwrites of one key under an old reader: 16,000 with a million keys.
    pub fn old_reader_overwrites(&self) -> usize {
        (self.keys * 16 / 1_000).clamp(256, 16_000)
    }

    /// Overwrites of one key for the longest chain: a million with a million keys.
    pub fn chain_overwrites(&self) -> usize {
        self.keys.min(1_000_000)
    }

    /// Keys written before an iterator is opened: few, and many.
    pub fn iterator_sizes(&self) -> (usize, usize) {
        let many = self.keys.min(100_000);
        (many.div_ceil(100), many)
    }
}
