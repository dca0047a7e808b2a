//! What a transaction reads and writes through.

use super::Block;
use super::fold::Folder;
use super::list::List;
use super::scratch::Account;
use super::walk::Walks;
use crate::Abort;
use epoch_store::block::{KeyRef, Kind, Read, State, Write, Writer};
use epoch_store::{Error, MAX_VALUE_LEN};
use std::fmt;

/// What a run reads and writes through: the block as transaction [`index`](View::index) sees it, from [`Block::view`] or
/// from an executor.
///
/// *Guarantee.* It sees what lower transactions have published, on the snapshot below, and its own writes; never those of higher
/// ones. What lower ones have published may change while it runs: then it may see some of the old and some of the new,
/// and is found out when it is validated, so that no such run counts. It never sees two answers for one key that it reads
/// by itself: the second dooms the run. Its writes are its own until they are published.
///
/// *What is remembered* of a read: 16 bytes, no copy of the key. Reading and asking whether there is a value are told
/// apart; reading an own write is no read; of a range, the part that was handed out counts, and nothing if none was.
///
/// *Errors.* An [`Abort`] that dooms the run is returned by every later call.
///
/// *Progress.* No call waits. What is read is borrowed from the block, not from the view.
///
/// ```
/// use engine::{Block, Store};
/// let store = Store::in_memory();
/// store.put("alice", "10")?;
/// let block = Block::builder(&store).open(1)?;
/// let mut view = block.view(0, 1);
/// let alice = view.get("alice")?.unwrap(); // of the block: the view is free
/// view.put("bob", alice)?;
/// view.delete("alice")?;
/// assert_eq!(view.range(..).next().unwrap()?, (&b"bob"[..], &b"10"[..]));
/// # Ok::<(), engine::Error>(())
/// ```
pub struct View<'b> {
    pub(super) block: &'b Block,
    pub(super) writer: Writer<'b>,
    pub(super) index: u32,
    pub(super) run: u8,
    pub(super) mode: Mode,
    pub(super) reads_left: u64,
    /// The first abort that dooms the run.
    pub(super) ended: Option<Abort>,
    pub(super) is_rechecked: bool,
    /// The key that was asked for last.
    last: Option<KeyRef<'b>>,
    pub(super) own: List<Write<'b>>,
    pub(super) reads: List<Read<'b>>,
    /// Answers of bounded merges.
    pub(super) bounded: Vec<Read<'b>>,
    pub(super) walks: Walks<'b>,
    pub(super) account: Account<'b>,
    pub(super) folder: Folder<'b>,
    /// Where deltas and values are put together.
    pub(super) buffers: [Vec<u8>; 2],
}

/// Whether what a run comes to counts as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It counts once it was validated.
    Speculative,
    /// All lower transactions are final: so is what it reads.
    Final,
}

impl<'b> View<'b> {
    /// Of no transaction yet.
    pub(super) fn new(block: &'b Block) -> Self {
        Self {
            block,
            writer: block.map().writer(),
            index: u32::MAX,
            run: 0,
            mode: Mode::Speculative,
            reads_left: 0,
            ended: None,
            is_rechecked: false,
            last: None,
            own: List::default(),
            reads: List::default(),
            bounded: Vec::new(),
            walks: Walks::default(),
            account: Account::default(),
            folder: Folder::default(),
            buffers: Default::default(),
        }
    }

    /// Begins a run. What the one before has read and written is forgotten.
    #[inline]
    pub(super) fn begin(&mut self, index: u32, run: u8, mode: Mode) {
        (self.index, self.run, self.mode) = (index, run, mode);
        self.reads_left = self.block.options().read_budget;
        let is_open = index < self.block.transactions();
        self.ended = if is_open { None } else { Some(Abort::NotOpen { index }) };
        self.is_rechecked = false;
        self.own.clear();
        self.reads.clear();
        self.bounded.clear();
        self.walks.clear();
    }

