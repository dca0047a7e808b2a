//! What the scheduler asks of the work that it schedules, and of the threads that do it.

/// How a run sees the runs before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Others may still change what it reads: what it reads is kept, to be validated.
    Speculative,
    /// All lower indices are final, and so is what this run reads.
    Final,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// Its outcome is kept, and what it wrote is published.
    Done,
    /// It met a value that this index has withdrawn and will probably write again. Nothing is published.
    Blocked {
        /// The index, lower than its own.
        on: u32,
    },
    /// It found that what it had read has changed. Nothing is published.
    Retry,
}

/// What a validation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Everything that was read would be read again.
    Valid,
    /// Something was withdrawn by this index.
    Pending {
        /// The index.
        on: u32,
    },
    /// Something was written, by an index if it can be named.
    Stale {
        /// The index.
        on: Option<u32>,
    },
}

/// What to do after a transaction whose outcome is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Go on.
    Go,
    /// The outcome cannot be: run it once more, with final reads.
    Redo,
    /// It is the last one that counts.
    StopAfter,
    /// The one before was the last one that counts.
    StopBefore,
}

/// The transactions of a block, by index, and their versions.
///
/// The scheduler promises: one thread at a time runs an index, or estimates it, or finishes it; each index is finished in turn,
/// when all lower ones are; a final run comes last. Validations may come from several threads at once, also while the
/// index is being run again: then their answer is not used.
pub trait Tasks: Sync {
    /// What a worker keeps from run to run.
    type Worker;

    /// For a worker that joins.
    fn worker(&self, me: usize) -> Self::Worker;

    /// Runs a transaction for the `run`th time, keeps its outcome and publishes what it wrote. A final run is always
    /// [`Ran::Done`], and the same worker finishes it next: it may leave publishing to that.
    fn run(&self, worker: &mut Self::Worker, index: u32, run: u8, kind: Kind) -> Ran;

    /// Whether the latest run read what it would read now.
    fn validate(&self, worker: &mut Self::Worker, index: u32) -> Check;

    /// Marks what the latest run wrote as withdrawn.
    fn estimate(&self, index: u32);

    /// The outcome is final: the last touches, and whether to go on. Before this returns all of it is published.
    fn finish(&self, worker: &mut Self::Worker, index: u32) -> Finish;
}

/// How workers sleep.
pub trait Rest {
    /// Sleeps until woken, or for a shorter time.
    fn park(&self, me: usize);

    /// Wakes a worker, or leaves word for when it is about to sleep.
    fn wake(&self, who: usize);
}
