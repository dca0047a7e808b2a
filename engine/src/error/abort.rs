//! Why a run cannot go on.

use super::Error;
use super::merge::MergeError;

/// Why a call of a [`View`](crate::View) was refused.
///
/// *Some doom the run* ([`is_doom`](Abort::is_doom)): it has to be made again, or is over. Every later call of the view
/// returns the same then, and the view remembers it: code that swallows it changes nothing. The others refuse one
/// call, and leave the run as it was.
///
/// ```
/// use engine::{Abort, Block, Store};
/// let block = Block::builder(&Store::in_memory()).open(2)?;
/// let mut first = block.view(0, 1);
/// first.put("k", "v")?;
/// block.publish(first)?;
/// block.mark_estimate(0); // it is to be run again
/// let mut second = block.view(1, 1);
/// assert_eq!(second.get("k").unwrap_err(), Abort::Blocked { on: 0 });
/// assert_eq!(second.get("other").unwrap_err(), Abort::Blocked { on: 0 }); // doomed
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Abort {
    /// It depends on a transaction that is about to be run again. Dooms the run.
    #[error("transaction {on} has to be run again first")]
    Blocked {
        /// Its index.
        on: u32,
    },
    /// A key was read twice, with different answers: what was read first is no longer there. Dooms the run.
    #[error("a key was read twice, with two answers")]
    Inconsistent,
    /// What the run has read is known not to be there any more, or what it is to do can be decided only when
    /// all before it is final. Dooms the run.
    #[error("the run is known to be stale")]
    Stale,
    /// The block was told to stop before this transaction. Dooms the run.
    #[error("the block was cancelled")]
    Cancelled,
    /// It has read more than a run may: [`BlockBuilder::read_budget`](crate::BlockBuilder::read_budget). Dooms the run.
    #[error("the run has made all of its {max} reads")]
    ReadBudget {
        /// How many it may make.
        max: u64,
    },
    /// A view of a transaction that the block does not have, or that is committed already. Dooms the run.
    #[error("transaction {index} is none of the block's, or is committed already")]
    NotOpen {
        /// Its index.
        index: u32,
    },
    /// A range with more keys than may be deleted at once:
    /// [`BlockBuilder::max_range_delete`](crate::BlockBuilder::max_range_delete). Nothing was deleted.
    #[error("the range has more than the {max} keys that may be deleted at once")]
    RangeTooLarge {
        /// How many may be.
        max: usize,
    },
    /// A delta that cannot be merged. Nothing was merged.
    #[error("not merged: {0}")]
    Merge(MergeError),
    /// A key or value that cannot be stored. Nothing was written.
    #[error(transparent)]
    Map(epoch_store::Error),
}

impl Abort {
    /// Whether the run is doomed: every later call is refused too.
    ///
    /// ```
    /// use engine::Abort;
    /// assert!(Abort::Inconsistent.is_doom());
    /// assert!(!Abort::Map(epoch_store::Error::EmptyKey).is_doom());
    /// ```
    pub fn is_doom(&self) -> bool {
        !matches!(self, Self::RangeTooLarge { .. } | Self::Merge(_) | Self::Map(_))
    }

    /// Whether what the run has come to is an outcome: that it has used up its budget is one, and has to be validated like
    /// any other. The other dooms mean that it has come to nothing.
    pub(crate) fn is_outcome(&self) -> bool {
        !self.is_doom() || matches!(self, Self::ReadBudget { .. })
    }
}

impl From<epoch_store::Error> for Abort {
    fn from(error: epoch_store::Error) -> Self {
        Self::Map(error)
    }
}

impl From<MergeError> for Abort {
    fn from(error: MergeError) -> Self {
        Self::Merge(error)
    }
}

/// What is wrong with a key or value is the same error everywhere.
impl From<Abort> for Error {
    fn from(abort: Abort) -> Self {
        match abort {
            Abort::Map(error) => Self::Map(error),
            abort => Self::Abort(Box::new(abort)),
        }
    }
}