    /// The index of its transaction.
    ///
    /// ```
    /// # let block = engine::Block::builder(&engine::Store::in_memory()).open(4)?;
    /// assert_eq!(block.view(3, 1).index(), 3);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Which run of its transaction it is: 1 for the first.
    ///
    /// ```
    /// # let block = engine::Block::builder(&engine::Store::in_memory()).open(4)?;
    /// assert_eq!(block.view(3, 2).incarnation(), 2);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn incarnation(&self) -> u8 {
        self.run
    }

    /// What has doomed the run, if something has.
    ///
    /// ```
    /// use engine::{Abort, Block, Store};
    /// let block = Block::builder(&Store::in_memory()).read_budget(1).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.get("k")?;
    /// let _swallowed = view.get("k");
    /// assert_eq!(view.ended(), Some(&Abort::ReadBudget { max: 1 }));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn ended(&self) -> Option<&Abort> {
        self.ended.as_ref()
    }

    /// Whether the run need not go on: it is doomed, or its block is cancelled. For logic that computes for long without reading,
    /// to ask now and then.
    ///
    /// ```
    /// # let block = engine::Block::builder(&engine::Store::in_memory()).open(1)?;
    /// let mut view = block.view(0, 1);
    /// for _step in 0..1_000_000 {
    ///     if view.should_stop() {
    ///         break;
    ///     }
    ///     # break;
    ///     // ... compute ...
    /// }
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn should_stop(&mut self) -> bool {
        self.check_signals().is_err()
    }

    /// Takes all writes of the run back. What it has read stays: a run that came to an error because of what it read must be
    /// validated like any other.
    ///
    /// ```
    /// # let block = engine::Block::builder(&engine::Store::in_memory()).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("k", "v")?;
    /// view.roll_back();
    /// assert_eq!(view.get("k")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn roll_back(&mut self) {
        for at in 0..self.own.items().len() {
            let write = self.own.items()[at];
            // What could not have been merged, the run should have been told: it would have ended otherwise.
            let _ = self.require_merge(write);
        }
        self.own.clear();
    }

    /// Dooms the run. The first doom counts; but that its budget is used up is an outcome, and gives way to one that is none.
    #[cold]
    pub(super) fn doom(&mut self, abort: Abort) -> Abort {
        match &self.ended {
            Some(first) if abort.is_outcome() || !first.is_outcome() => first.clone(),
            _ => self.ended.insert(abort).clone(),
        }
    }

    /// Whether the run may go on.
    #[inline]
    pub(super) fn check_ended(&self) -> Result<(), Abort> {
        match &self.ended {
            None => Ok(()),
            Some(abort) => Err(abort.clone()),
        }
    }

    /// Before a read: whether the run may go on, and make one more.
    #[inline]
    pub(super) fn admit(&mut self) -> Result<(), Abort> {
        self.check_signals()?;
        let Some(left) = self.reads_left.checked_sub(1) else {
            let max = self.block.options().read_budget;
            return Err(self.doom(Abort::ReadBudget { max }));
        };
        self.reads_left = left;
        Ok(())
    }

    /// The block's account of a key.
    #[inline]
    pub(super) fn key(&mut self, key: &[u8]) -> Result<KeyRef<'b>, Abort> {
        // Who writes a key has mostly just read it.
        if let Some(last) = self.last
            && last.key() == key
        {
            return Ok(last);
        }
        let found = self.writer.key(key)?;
        self.last = Some(found);
        Ok(found)
    }

    /// The value of `key`, borrowed from the block. An empty value is a value.
    ///
    /// One look-up in a hash table, a second at the block's first touch of the key, and a walk over the versions of higher
    /// transactions.
    ///
    /// # Errors
    /// [`Abort::Map`], if the key cannot be stored; those that doom the run.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "")?;
    /// let block = engine::Block::builder(&store).open(1)?;
    /// let mut view = block.view(0, 1);
    /// assert_eq!(view.get("k")?, Some(&b""[..]));
    /// assert_eq!(view.get("other")?, None);
    /// assert!(view.get("").is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn get(&mut self, key: impl AsRef<[u8]>) -> Result<Option<&'b [u8]>, Abort> {
        self.admit()?;
        let key = self.key(key.as_ref())?;
        match self.own_state(key) {
            None => self.read_below(key),
            Some(State::Value(value)) => Ok(Some(value)),
            Some(State::Merge { op, delta }) => self.read_merged(key, op, delta).map(Some),
            Some(_) => Ok(None),
        }
    }

    /// The values of `keys`, in their order. As [`View::get`] for each; the places of all are asked for first, so that their
    /// cache misses overlap.
    ///
    /// # Errors
    /// The first of those of [`View::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let block = engine::Block::builder(&store).open(1)?;
    /// assert_eq!(block.view(0, 1).get_many(&["k", "l"])?, [Some(&b"v"[..]), None]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Option<&'b [u8]>>, Abort> {
        keys.iter().for_each(|key| self.block.map().prefetch(key.as_ref()));
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Whether `key` has a value. Only that is remembered: another value is no conflict.
    ///
    /// # Errors
    /// Those of [`View::get`].
    ///
    /// ```
    /// use engine::{Block, Store, Verdict};
    /// let store = Store::in_memory();
    /// store.put("k", "1")?;
    /// let block = Block::builder(&store).open(2)?;
    /// let mut second = block.view(1, 1);
    /// assert!(second.contains("k")?);
    /// block.publish(second)?;
    /// let mut first = block.view(0, 1);
    /// first.put("k", "2")?;
    /// block.publish(first)?;
    /// assert_eq!(block.validate(1), Verdict::Valid);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn contains(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Abort> {
        self.admit()?;
        let key = self.key(key.as_ref())?;
        match self.own_state(key) {
            None => self.has_below(key),
            Some(state) => Ok(!matches!(state, State::Deleted)),
        }
    }

    /// Writes `value` under `key`. Copies the value, once.
    ///
    /// # Errors
    /// [`Abort::Map`], if key or value cannot be stored; if the run is doomed, by what.
    ///
    /// ```
    /// # let block = engine::Block::builder(&engine::Store::in_memory()).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("k", "v")?;
    /// assert_eq!(view.get("k")?, Some(&b"v"[..]));
    /// assert!(view.put("", "v").is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Abort> {
        self.check_ended()?;
        let (key, value) = (self.key(key.as_ref())?, value.as_ref());
        check_value(value)?;
        self.overwrite(key, Kind::Value, value)
    }

    /// Deletes `key`, which is allowed not to be there.
    ///
    /// # Errors
    /// Those of [`View::put`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let block = engine::Block::builder(&store).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.delete("k")?;
    /// view.delete("absent")?;
    /// assert_eq!(view.get("k")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<(), Abort> {
        self.check_ended()?;
        let key = self.key(key.as_ref())?;
        self.overwrite(key, Kind::Deleted, &[])
    }

    /// What the run itself has written to a key.
    #[inline]
    pub(super) fn own_state(&self, key: KeyRef<'b>) -> Option<State<'b>> {
        self.own.find(key).map(|at| self.own.items()[at].state())
    }

    /// Makes this the run's write to a key.
    #[inline]
    pub(super) fn write(&mut self, key: KeyRef<'b>, kind: Kind, bytes: &[u8]) {
        let write = self.writer.write(key, kind, self.index, self.run, bytes);
        match self.own.find(key) {
            Some(at) => self.own.replace(at, write),
            None => self.own.push(write),
        }
    }

    /// Makes this the run's write to a key, whatever is there and whatever the run has merged into that.
    #[inline]
    pub(super) fn overwrite(
        &mut self,
        key: KeyRef<'b>,
        kind: Kind,
        bytes: &[u8],
    ) -> Result<(), Abort> {
        if let Some(at) = self.own.find(key) {
            self.require_merge(self.own.items()[at])?;
        }
        self.write(key, kind, bytes);
        Ok(())
    }
}

/// Whether a value can be stored.
#[inline]
pub(super) fn check_value(value: &[u8]) -> Result<(), Abort> {
    if value.len() > MAX_VALUE_LEN {
        return Err(Error::ValueTooLong { len: value.len(), max: MAX_VALUE_LEN }.into());
    }
    Ok(())
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("index", &self.index)
            .field("incarnation", &self.run)
            .field("mode", &self.mode)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
