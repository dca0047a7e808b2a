//! Running the transactions of a block on many threads, with the outcome of running them one after the other.
//!
//! ```text
//!  logic ──► Executor ──► BlockTasks ──► block::Block     views, publication, validation
//!               │              ▲
//!               ▼              │ run(i), validate(i), finish(i)
//!             Crew ──────► scheduler                      who runs what when; knows no keys
//! ```
//! What is in this folder: `logic`, what users say about transactions; `scheduler`, the protocol, with its own header; `tasks`, a
//! block as the scheduler sees it; `outcome`, `statistics`; `cancel`; `builder`.

pub mod scheduler;
mod builder;
mod logic;
mod outcome;
mod statistics;
mod cancel;
mod tasks;

pub use builder::ExecutorBuilder;
pub use cancel::CancelHandle;
pub use logic::{Limit, TxnLogic};
pub use outcome::{BlockRun, Ended, Executed, TransactionError};
pub use statistics::ExecutionStats;

use crate::{Abort, Block, BlockBuilder, Error, Store, View};
use builder::{Choices, Pacing};
use epoch_store::block::Pool;
use epoch_store::{Crew, Member};
use scheduler::{Early, Experience, Limits, Order, Pace, Plan, Rest, Scheduler, Shape};
use std::fmt;
use std::panic::resume_unwind;
use std::time::Instant;
use tasks::BlockTasks;

/// Runs blocks of transactions on threads of its own, which live from block to block.
///
/// *Guarantee.* Results, final state and changed keys are those of running the transactions in their order, one after the
/// other: whatever the number of workers, the window, and how threads happen to run. A transaction that fails, or panics,
/// has its error at its index; its writes are dropped and the others go on.
///
/// *How.* Transactions are begun in order, on what lower ones have written by then, and remember what they read. The first that
/// is not final is validated when it is done, and run again if what it read has changed; then it is final, and the next one
/// is looked at. So each transaction is run a bounded number of times ([`ExecutorBuilder::max_runs`]), and none waits in a lock
/// for another.
///
/// *Adaptive.* Transactions that are too short to gain from a second thread, and chains of which each depends on the one
/// before, are run by one thread. What was learnt about the cost of transactions is remembered from block to block.
///
/// One executor runs one block at a time; the calling thread takes part, as worker 0.
///
/// ```
/// use engine::{Abort, Executor, Store, View};
/// let store = Store::in_memory();
/// store.put("total", 0u64.to_be_bytes())?;
/// let mut executor = Executor::new(2);
/// let logic = |index: u32, view: &mut View<'_>| -> Result<u64, Abort> {
///     let total = view.get("total")?.map_or(0, |total| u64::from_be_bytes(total.try_into().unwrap()));
///     let total = total + u64::from(index);
///     view.put("total", total.to_be_bytes())?;
///     Ok(total)
/// };
/// let executed = executor.execute(&store, 100, &logic)?;
/// assert_eq!(*executed.results[99].as_ref().unwrap(), 4_950); // as if in order
/// assert_eq!(store.snapshot().get("total")?.unwrap(), 4_950u64.to_be_bytes());
/// assert_eq!(executed.version(), store.version()); // one commit
/// # Ok::<(), engine::Error>(())
/// ```
pub struct Executor {
    crew: Crew,
    choices: Choices,
    experience: Experience,
    cancel: CancelHandle,
    /// Memory of blocks, used again.
    pool: Pool,
}

/// The most transactions of a block.
const MAX_TRANSACTIONS: usize = (u32::MAX >> 1) as usize;

impl Rest for Member<'_> {
    fn park(&self, _: usize) {
        Member::park(self);
    }

    fn wake(&self, who: usize) {
        Member::wake(self, who);
    }
}

impl Executor {
    /// With so many workers, and everything else as it is by default.
    ///
    /// ```
    /// assert_eq!(engine::Executor::new(1).workers(), 1);
    /// ```
    pub fn new(workers: usize) -> Self {
        Self::builder().workers(workers).build()
    }

    /// With choices.
    ///
    /// ```
    /// let executor = engine::Executor::builder().workers(2).max_runs(3).build();
    /// ```
    pub fn builder() -> ExecutorBuilder {
        ExecutorBuilder::new()
    }

