//! Writes of a view that are merged into what is there.

use super::bounded::{MergeOutcome, Question, Trial};
use super::fold::Look;
use super::merge::MergeId;
use super::view::{Mode, View, check_value};
use crate::Abort;
use crate::MergeError;
use epoch_store::KeyRange;
use epoch_store::block::{KeyRef, Kind, ReadKind, State, Write};
use std::ops::Bound;

/// What a merge meets at its key.
enum Ground<'b> {
    /// A value, or none, that the run knows.
    Known(Option<&'b [u8]>),
    /// Whatever is below, and what the run has merged into it before.
    Below(Option<&'b [u8]>),
}

impl<'b> View<'b> {
    /// Merges `delta` into the value of `key`, by the operation `op`. Nothing is read, so that transactions which merge into one
    /// key by one operation are not in each other's way; a read of the key brings together what was merged.
    ///
    /// Counts as one read of the budget, since whether something is read depends on what is there.
    ///
    /// # Errors
    /// [`Abort::Merge`]: `delta` is none, or it cannot be applied to what the run itself has put there, or to what is there: that
    /// may show only when all before it is final. Then the transaction is run again, and told so here. [`Abort::Map`]; those
    /// that doom the run.
    ///
    /// ```
    /// use engine::{Block, Delta, MergeId, Store, Verdict};
    /// let store = Store::in_memory();
    /// let block = Block::builder(&store).open(2)?;
    /// for index in [1, 0] { // in any order
    ///     let mut view = block.view(index, 1);
    ///     view.merge(MergeId::ADD_U128, "fees", Delta::plus(index + 1))?;
    ///     block.publish(view)?;
    /// }
    /// assert_eq!(block.validate(1), Verdict::Valid);
    /// block.seal()?;
    /// assert_eq!(store.snapshot().get("fees")?.unwrap(), 3u128.to_be_bytes());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn merge(
        &mut self,
        op: MergeId,
        key: impl AsRef<[u8]>,
        delta: impl AsRef<[u8]>,
    ) -> Result<(), Abort> {
        self.admit()?;
        let delta = delta.as_ref();
        self.block.ops().get(op.0)?.check(delta)?;
        let key = self.key(key.as_ref())?;
        match self.ground(key, op)? {
            Ground::Known(value) => self.apply(key, op, value, delta),
            Ground::Below(None) if self.mode == Mode::Speculative => {
                check_value(delta)?;
                self.write(key, Kind::Merge(op.0), delta);
                Ok(())
            }
            Ground::Below(None) => {
                let value = self.answer(key)?.value;
                self.apply(key, op, value, delta)
            }
            Ground::Below(Some(before)) => self.combine(key, op, before, delta),
        }
    }

    /// As [`View::merge`], if the value that comes of it is within `bounds`, and within what it can hold; else nothing is
    /// changed. What is remembered is the question and its answer: a value that others change does not conflict as long as
    /// the answer is the same.
    ///
    /// # Errors
    /// As [`View::merge`].
    ///
    /// ```
    /// use engine::{Block, Delta, MergeId, MergeOutcome, Store, Verdict};
    /// let store = Store::in_memory();
    /// store.put("alice", 10u64.to_be_bytes())?;
    /// let block = Block::builder(&store).open(2)?;
    ///
    /// let mut second = block.view(1, 1);
    /// let keep = 2u64.to_be_bytes()..; // so much must be left
    /// let outcome = second.merge_bounded(MergeId::ADD_U64, "alice", Delta::minus(5u64), keep)?;
    /// assert_eq!(outcome, MergeOutcome::Applied);
    /// block.publish(second)?;
    ///
    /// let mut first = block.view(0, 1);
    /// first.merge(MergeId::ADD_U64, "alice", Delta::minus(3u64))?;
    /// block.publish(first)?;
    /// assert_eq!(block.validate(1), Verdict::Valid); // two are left
    ///
    /// let mut first = block.view(0, 2);
    /// first.merge(MergeId::ADD_U64, "alice", Delta::minus(4u64))?;
    /// block.publish(first)?;
    /// assert_ne!(block.validate(1), Verdict::Valid); // one would be
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn merge_bounded(
        &mut self,
        op: MergeId,
        key: impl AsRef<[u8]>,
        delta: impl AsRef<[u8]>,
        bounds: impl KeyRange,
    ) -> Result<MergeOutcome, Abort> {
        self.admit()?;
        let delta = delta.as_ref();
        self.block.ops().get(op.0)?.check(delta)?;
        let key = self.key(key.as_ref())?;
        let question = Question { op: op.0, before: None, delta, bounds: bounds.bounds() };
        match self.ground(key, op)? {
            Ground::Known(value) => {
                let trial = question.ask(self.block.ops(), value, &mut self.buffers);
                self.conclude(key, trial)
            }
            Ground::Below(before) => self.ask_below(key, Question { before, ..question }),
        }
    }

    /// What a merge by `op` meets. What the run has merged by another operation is read and applied first.
    fn ground(&mut self, key: KeyRef<'b>, op: MergeId) -> Result<Ground<'b>, Abort> {
        Ok(match self.own_state(key) {
            None => Ground::Below(None),
            Some(State::Merge { op: own, delta }) if own == op.0 => Ground::Below(Some(delta)),
            Some(State::Merge { op, delta }) => {
                let value = self.read_merged(key, op, delta)?;
                self.write(key, Kind::Value, value);
                Ground::Known(Some(value))
            }
            Some(State::Value(value)) => Ground::Known(Some(value)),
            Some(_) => Ground::Known(None),
        })
    }

    /// What the run's own merge comes to, on what is read below.
    pub(super) fn read_merged(
        &mut self,
        key: KeyRef<'b>,
        op: u16,
        delta: &[u8],
    ) -> Result<&'b [u8], Abort> {
        let below = self.read_below(key)?;
        self.merged(below, op, delta)
    }

    /// What the run's own merge comes to. That it cannot be applied, it should have been told when it merged.
    pub(super) fn merged(
        &mut self,
        below: Option<&[u8]>,
        op: u16,
        delta: &[u8],
    ) -> Result<&'b [u8], Abort> {
        let [_, after] = &mut self.buffers;
        after.clear();
        match self.block.ops().get(op).and_then(|op| op.apply(below, delta, after)) {
            Ok(()) => Ok(self.writer.bytes(after)),
            Err(_) => Err(self.doom(Abort::Stale)),
        }
    }

    fn combine(
        &mut self,
        key: KeyRef<'b>,
        op: MergeId,
        before: &[u8],
        delta: &[u8],
    ) -> Result<(), Abort> {
        let [mut both, other] = std::mem::take(&mut self.buffers);
        both.clear();
        self.block.ops().get(op.0)?.combine(before, delta, &mut both);
        let result = check_value(&both);
        if result.is_ok() {
            self.write(key, Kind::Merge(op.0), &both);
        }
        self.buffers = [both, other];
        result
    }

    /// Writes what `delta` makes of a value.
    fn apply(
        &mut self,
        key: KeyRef<'b>,
        op: MergeId,
        value: Option<&[u8]>,
        delta: &[u8],
    ) -> Result<(), Abort> {
        let [_, after] = &mut self.buffers;
        after.clear();
        self.block.ops().get(op.0)?.apply(value, delta, after)?;
        self.write_after(key)
    }

    /// Writes what the second buffer has.
    fn write_after(&mut self, key: KeyRef<'b>) -> Result<(), Abort> {
        let [before, after] = std::mem::take(&mut self.buffers);
        let result = check_value(&after);
        if result.is_ok() {
            self.write(key, Kind::Value, &after);
        }
        self.buffers = [before, after];
        result
    }

    /// A merge that the run has made, and that is to vanish again: it must have been possible, for otherwise the run should
    /// have been told. That it was is remembered.
    pub(super) fn require_merge(&mut self, write: Write<'b>) -> Result<(), Abort> {
        let State::Merge { op, delta } = write.state() else { return Ok(()) };
        let bounds = (Bound::Unbounded, Bound::Unbounded);
        match self.try_below(write.key(), &Question { op, before: None, delta, bounds })? {
            Trial::Applied => Ok(()),
            _ => Err(self.doom(Abort::Stale)),
        }
    }

    /// Tries a merge on what lies below, and remembers what came of it.
    fn try_below(&mut self, key: KeyRef<'b>, question: &Question<'_>) -> Result<Trial, Abort> {
        let below = match self.look(key)? {
            Look::Plain(_, value) => value,
            _ => Some(self.folder.value()),
        };
        let trial = question.ask(self.block.ops(), below, &mut self.buffers);
        let [note, _] = &mut self.buffers;
        note.clear();
        question.encode(&trial, note);
        let read = self.writer.note(key, ReadKind::Bound, note);
        self.bounded.push(read);
        Ok(trial)
    }

    /// Asks whether a merge into what lies below stays within bounds, and remembers the answer.
    fn ask_below(
        &mut self,
        key: KeyRef<'b>,
        question: Question<'_>,
    ) -> Result<MergeOutcome, Abort> {
        if self.mode == Mode::Final {
            let below = self.answer(key)?.value;
            let trial = question.ask(self.block.ops(), below, &mut self.buffers);
            return self.conclude(key, trial);
        }
        let trial = self.try_below(key, &question)?;
        if trial == Trial::FailedBefore {
            return Err(self.doom(Abort::Stale));
        }
        match (trial, question.before) {
            (Trial::Applied, None) => {
                check_value(question.delta)?;
                self.write(key, Kind::Merge(question.op), question.delta);
                Ok(MergeOutcome::Applied)
            }
            (Trial::Applied, Some(before)) => {
                self.combine(key, MergeId(question.op), before, question.delta)?;
                Ok(MergeOutcome::Applied)
            }
            (trial, _) => self.conclude(key, trial),
        }
    }

    /// Makes a merge whose result is in the second buffer, or not.
    fn conclude(&mut self, key: KeyRef<'b>, trial: Trial) -> Result<MergeOutcome, Abort> {
        match trial {
            Trial::Applied => self.write_after(key).map(|()| MergeOutcome::Applied),
            Trial::Refused => Ok(MergeOutcome::Refused),
            Trial::Failed(error) => Err(Abort::Merge(error)),
            Trial::FailedBefore => Err(Abort::Merge(MergeError::BadDelta)),
        }
    }
}
