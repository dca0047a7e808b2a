//! Choices made before a block is opened.

use super::Block;
use super::ground::{Failure, Ground};
use super::merge::{MergeId, MergeOp, Ops};
use crate::{Error, KeySpace, Store};
use epoch_store::block::{BlockMap, Pool};

/// The most reads of a run, if nothing else was chosen.
const READ_BUDGET: u64 = 1_000_000;
/// The most keys that are deleted with a range at once, if nothing else was chosen.
const MAX_RANGE_DELETE: usize = 1 << 16;

/// What is chosen.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) read_budget: u64,
    pub(super) max_range_delete: usize,
    pub(super) keeps_unchanged: bool,
}

impl Default for Options {
    fn default() -> Self {
        let (read_budget, max_range_delete) = (READ_BUDGET, MAX_RANGE_DELETE);
        Self { read_budget, max_range_delete, keeps_unchanged: false }
    }
}

/// Builds a [`Block`] with choices; see [`Block::builder`]. Clone it to open many: they share memory that is used again.
///
/// ```
/// use engine::{Block, Store};
/// let store = Store::in_memory();
/// let accounts = store.key_space("accounts")?;
/// let builder = Block::builder(&store).key_space(&accounts).max_range_delete(100);
/// let block = builder.open(10)?;
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockBuilder {
    store: Store,
    space: Option<KeySpace>,
    options: Options,
    ops: Ops,
    pool: Pool,
}

impl BlockBuilder {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            space: None,
            options: Options::default(),
            ops: Ops::default(),
            pool: Pool::default(),
        }
    }

    /// The key space that the block reads and writes. Default: the one without a name.
    ///
    /// ```
    /// use engine::{Block, Store};
    /// let store = Store::in_memory();
    /// let accounts = store.key_space("accounts")?;
    /// accounts.put("alice", "10")?;
    /// let block = Block::builder(&store).key_space(&accounts).open(1)?;
    /// assert_eq!(block.view(0, 1).get("alice")?, Some(&b"10"[..]));
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn key_space(mut self, space: &KeySpace) -> Self {
        self.space = Some(space.clone());
        self
    }

    /// Adds a merge operation of the caller's, and returns its name, which is good for the blocks of this builder and its
    /// clones.
    ///
    /// # Panics
    /// There are 65,536 of them, built-in ones included.
    ///
    /// ```
    /// use engine::{Block, MergeError, MergeOp, Store};
    /// struct Or;
    /// impl MergeOp for Or {
    ///     fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
    ///         out.push(first[0] | then[0]);
    ///     }
    ///     fn apply(&self, base: Option<&[u8]>, delta: &[u8], out: &mut Vec<u8>) -> Result<(), MergeError> {
    ///         out.push(base.map_or(0, |base| base[0]) | delta[0]);
    ///         Ok(())
    ///     }
    /// }
    /// let mut builder = Block::builder(&Store::in_memory());
    /// let or = builder.merge_op(Or);
    /// let block = builder.open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.merge(or, "flags", [1])?;
    /// view.merge(or, "flags", [4])?;
    /// assert_eq!(view.get("flags")?, Some(&[5][..]));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn merge_op(&mut self, op: impl MergeOp) -> MergeId {
        self.ops.add(op)
    }

    /// The most reads that a run may make, steps of ranges and merges included; the next one dooms it with
    /// [`Abort::ReadBudget`](crate::Abort::ReadBudget). So a run that loops on what it read comes to an end. Default: 1,000,000.
    ///
    /// ```
    /// use engine::{Abort, Block, Store};
    /// let block = Block::builder(&Store::in_memory()).read_budget(2).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.get("a")?;
    /// view.get("b")?;
    /// assert_eq!(view.get("c").unwrap_err(), Abort::ReadBudget { max: 2 });
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn read_budget(mut self, reads: u64) -> Self {
        self.options.read_budget = reads;
        self
    }

    /// The most keys that one [`View::delete_range`](crate::View::delete_range) may delete. Default: 65,536.
    ///
    /// ```
    /// use engine::{Abort, Block, Store};
    /// let block = Block::builder(&Store::in_memory()).max_range_delete(1).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("a", "")?;
    /// view.put("b", "")?;
    /// assert_eq!(view.delete_range(..).unwrap_err(), Abort::RangeTooLarge { max: 1 });
    /// view.delete_range(.."b")?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn max_range_delete(mut self, keys: usize) -> Self {
        self.options.max_range_delete = keys;
        self
    }

    /// Commits what was written also where it is what the snapshot has already. By default such writes are dropped when the block
    /// is sealed.
    ///
    /// ```
    /// use engine::{Block, Store};
    /// let store = Store::in_memory();
    /// store.put("k", "v")?;
    /// for (builder, changed) in [
    ///     (Block::builder(&store), 0),
    ///     (Block::builder(&store).keep_unchanged(), 1),
    /// ] {
    ///     let block = builder.open(1)?;
    ///     let mut view = block.view(0, 1);
    ///     view.put("k", "v")?;
    ///     block.publish(view)?;
    ///     assert_eq!(block.seal()?.changed().len(), changed);
    /// }
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use]
    pub fn keep_unchanged(mut self) -> Self {
        self.options.keeps_unchanged = true;
        self
    }

    /// Uses the memory that blocks of another builder have left.
    pub(crate) fn memory_of(mut self, pool: &Pool) -> Self {
        self.pool = pool.clone();
        self
    }

    /// Opens a block of so many transactions on the store as it is now. Takes time proportional to their number, and 40 to 72
    /// bytes for each.
    ///
    /// # Errors
    /// In [`Error::Map`] [`ForeignSpace`](epoch_store::Error::ForeignSpace): the key space is one of another store.
    ///
    /// ```
    /// use engine::{Block, Store};
    /// let builder = Block::builder(&Store::in_memory());
    /// for _block in 0..3 {
    ///     let block = builder.open(1_000)?;
    ///     // ... run them ...
    ///     block.truncate(0); // none counts
    ///     block.seal()?;
    /// }
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn open(&self, transactions: u32) -> Result<Block, Error> {
        let shared = self.store.shared();
        let base = shared.map().snapshot();
        let space = self.space.as_ref().map(|space| space.of_map().clone());
        let failure = Failure::default();
        let mut map = BlockMap::new(base, space.clone(), transactions, &self.pool)?;
        if let Some(below) = shared.below_shared() {
            map = map.on(Ground { below: below.clone(), space, failure: failure.clone() });
        }
        let choices = (self.options.clone(), self.ops.clone());
        Ok(Block::new(map, shared.clone(), choices, failure))
    }
}
