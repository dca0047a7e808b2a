//! Choices made before an executor is built.

use super::Executor;
use super::scheduler::{MAX_WINDOW, MAX_WORKERS};

/// What is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    pub(super) workers: usize,
    pub(super) window: Option<u16>,
    pub(super) max_runs: Option<u8>,
    pub(super) pace: Pacing,
}

/// Who says how far ahead transactions are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pacing {
    /// What is measured while a block runs.
    Adaptive,
    /// The window, always.
    Fixed,
}

/// Builds an [`Executor`]; see [`Executor::builder`].
///
/// ```
/// use engine::Executor;
/// let executor = Executor::builder().workers(4).window(64).max_runs(3).build();
/// assert!(executor.workers() <= 4);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ExecutorBuilder(pub(super) Choices);

impl ExecutorBuilder {
    pub(super) fn new() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Choices { workers, window: None, max_runs: None, pace: Pacing::Adaptive })
    }

    /// How many threads run a block, the calling one included; from 1 to 64. Default: one for each processor.
    ///
    /// ```
    /// assert_eq!(engine::Executor::builder().workers(1).build().workers(), 1);
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.0.workers = workers.clamp(1, MAX_WORKERS);
        self
    }

    /// How far ahead of the first transaction that is not final others are begun: from 1 to 4,096. A deep window costs repeated
    /// runs where transactions conflict, and little time; real blocks need it. Default: 32 for each worker, 64 at
    /// least.
    ///
    /// ```
    /// let executor = engine::Executor::builder().window(128).build();
    /// ```
    pub fn window(mut self, transactions: u16) -> Self {
        self.0.window = Some(transactions.clamp(1, MAX_WINDOW));
        self
    }

    /// How often one transaction is run at most, from 2 on. With 2, whatever was disturbed is run again when all before it are
    /// final, one after the other; with more, idle workers run it again before. Default: 2 for up to two workers, 3 for
    /// more.
    ///
    /// ```
    /// let executor = engine::Executor::builder().workers(8).max_runs(4).build();
    /// ```
    pub fn max_runs(mut self, runs: u8) -> Self {
        self.0.max_runs = Some(runs.clamp(2, u8::MAX - 1));
        self
    }

    /// Runs each block with this window and all workers, however short its transactions are and whoever waits for whom: for
    /// tests and measurements. By default both follow from what is measured.
    ///
    /// ```
    /// let executor = engine::Executor::builder().workers(2).window(4).fixed_pace().build();
    /// ```
    pub fn fixed_pace(mut self) -> Self {
        self.0.pace = Pacing::Fixed;
        self
    }

    /// Starts the threads, which sleep until there is a block. If the system has fewer to give, there are fewer workers.
    ///
    /// ```
    /// let executor = engine::Executor::builder().build();
    /// ```
    pub fn build(self) -> Executor {
        Executor::with(self.0)
    }
}
