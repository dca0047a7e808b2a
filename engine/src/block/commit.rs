//! From valid runs to final ones: merges become values, in the order of the transactions.

use super::Block;
use super::fold::{Folder, Look};
use super::verdict::Verdict;
use crate::Error;
use crate::MergeError;
use epoch_store::MAX_VALUE_LEN;
use epoch_store::atomics::Ordering;
use epoch_store::block::{Kind, State, Write, Writer};

impl Block {
    /// Makes the transactions before `upto` final, in their order: each is validated, and what it has merged becomes a value.
    /// Those that were committed before are not looked at again; more than there are transactions counts as all.
    ///
    /// By one thread at a time.
    ///
    /// # Errors
    /// [`Error::NotValid`], with the first transaction that is not valid or was not published; [`Error::NotMerged`], with the first of
    /// which a merge cannot be made. Those before it are committed. It is to be run again.
    ///
    /// ```
    /// use engine::{Block, Error, Store};
    /// let block = Store::in_memory().block(2)?;
    /// block.publish(block.view(0, 1))?;
    /// assert!(matches!(block.commit_prefix(2), Err(Error::NotValid { index: 1, .. })));
    /// assert!(block.view(0, 2).get("k").is_err()); // that one is committed
    /// block.publish(block.view(1, 1))?;
    /// block.commit_prefix(2)?;
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn commit_prefix(&self, upto: u32) -> Result<(), Error> {
        let (mut writer, mut folder, mut buffer) =
            (self.map.writer(), Folder::default(), Vec::new());
        let mut next = self.committed();
        while next < upto.min(self.end()) {
            match self.validate(next) {
                Verdict::Valid => {}
                Verdict::Stale { conflicts } | Verdict::Pending { conflicts } => {
                    return Err(Error::NotValid { index: next, conflicts });
                }
            }
            self.materialise(next, &mut writer, &mut folder, &mut buffer)
                .map_err(|error| Error::NotMerged { index: next, error })?;
            // Looking at it may have been what the parent could not do.
            self.failure.check()?;
            next += 1;
            self.committed.store(u64::from(next), Ordering::Relaxed);
        }
        self.failure.check()
    }

    /// Leaves the transactions from `from` on out: they are not sealed, nor asked for. Never takes more back in, nor out what is
    /// committed already: what is final stays.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let block = store.block(2)?;
    /// for index in 0..2 {
    ///     let mut view = block.view(index, 1);
    ///     view.put([index as u8], "")?;
    ///     block.publish(view)?;
    /// }
    /// block.truncate(1);
    /// block.seal()?;
    /// assert_eq!(store.snapshot().len()?, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn truncate(&self, from: u32) {
        let committed = self.committed.load(Ordering::Relaxed);
        self.end.fetch_min(u64::from(from).max(committed), Ordering::Relaxed);
    }

    /// Whether all of its transactions count, and none is committed.
    pub(crate) fn is_fresh(&self) -> bool {
        self.committed() == 0 && self.end() == self.transactions()
    }

    /// Refuses to go on if something could not be read.
    pub(crate) fn check_read(&self) -> Result<(), Error> {
        self.failure.check()
    }

    /// The transactions before `end` are final and their merges are values, by an executor, and the others do not count.
    pub(crate) fn became_final(&self, end: u32) {
        self.truncate(end);
        self.committed.store(u64::from(end), Ordering::Relaxed);
    }

    pub(super) fn committed(&self) -> u32 {
        u32::try_from(self.committed.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    pub(super) fn end(&self) -> u32 {
        u32::try_from(self.end.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    /// Makes values of what a transaction has merged, of all or of nothing. All before it is final.
    pub(super) fn materialise<'b>(
        &'b self,
        index: u32,
        writer: &mut Writer<'b>,
        folder: &mut Folder<'b>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), MergeError> {
        let Some(account) = self.map.account(index) else { return Ok(()) };
        let is_merge = |write: &&Write<'b>| matches!(write.state(), State::Merge { .. });
        let merges = account.writes().iter().filter(is_merge);
        if merges.clone().nth(1).is_some() {
            // Values replace the merges that the account knows: none must, if one of them cannot be made.
            merges.clone().try_for_each(|&write| self.value_of(index, write, folder, buffer))?;
        }
        for &write in merges {
            self.value_of(index, write, folder, buffer)?;
            writer.replace(write.key(), index, Kind::Value, buffer);
        }
        Ok(())
    }

    /// Puts into the buffer what a merge comes to.
    fn value_of<'b>(
        &'b self,
        index: u32,
        write: Write<'b>,
        folder: &mut Folder<'b>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), MergeError> {
        let State::Merge { op, delta } = write.state() else { return Ok(()) };
        let below = match folder.look(self.ops(), write.key(), index) {
            Look::Plain(_, value) => value,
            Look::Folded(_) => Some(folder.value()),
            Look::Estimate(_) | Look::Failed(_) => {
                debug_assert!(false, "what is below was not final");
                return Err(MergeError::refused("what is below is not final"));
            }
        };
        buffer.clear();
        self.ops().get(op)?.apply(below, delta, buffer)?;
        if buffer.len() > MAX_VALUE_LEN {
            return Err(MergeError::BadValue { len: buffer.len() });
        }
        Ok(())
    }
}
