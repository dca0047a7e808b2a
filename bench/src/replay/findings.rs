//! What a replay found, before it is printed.

use std::time::Duration;

use crate::blocks::contender::Figures;
use crate::measure::timing::median;

/// One contender's way through a chain of blocks.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Who.
    pub who: &'static str,
    /// How long each block took.
    pub blocks: Vec<Duration>,
    /// What they took besides, together.
    pub figures: Figures,
    /// The most bytes that it held, by its own count; for who does not count, the growth of resident memory while it was loaded.
    pub bytes: Option<u64>,
}

impl Course {
    /// All blocks together.
    pub fn total(&self) -> Duration {
        self.blocks.iter().sum()
    }

    /// Transactions a second.
    pub fn rate(&self) -> f64 {
        self.figures.transactions as f64 / self.total().as_secs_f64().max(1e-9)
    }

    /// Milliseconds that the block at so many percent of all, in order of time, took.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.blocks.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }

    /// How many times as fast it was as `other`, by the median of the blocks.
    pub fn over(&self, other: &Course) -> f64 {
        let middle = |course: &Course| {
            let mut times: Vec<f64> = course.blocks.iter().map(Duration::as_secs_f64).collect();
            median(&mut times).unwrap_or(0.0)
        };
        middle(other) / middle(self).max(1e-9)
    }

    /// Runs in vain by cause, in words.
    pub fn aborts(&self) -> String {
        let some = self.figures.aborts.iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = some.map(|(cause, count)| format!("{cause} {count}")).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    }
}

/// A chain of generated blocks.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What its transactions do.
    pub workload: &'static str,
    /// Those who executed it, sequential execution first.
    pub courses: Vec<Course>,
    /// Results and entries that differ from sequential execution.
    pub differing: u64,
}

/// One way of replaying a trace.
#[derive(Clone, Debug)]
pub struct Played {
    /// How plain transfers were replayed.
    pub transfers: &'static str,
    /// No schedule of so many workers is faster.
    pub bound: f64,
    /// The time that such a schedule takes at least, in units of gas.
    pub least_gas: f64,
    /// Sequential execution.
    pub sequential: Course,
    /// The engine's.
    pub ours: Course,
}

/// A trace that was replayed.
#[derive(Clone, Debug)]
pub struct Block {
    /// The block's number.
    pub number: u64,
    /// Its transactions.
    pub transactions: usize,
    /// Gas that they used.
    pub gas: u64,
    /// The ways in which it was replayed.
    pub played: Vec<Played>,
    /// Reads and final states that differ.
    pub differing: u64,
}

/// What is held and read while a chain of traces goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Snapshots of older blocks.
    pub snapshots: usize,
    /// How often one was read whole while blocks were executed, and found to be what it was.
    pub readings: u64,
}

/// A chain on a store that outlives the process.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// What its transactions do.
    pub workload: &'static str,
    /// The engine below.
    pub adapter: &'static str,
    /// Blocks that were there already.
    pub resumed_at: u64,
    /// Blocks that are there now.
    pub blocks: u64,
    /// How long it took to open the store.
    pub opening: Duration,
    /// From there on, until the last block was durable.
    pub took: Duration,
    /// The state in the end.
    pub hash: String,
}

/// Everything of a run.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Generated chains.
    pub chains: Vec<Chain>,
    /// Traces.
    pub blocks: Vec<Block>,
    /// Snapshots that were held, where the traces were one chain.
    pub held: Option<Held>,
    /// The chain on a store that outlives the process.
    pub stored: Option<Stored>,
    /// What differs, in words, the first of each kind.
    pub differences: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_blocks() {
        let blocks = (1..=10).map(Duration::from_millis).collect();
        let course = Course { blocks, ..Course::default() };
        assert_eq!([50, 90, 99, 100].map(|at| course.percentile(at)), [5.0, 9.0, 10.0, 10.0]);
        assert_eq!(Course::default().percentile(50), 0.0);
    }

    #[test]
    fn twice_as_fast() {
        let course =
            |millis| Course { blocks: vec![Duration::from_millis(millis)], ..Course::default() };
        assert!((course(2).over(&course(4)) - 2.0).abs() < 1e-9);
    }
}
