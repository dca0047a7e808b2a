//! What a validation finds.

use crate::BlockConflict;

/// Whether what a run has read is what it would read now; from [`Block::validate`](crate::Block::validate).
///
/// ```
/// use engine::{Block, Store, Verdict};
/// let block = Block::builder(&Store::in_memory()).open(2)?;
/// let mut second = block.view(1, 1);
/// assert_eq!(second.get("k")?, None);
/// block.publish(second)?;
/// assert_eq!(block.validate(1), Verdict::Valid);
///
/// let mut first = block.view(0, 1);
/// first.put("k", "v")?;
/// block.publish(first)?;
/// let Verdict::Stale { conflicts } = block.validate(1) else { panic!() };
/// assert_eq!((&conflicts[0].key[..], conflicts[0].writer), (&b"k"[..], Some(0)));
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// All of it.
    Valid,
    /// Nothing is known to differ, but some of it depends on transactions that are about to be run again, or no run was
    /// published yet.
    Pending {
        /// What depends on them.
        conflicts: Vec<BlockConflict>,
    },
    /// Some of it differs: the transaction must be run again.
    Stale {
        /// All that differs, and what else depends on transactions that are about to be run again.
        conflicts: Vec<BlockConflict>,
    },
}