    fn with(mut choices: Choices) -> Self {
        let crew = Crew::new(choices.workers);
        choices.workers = crew.len();
        Self {
            crew,
            choices,
            experience: Experience::default(),
            cancel: CancelHandle::default(),
            pool: Pool::default(),
        }
    }

    /// How many threads take part, the calling one included.
    ///
    /// ```
    /// assert!(engine::Executor::builder().build().workers() >= 1);
    /// ```
    pub fn workers(&self) -> usize {
        self.choices.workers
    }

    /// By which others stop a block.
    ///
    /// ```
    /// let executor = engine::Executor::new(2);
    /// let cancel = executor.cancel_handle();
    /// std::thread::spawn(move || cancel.cancel()).join().unwrap();
    /// ```
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Opens a block of so many transactions on the store, runs and seals it.
    ///
    /// Nobody else writes to the store's default key space meanwhile: see [`Block::seal`].
    ///
    /// # Errors
    /// [`Error::BlockTooLarge`]; those of [`Store::commit`]: the block is not committed then. What is wrong with single transactions is
    /// among the results.
    ///
    /// # Panics
    /// If [`TxnLogic::hints`] or [`TxnLogic::limit`] panics, so does this, and nothing is committed.
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// let store = Store::in_memory();
    /// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// Executor::new(2).execute(&store, 10, &logic)?;
    /// assert_eq!(store.snapshot().len()?, 10);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn execute<L: TxnLogic>(
        &mut self,
        store: &Store,
        transactions: usize,
        logic: &L,
    ) -> Result<Executed<L::Out, L::Error>, Error> {
        self.execute_with(&Block::builder(store), transactions, logic)
    }

    /// The same with a block that is opened with choices: in a key space, with merge operations of the user's.
    ///
    /// # Errors
    /// Those of [`Executor::execute`] and [`BlockBuilder::open`].
    ///
    /// # Panics
    /// As [`Executor::execute`].
    ///
    /// ```
    /// # use engine::{Abort, Block, Executor, Store, View};
    /// let store = Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// let builder = Block::builder(&store).key_space(&accounts);
    /// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// Executor::new(2).execute_with(&builder, 10, &logic)?;
    /// assert_eq!((store.snapshot().len()?, store.snapshot().space(&accounts)?.len()?), (0, 10));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn execute_with<L: TxnLogic>(
        &mut self,
        builder: &BlockBuilder,
        transactions: usize,
        logic: &L,
    ) -> Result<Executed<L::Out, L::Error>, Error> {
        if transactions > MAX_TRANSACTIONS {
            return Err(Error::BlockTooLarge { transactions, max: MAX_TRANSACTIONS });
        }
        let block = builder.clone().memory_of(&self.pool).open(transactions as u32)?;
        self.run(block, logic)?.seal()
    }

    /// Runs the transactions of a block that nobody has run any of, and does not seal it: to look at what it comes to, or to drop
    /// it.
    ///
    /// # Errors
    /// [`Error::BlockTooLarge`]; [`Error::BlockInUse`], if transactions were committed or left out before.
    ///
    /// # Panics
    /// As [`Executor::execute`].
    ///
    /// ```
    /// # use engine::{Abort, Block, Executor, Store, View};
    /// let store = Store::in_memory();
    /// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// let run = Executor::new(2).run(store.block(10)?, &logic)?;
    /// if run.results.iter().all(Result::is_ok) {
    ///     run.seal()?;
    /// }
    /// assert_eq!(store.snapshot().len()?, 10);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn run<L: TxnLogic>(
        &mut self,
        block: Block,
        logic: &L,
    ) -> Result<BlockRun<L::Out, L::Error>, Error> {
        let transactions = block.transactions();
        if transactions as usize > MAX_TRANSACTIONS {
            let (transactions, max) = (transactions as usize, MAX_TRANSACTIONS);
            return Err(Error::BlockTooLarge { transactions, max });
        }
        if !block.is_fresh() {
            return Err(Error::BlockInUse);
        }
        let order = Order::of(transactions, |index, hints| logic.hints(index, hints));
        let began = Instant::now();
        let tasks = BlockTasks::new(&block, logic, self.workers());
        let (committed, ended, mut stats) = self.schedule(&tasks, &block, order);
        stats.running = began.elapsed();
        stats.hottest_keys = tasks.hottest_keys();
        // First: what could not be read may be why somebody panicked.
        block.check_read()?;
        if let Some(payload) = tasks.take_thrown() {
            resume_unwind(payload);
        }
        let results = tasks.into_outcomes(committed);
        block.became_final(committed);
        Ok(BlockRun { results, ended, stats, block })
    }

    fn schedule<L: TxnLogic>(
        &mut self,
        tasks: &BlockTasks<'_, L>,
        block: &Block,
        order: Option<Order>,
    ) -> (u32, Ended, ExecutionStats) {
        /// Also when something is thrown.
        struct End<'a>(&'a CancelHandle);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.end();
            }
        }
        let current = self.cancel.begin(block.signals_handle());
        let end = End(&self.cancel);
        let (transactions, workers) = (block.transactions(), self.choices.workers);
        let max_runs = self.choices.max_runs.unwrap_or(if workers > 2 { 3 } else { 2 });
        let (shape, pace) = first_pace(&self.choices, max_runs, transactions, self.experience);
        let progress = &current.progress;
        let plan = Plan { transactions, workers, max_runs, shape, pace, order, progress };
        let scheduler = Scheduler::new(tasks, plan);
        let panics = self.crew.run(&|member| scheduler.work(member.number(), &member));
        let committed = scheduler.committed();
        let was_cut = scheduler.is_cut();
        let (tally, pace) = scheduler.into_parts();
        let window = pace.as_ref().map_or(shape.window, |pace| pace.shape().window);
        let stats = ExecutionStats::new(&tally, pace.as_ref());
        if let Some(pace) = pace {
            self.experience = pace.experience();
        }
        let ended = match committed {
            all if all == transactions => Ended::Complete,
            // Whoever stopped was told by one of the two, and this thread sees what he saw.
            _ if progress.is_stopped() || block.signals().is_stopped(committed) => Ended::Cancelled,
            _ => Ended::Limit,
        };
        drop(end);
        // A worker that failed has left what it held to the others; if they could not go on either, its panic is the caller's. So is
        // one of the caller's own, which `Crew::run` has passed on already.
        if !was_cut && committed < transactions && ended != Ended::Cancelled {
            let (_, payload) = panics.into_iter().next().expect("somebody failed");
            resume_unwind(payload);
        }
        (
            committed,
            ended,
            ExecutionStats { transactions: committed, workers, max_runs, window, ..stats },
        )
    }
}

