//! A block of transactions that run at once, each as if it ran after those before it.
//!
//! ```text
//!   store ──snapshot──► Block ──view(index, run)──► View      reads, writes; remembers what it read
//!                         ▲                           │
//!                         ├──────── publish ──────────┘       seen by the views of higher transactions
//!                         ├ validate(index)                   is what it read what it would read now?
//!                         └ seal ──► one commit               what the last run of each has written
//! ```
//! What is in this folder: `view`, what a run holds, with `reading`, `merging`, `range` and `kv`; `walk`, a range as one run
//! sees it; `fold`, versions that merges make; `list`, what a run remembers by key; `validate`; `seal`; `scratch`, what a
//! worker keeps from run to run. The versions themselves, and all that is shared, are the business of [`epoch_store::block`].

mod signals;
mod ground;
mod verdict;
mod merge;
mod bounded;
mod list;
mod fold;
mod builder;
mod validate;
mod walk;
mod view;
mod reading;
mod merging;
mod range;
mod scratch;
mod commit;
mod seal;
mod kv;
#[cfg(test)]
mod tests;

pub use bounded::MergeOutcome;
pub use builder::BlockBuilder;
pub use kv::ViewStore;
pub use merge::{Delta, MergeId, MergeOp};
pub use range::ViewRange;
pub(crate) use scratch::{Ending, Scratch};
pub use seal::{ChangedKeys, Sealed};
pub(crate) use validate::Found;
pub use verdict::Verdict;
pub(crate) use view::Mode;
pub use view::View;

use crate::shared::Shared;
use crate::{Abort, Error, Store};
use builder::Options;
use epoch_store::atomics::{AtomicU64, Ordering};
use epoch_store::block::{BlockMap, Seen, State};
use fold::Folder;
use ground::Failure;
use merge::Ops;
pub(crate) use signals::Signals;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use validate::Checker;

/// An open block: a row of transactions that may run in any order and at once, on one snapshot of a store, and whose
/// outcome is that of running them one after the other.
///
/// It keeps versions by transaction and says who is in whose way; when to run what is the business of an executor, or of
/// whoever uses a block by itself:
///
/// 1. run transaction `index` on a [`view`](Block::view), and [`publish`](Block::publish) it;
/// 2. [`validate`](Block::validate) it once all before it are final; if it is stale,
///    [mark what it wrote as an estimate](Block::mark_estimate) and run it again; if it is valid it is final;
/// 3. [`seal`](Block::seal) the block: one commit.
///
/// *Guarantee.* A transaction that was found valid while all before it were final has read exactly what it would have read
/// if all had run one after the other, ranges included. Different transactions may be run, published and validated by
/// different threads at once; the runs of one transaction, by one thread at a time: else they are mixed up.
///
/// *Progress.* Nothing waits. *Cost.* A version takes 40 bytes and its value, a key some 100 bytes and itself; all of it is given
/// back at once, when the block is dropped.
///
/// ```
/// use engine::{Block, Store, Verdict};
/// let store = Store::in_memory();
/// store.put("alice", "10")?;
/// let block = store.block(2)?;
///
/// let mut second = block.view(1, 1); // too early
/// let alice = second.get("alice")?.unwrap();
/// second.put("copy", alice)?;
/// block.publish(second)?;
///
/// let mut first = block.view(0, 1);
/// first.put("alice", "7")?;
/// block.publish(first)?;
///
/// assert_eq!(block.validate(0), Verdict::Valid);
/// assert_ne!(block.validate(1), Verdict::Valid);
/// let mut second = block.view(1, 2); // again
/// let alice = second.get("alice")?.unwrap();
/// second.put("copy", alice)?;
/// block.publish(second)?;
///
/// let sealed = block.seal()?;
/// assert_eq!(sealed.changed().len(), 2);
/// assert_eq!(store.snapshot().get("copy")?.unwrap(), "7");
/// # Ok::<(), engine::Error>(())
/// ```
pub struct Block {
    map: BlockMap,
    shared: Arc<Shared>,
    options: Options,
    ops: Ops,
    signals: Arc<Signals>,
    /// Transactions before it are committed. Written by whoever commits; read by who is told so by other means, or to be
    /// refused the sooner: relaxed.
    committed: AtomicU64,
    /// Those from it on do not count. As above.
    end: AtomicU64,
    failure: Failure,
}

