//! What a user of the executor says about the transactions of a block.

use super::TransactionError;
use crate::{Abort, View};

/// Transactions of a block, by index: code that an executor runs, on several threads at once, and some of it more than once.
///
/// A closure `Fn(u32, &mut View) -> Result<Out, Error>` is one.
///
/// *What a run may see.* The run of a transaction may see, for a while, some of what lower ones wrote and not the rest, or what is
/// then written otherwise. Such a run is found out and its outcome dropped, be it a value, an error or a panic. So code has to
/// bear to be run on a state that never is: it may fail, and must come to an end. For that a run has a
/// [budget of reads](crate::BlockBuilder::read_budget), and code that computes for long without reading asks
/// [`View::should_stop`] now and then. What it does to anything but its view, it does once for each run.
///
/// ```
/// use engine::{Abort, Executor, Limit, Store, TransactionError, TxnLogic, View};
/// /// Transfers of one coin along a ring, until 100 have been made.
/// struct Ring(u32);
/// impl TxnLogic for Ring {
///     type Out = u8;
///     type Error = Abort;
///     fn run(&self, index: u32, view: &mut View<'_>) -> Result<u8, Abort> {
///         let to = [(index % self.0) as u8];
///         let coins = view.get(to)?.map_or(0, |coins| coins[0]) + 1;
///         view.put(to, [coins])?;
///         Ok(coins)
///     }
///     fn hints(&self, index: u32, hints: &mut Vec<u64>) {
///         hints.push((index % self.0).into());
///     }
///     fn limit(&self, index: u32, _: &Result<u8, TransactionError<Abort>>) -> Limit {
///         if index == 99 { Limit::StopAfter } else { Limit::Go }
///     }
/// }
/// let executed = Executor::new(2).execute(&Store::in_memory(), 1_000, &Ring(10))?;
/// assert_eq!(executed.results.len(), 100);
/// assert_eq!(*executed.results[99].as_ref().unwrap(), 10);
/// # Ok::<(), engine::Error>(())
/// ```
pub trait TxnLogic: Sync {
    /// What a transaction comes to.
    type Out: Send;
    /// What is wrong with one that fails. Its writes are dropped, and the block goes on.
    type Error: From<Abort> + Send;

    /// Runs a transaction.
    ///
    /// # Errors
    /// Whatever makes it fail. An [`Abort`] that a view returned is best handed on at once.
    ///
    /// ```
    /// # use engine::{Abort, Store, TxnLogic, View};
    /// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> { view.put("k", [index as u8]) };
    /// let block = Store::in_memory().block(1)?;
    /// logic.run(0, &mut block.view(0, 1))?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn run(&self, index: u32, view: &mut View<'_>) -> Result<Self::Out, Self::Error>;

    /// Appends the hashes of keys that a transaction will probably read and write: a sender and a recipient, say. It is then not
    /// begun before those below that share a hint have an outcome. Wrong hints cost time, and nothing else. Called for each
    /// index when the block begins. Default: none.
    ///
    /// ```
    /// # use engine::{Abort, TxnLogic, View};
    /// let logic = |_: u32, _: &mut View<'_>| -> Result<(), Abort> { Ok(()) };
    /// let mut hints = Vec::new();
    /// logic.hints(0, &mut hints);
    /// assert!(hints.is_empty());
    /// ```
    fn hints(&self, index: u32, hints: &mut Vec<u64>) {
        let _ = (index, hints);
    }

    /// Whether the block goes on after a transaction whose outcome is final: for limits on gas or size. Called once for each
    /// index, in order. Default: it does.
    ///
    /// ```
    /// # use engine::{Abort, Limit, TxnLogic, View};
    /// let logic = |_: u32, _: &mut View<'_>| -> Result<(), Abort> { Ok(()) };
    /// assert_eq!(logic.limit(0, &Ok(())), Limit::Go);
    /// ```
    fn limit(
        &self,
        index: u32,
        outcome: &Result<Self::Out, TransactionError<Self::Error>>,
    ) -> Limit {
        let _ = (index, outcome);
        Limit::Go
    }
}

impl<F, Out, Error> TxnLogic for F
where
    F: Fn(u32, &mut View<'_>) -> Result<Out, Error> + Sync,
    Out: Send,
    Error: From<Abort> + Send,
{
    type Out = Out;
    type Error = Error;

    fn run(&self, index: u32, view: &mut View<'_>) -> Result<Out, Error> {
        self(index, view)
    }
}

/// Whether a block goes on; from [`TxnLogic::limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// It does.
    Go,
    /// This is the last transaction that counts.
    StopAfter,
    /// The one before was the last one that counts: this one is as if it had never been.
    StopBefore,
}
