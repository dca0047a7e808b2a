//! What becomes of a block and its transactions.

use super::ExecutionStats;
use crate::{Block, ChangedKeys, Error, Sealed, Version};
use std::any::Any;
use std::fmt;

/// Why a transaction has no result. None of its writes count.
///
/// ```
/// use engine::{Abort, Executor, Store, TransactionError, View};
/// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> {
///     match index {
///         0 => view.put("", "an empty key"),
///         _ => panic!("on purpose"),
///     }
/// };
/// # std::panic::set_hook(Box::new(|_| ()));
/// let executed = Executor::new(2).execute(&Store::in_memory(), 2, &logic)?;
/// assert!(matches!(executed.results[0], Err(TransactionError::Logic(Abort::Map(_)))));
/// let panicked = executed.results[1].as_ref().unwrap_err();
/// assert_eq!(panicked.to_string(), "the transaction panicked: on purpose");
/// # Ok::<(), engine::Error>(())
/// ```
#[non_exhaustive]
pub enum TransactionError<E> {
    /// What the logic of the transaction returned.
    Logic(E),
    /// It panicked, and this is what the panic carried.
    Panicked(Box<dyn Any + Send>),
}

impl<E: fmt::Display> fmt::Display for TransactionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logic(error) => error.fmt(f),
            Self::Panicked(payload) => {
                write!(f, "the transaction panicked: {}", message(payload.as_ref()))
            }
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for TransactionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logic(error) => f.debug_tuple("Logic").field(error).finish(),
            Self::Panicked(payload) => {
                f.debug_tuple("Panicked").field(&message(payload.as_ref())).finish()
            }
        }
    }
}

impl<E: std::error::Error> std::error::Error for TransactionError<E> {}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// Why a block ended where it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// All transactions are final.
    Complete,
    /// [`TxnLogic::limit`](crate::TxnLogic::limit) said so.
    Limit,
    /// It was [cancelled](crate::CancelHandle::cancel).
    Cancelled,
}

/// A block that was run and is not sealed yet; from [`Executor::run`](crate::Executor::run). Its commit can still be
/// dropped.
///
/// ```
/// use engine::{Abort, Executor, Store, View};
/// let store = Store::in_memory();
/// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
/// let run = Executor::new(1).run(store.block(3)?, &logic)?;
/// assert_eq!((run.results.len(), store.snapshot().len()?), (3, 0));
/// let executed = run.seal()?;
/// assert_eq!((executed.changed().len(), store.snapshot().len()?), (3, 3));
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct BlockRun<Out, E> {
    /// Of the transactions that count, in order.
    pub results: Vec<Result<Out, TransactionError<E>>>,
    /// Why it ended where it did.
    pub ended: Ended,
    /// What it took.
    pub stats: ExecutionStats,
    /// The block, whose transactions are final.
    pub block: Block,
}

impl<Out, E> BlockRun<Out, E> {
    /// Seals the block, as [`Block::seal`] does.
    ///
    /// # Errors
    /// Those of [`Store::commit`](crate::Store::commit).
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// let store = Store::in_memory();
    /// let run = Executor::new(1).run(store.block(1)?, &logic)?;
    /// assert_eq!(run.seal()?.version(), store.version());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seal(self) -> Result<Executed<Out, E>, Error> {
        self.seal_by(Block::seal)
    }

    /// Seals the block with some bytes about it, as [`Block::seal_tagged`] does.
    ///
    /// # Errors
    /// Those of [`Block::seal_tagged`].
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// let store = Store::in_memory();
    /// let run = Executor::new(1).run(store.block(1)?, &logic)?;
    /// run.seal_tagged("height 1")?;
    /// assert_eq!(store.snapshot().metadata()?.unwrap(), "height 1");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seal_tagged(self, metadata: impl AsRef<[u8]>) -> Result<Executed<Out, E>, Error> {
        self.seal_by(|block| block.seal_tagged(metadata))
    }

    fn seal_by(
        self,
        seal: impl FnOnce(Block) -> Result<Sealed, Error>,
    ) -> Result<Executed<Out, E>, Error> {
        let Self { results, ended, mut stats, block } = self;
        let began = std::time::Instant::now();
        let sealed = seal(block)?;
        stats.sealing = began.elapsed();
        Ok(Executed { results, ended, stats, sealed })
    }
}

/// A block that was run and committed; from [`Executor::execute`](crate::Executor::execute).
///
/// ```
/// # use engine::{Abort, Ended, Executor, Store, View};
/// # let logic = |index: u32, view: &mut View<'_>| -> Result<u32, Abort> { Ok(index) };
/// let executed = Executor::new(2).execute(&Store::in_memory(), 5, &logic)?;
/// assert_eq!(executed.ended, Ended::Complete);
/// let results: Vec<u32> = executed.results.into_iter().map(Result::unwrap).collect();
/// assert_eq!(results, [0, 1, 2, 3, 4]);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Executed<Out, E> {
    /// Of the transactions that count, in order.
    pub results: Vec<Result<Out, TransactionError<E>>>,
    /// Why it ended where it did.
    pub ended: Ended,
    /// What it took.
    pub stats: ExecutionStats,
    sealed: Sealed,
}

impl<Out, E> Executed<Out, E> {
    /// The version that the block has become. If it has changed nothing, the newest of the store.
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// let store = Store::in_memory();
    /// assert_eq!(Executor::new(1).execute(&store, 5, &logic)?.version(), store.version());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn version(&self) -> Version {
        self.sealed.version()
    }

    /// The keys that it has changed, in order, each with its last value; none for one that was deleted.
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put([index as u8], "v") };
    /// let executed = Executor::new(1).execute(&Store::in_memory(), 5, &logic)?;
    /// assert_eq!(executed.changed().iter().next(), Some((&[0][..], Some(&b"v"[..]))));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn changed(&self) -> ChangedKeys<'_> {
        self.sealed.changed()
    }
}