/// How a block is begun, and who changes that.
fn first_pace(
    choices: &Choices,
    max_runs: u8,
    transactions: u32,
    experience: Experience,
) -> (Shape, Option<Pace>) {
    let workers = choices.workers as u32;
    let window = choices.window.unwrap_or((32 * workers as u16).max(64));
    if choices.pace == Pacing::Fixed {
        let early = if max_runs > 2 { Early::On } else { Early::Off };
        return (Shape { window, batch: 1, early }, None);
    }
    let pace = Pace::new(Limits { workers, window, max_runs, transactions }, experience);
    (pace.shape(), Some(pace))
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("choices", &self.choices).finish_non_exhaustive()
    }
}

/// Runs these transactions on so many threads, started for the purpose, as one block of the store, and seals it. Who has more
/// than one block keeps an [`Executor`].
///
/// # Errors
/// Those of [`Executor::execute`].
///
/// ```
/// use engine::{Abort, Store, execute_block};
/// let store = Store::in_memory();
/// let transactions = [("alice", "7"), ("bob", "3")];
/// let executed = execute_block(&store, &transactions, 2, |_, (name, coins), view| {
///     view.put(name, coins)?;
///     Ok::<_, Abort>(coins.len())
/// })?;
/// assert_eq!(executed.results.len(), 2);
/// assert_eq!(store.snapshot().get("bob")?.unwrap(), "3");
/// # Ok::<(), engine::Error>(())
/// ```
pub fn execute_block<Txn, Out, E>(
    store: &Store,
    transactions: &[Txn],
    threads: usize,
    logic: impl Fn(u32, &Txn, &mut View<'_>) -> Result<Out, E> + Sync,
) -> Result<Executed<Out, E>, Error>
where
    Txn: Sync,
    Out: Send,
    E: From<Abort> + Send,
{
    let logic = |index: u32, view: &mut View<'_>| logic(index, &transactions[index as usize], view);
    Executor::new(threads).execute(store, transactions.len(), &logic)
}
