//! How much of a block can run at once at best.

use super::{Trace, Transfers};

/// The dependencies within a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependencies {
    /// Transactions that depend on an earlier one.
    pub dependent: usize,
    /// Transactions on the longest chain.
    pub longest: u64,
    /// Gas on the heaviest chain.
    pub heaviest: u64,
    /// Gas of the block.
    pub gas: u64,
}

impl Dependencies {
    /// No schedule of so many workers is faster than this over sequential execution, if cost is proportional to gas.
    pub fn bound(&self, workers: usize) -> f64 {
        self.gas as f64 / self.least_gas(workers).max(1.0)
    }

    /// The gas that such a schedule takes at least, one after the other.
    pub fn least_gas(&self, workers: usize) -> f64 {
        (self.heaviest as f64).max(self.gas as f64 / workers.max(1) as f64)
    }
}

/// The dependencies of a trace. A transaction depends on the last earlier writer of each key that it reads, and on every
/// earlier addition to that key since; additions do not depend on each other.
pub fn dependencies(trace: &Trace, transfers: Transfers) -> Dependencies {
    // Of each key, the transactions of which its value is made.
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); trace.keys.len()];
    let mut chains: Vec<(u64, u64)> = Vec::with_capacity(trace.transactions.len());
    let mut found = Dependencies { dependent: 0, longest: 0, heaviest: 0, gas: trace.gas };
    for (index, transaction) in trace.transactions.iter().enumerate() {
        let before = transaction.reads(transfers).flat_map(|key| &sources[key as usize]);
        let (mut longest, mut heaviest) = (0, 0);
        for &source in before {
            longest = longest.max(chains[source].0);
            heaviest = heaviest.max(chains[source].1);
        }
        found.dependent += usize::from(longest > 0);
        chains.push((longest + 1, heaviest + transaction.gas));
        found.longest = found.longest.max(longest + 1);
        found.heaviest = found.heaviest.max(heaviest + transaction.gas);
        for (key, _) in transaction.writes(transfers) {
            sources[key as usize] = vec![index];
        }
        for (key, _) in transaction.additions(transfers) {
            sources[key as usize].push(index);
        }
    }
    found
}