impl Store {
    /// Opens a block of so many transactions on the store as it is now, in the default key space. With choices:
    /// [`Block::builder`].
    ///
    /// # Errors
    /// None as yet.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let block = store.block(0)?;
    /// block.seal()?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn block(&self, transactions: u32) -> Result<Block, Error> {
        Block::builder(self).open(transactions)
    }
}

impl Block {
    /// A block with choices.
    ///
    /// ```
    /// use engine::{Block, Store};
    /// let store = Store::in_memory();
    /// let block = Block::builder(&store).read_budget(10_000).open(100)?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn builder(store: &Store) -> BlockBuilder {
        BlockBuilder::new(store)
    }

    fn new(
        map: BlockMap,
        shared: Arc<Shared>,
        (options, ops): (Options, Ops),
        failure: Failure,
    ) -> Self {
        let end = AtomicU64::new(u64::from(map.transactions()));
        let (signals, committed) = (Arc::<Signals>::default(), AtomicU64::new(0));
        Self { map, shared, options, ops, signals, committed, end, failure }
    }

    pub(crate) fn map(&self) -> &BlockMap {
        &self.map
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn ops(&self) -> &Ops {
        &self.ops
    }

    /// By which an executor tells running views to stop.
    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The same, to be kept.
    pub(crate) fn signals_handle(&self) -> Arc<Signals> {
        Arc::clone(&self.signals)
    }

    /// How many transactions it has.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.block(3)?.transactions(), 3);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn transactions(&self) -> u32 {
        self.map.transactions()
    }

    /// The view for a run of transaction `index`; `incarnation` is 1 for the first run, and says no more than which write is
    /// whose. A view of a transaction that the block does not have, or that is committed, is doomed from the beginning.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let block = store.block(1)?;
    /// block.view(0, 1).put("k", "v")?; // and not published
    /// assert!(block.view(0, 2).get("k")?.is_none());
    /// assert!(block.view(1, 1).get("k").is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn view(&self, index: u32, incarnation: u8) -> View<'_> {
        let mut view = View::new(self);
        view.begin(index, incarnation, Mode::Speculative);
        if u64::from(index) < self.committed.load(Ordering::Relaxed) {
            view.doom(Abort::NotOpen { index });
        }
        view
    }

    /// The view for the last run of the first transaction that is not committed: all before it are final, and so is what it
    /// reads. Nothing is remembered to be validated, merges are made at once and fail where they are made, and publishing it
    /// commits the transaction. By one thread at a time, which is the one that commits.
    ///
    /// A transaction that [`commit_prefix`](Block::commit_prefix) has refused needs no other run than this.
    ///
    /// ```
    /// use engine::{Block, Delta, Error, MergeId, Store};
    /// let store = Store::in_memory();
    /// let block = store.block(1)?;
    /// let debit = Delta::minus(1u8);
    /// let mut view = block.view(0, 1);
    /// view.merge(MergeId::ADD_U64, "k", debit)?; // nobody looks whether that is possible
    /// block.publish(view)?;
    /// assert!(matches!(block.commit_prefix(1), Err(Error::NotMerged { index: 0, .. })));
    ///
    /// let mut view = block.final_view(2);
    /// assert!(view.merge(MergeId::ADD_U64, "k", debit).is_err());
    /// view.put("k", "none")?;
    /// block.publish(view)?;
    /// block.seal()?;
    /// assert_eq!(store.snapshot().get("k")?.unwrap(), "none");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn final_view(&self, incarnation: u8) -> View<'_> {
        let mut view = View::new(self);
        view.begin(self.committed(), incarnation, Mode::Final);
        view
    }

    /// Publishes what a run has read and written, in place of the run before of the same transaction. Whoever looks
    /// meanwhile may see some of it, and is found out when validated.
    ///
    /// A run that came to an error because of what it read is published too, after [`View::roll_back`]: the error is an
    /// outcome, and as provisional as any.
    ///
    /// # Errors
    /// What has doomed the run: then nothing is published, and what the run before has published stays. Only that it has used
    /// up its budget of reads is an outcome, which is published, without writes. [`Abort::NotOpen`] also if the transaction was
    /// committed meanwhile, or the view is one of another block.
    ///
    /// ```
    /// use engine::{Block, Store};
    /// let block = Store::in_memory().block(2)?;
    /// let mut first = block.view(0, 1);
    /// first.put("k", "v")?;
    /// block.publish(first)?;
    /// assert_eq!(block.view(1, 1).get("k")?, Some(&b"v"[..]));
    /// assert!(block.publish(block.view(2, 1)).is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn publish(&self, mut view: View<'_>) -> Result<(), Abort> {
        let index = view.index;
        let is_committed = u64::from(index) < self.committed.load(Ordering::Relaxed);
        if is_committed || !std::ptr::eq(view.block, self) {
            return Err(Abort::NotOpen { index });
        }
        if view.mode == Mode::Speculative {
            return view.publish(Ending::Done);
        }
        match view.ended() {
            Some(abort) if !abort.is_outcome() => Err(abort.clone()),
            _ if index != self.committed() || index >= self.end() => Err(Abort::NotOpen { index }),
            _ => {
                view.publish(Ending::Done)?;
                self.committed.store(u64::from(index) + 1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Says that transaction `index` is about to be run again, and will probably write what it wrote. Until it is published
    /// again, a view that reads one of these keys is told to wait: [`Abort::Blocked`]. Nothing happens to a transaction that is
    /// committed, or has written nothing.
    ///
    /// ```
    /// use engine::{Abort, Block, Store};
    /// let block = Store::in_memory().block(2)?;
    /// let mut first = block.view(0, 1);
    /// first.put("k", "v")?;
    /// block.publish(first)?;
    /// block.mark_estimate(0);
    /// assert_eq!(block.view(1, 1).get("k").unwrap_err(), Abort::Blocked { on: 0 });
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn mark_estimate(&self, index: u32) {
        if (self.committed()..self.transactions()).contains(&index) {
            self.map.writer().estimate(index);
        }
    }

    /// Compares what the published run of transaction `index` has read with what it would read now. It is final if it is
    /// valid and all before it are final.
    ///
    /// A read is compared by identity first, and then by what it says: the bytes of a value, where it was read; whether
    /// there is one, where only that was asked; the answer, where a merge was bounded. Absent is not empty. Of a range, all that was
    /// handed out must be there as it was, and nothing else. Own writes play no part.
    ///
    /// A run that was withdrawn ([`mark_estimate`](Block::mark_estimate)), and had written something, is as good as none: it is
    /// pending.
    ///
    /// Takes a look-up for each key that was read, none in a hash table; of ranges a step for each written key.
    ///
    /// ```
    /// use engine::{Block, Store, Verdict};
    /// let store = Store::in_memory();
    /// store.put("k", "same")?;
    /// let block = store.block(2)?;
    /// let mut second = block.view(1, 1);
    /// second.get("k")?;
    /// block.publish(second)?;
    /// let mut first = block.view(0, 1);
    /// first.put("k", "same")?;
    /// block.publish(first)?;
    /// assert_eq!(block.validate(1), Verdict::Valid);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn validate(&self, index: u32) -> Verdict {
        let (mut conflicts, mut is_stale) = (Vec::new(), false);
        let mut folder = Folder::default();
        let is_published = self.check(index, &mut folder, &mut |found| {
            is_stale |= !found.is_pending;
            conflicts.push(found.into_conflict());
            ControlFlow::Continue(())
        });
        let is_there = is_published && !self.is_withdrawn(index);
        match (is_stale, conflicts.is_empty() && is_there) {
            (true, _) => Verdict::Stale { conflicts },
            (false, true) => Verdict::Valid,
            (false, false) => Verdict::Pending { conflicts },
        }
    }

    /// Whether what a transaction has written is an estimate.
    fn is_withdrawn(&self, index: u32) -> bool {
        let is_estimate = |seen: Seen<'_>| seen.get() == State::Estimate { writer: index };
        let writes = self.map.account(index).map_or(&[][..], |account| account.writes());
        writes.iter().any(|write| is_estimate(write.key().visible(index + 1)))
    }

    /// Tells of all that the published run of a transaction would find different now. Returns whether there is one.
    fn check<'b>(
        &'b self,
        index: u32,
        folder: &mut Folder<'b>,
        tell: &mut dyn FnMut(Found<'b>) -> ControlFlow<()>,
    ) -> bool {
        if index >= self.transactions() {
            return false;
        }
        let Some(account) = self.map.account(index) else { return false };
        let mut writer = self.map.writer();
        let _ = Checker::new(self, index, folder).account(account, &mut writer, tell);
        true
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("map", &self.map).finish_non_exhaustive()
    }
}
