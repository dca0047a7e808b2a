//! What was found different of what a transaction of a block has read.

use super::ConflictKind;

/// A key that a run would find different now.
///
/// ```
/// # use engine::{Block, Store, Verdict, ConflictKind};
/// # let block = Block::builder(&Store::in_memory()).open(2)?;
/// let mut scan = block.view(1, 1);
/// assert_eq!(scan.range(..).count(), 0);
/// block.publish(scan)?;
/// let mut writer = block.view(0, 1);
/// writer.put("k", "v")?;
/// block.publish(writer)?;
/// let Verdict::Stale { conflicts } = block.validate(1) else { panic!() };
/// assert_eq!(conflicts[0].kind, ConflictKind::Phantom);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockConflict {
    /// The key.
    pub key: Vec<u8>,
    /// Who wrote what is there now; `None`: it is what the snapshot below has.
    pub writer: Option<u32>,
    /// How it was read: [`ReadWrite`](ConflictKind::ReadWrite), by itself; [`Phantom`](ConflictKind::Phantom), in a range.
    pub kind: ConflictKind,
}
