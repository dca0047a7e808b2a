//! How a view reads what lies below its own writes, and what it remembers of that.

use super::fold::{Look, standing};
use super::validate::Checker;
use super::view::{Mode, View};
use crate::Abort;
use epoch_store::block::{KeyRef, Read, ReadKind};

/// An answer, as it is handed out and as it is remembered.
pub(super) struct Answer<'b> {
    pub(super) value: Option<&'b [u8]>,
    pub(super) read: Read<'b>,
}

impl<'b> View<'b> {
    /// What is there below the own writes. An estimate, or a merge that cannot be applied, dooms the run.
    #[inline]
    pub(super) fn look(&mut self, key: KeyRef<'b>) -> Result<Look<'b>, Abort> {
        let look = self.folder.look(self.block.ops(), key, self.index);
        match look {
            Look::Estimate(on) | Look::Failed(on) => Err(self.doom(Abort::Blocked { on })),
            look => Ok(look),
        }
    }

    /// The same as an answer, which is not remembered yet.
    #[inline]
    pub(super) fn answer(&mut self, key: KeyRef<'b>) -> Result<Answer<'b>, Abort> {
        match self.look(key)? {
            Look::Plain(seen, value) => Ok(Answer { value, read: seen.read(ReadKind::Get) }),
            _ if self.mode == Mode::Final => {
                let value = Some(self.writer.bytes(self.folder.value()));
                Ok(Answer { value, read: key.unwritten().read(ReadKind::Get) })
            }
            _ => {
                let read = self.writer.note(key, ReadKind::Fold, self.folder.value());
                Ok(Answer { value: Some(read.note()), read })
            }
        }
    }

    /// The value below the own writes, remembered as read.
    #[inline]
    pub(super) fn read_below(&mut self, key: KeyRef<'b>) -> Result<Option<&'b [u8]>, Abort> {
        // Nearly every read is of a version that stands by itself. Its answer stays in registers: handed on as a `Look` inside
        // results it is put together in memory, and waited for there, for a fifth of the time of a run.
        let seen = key.visible(self.index);
        let Some(value) = standing(key, seen) else { return self.read_other(key) };
        if self.mode == Mode::Speculative {
            self.remember(seen.read(ReadKind::Get), value)?;
        }
        Ok(value)
    }

    /// The same where it does not stand by itself: it is merged, or an estimate, or was when it was looked at.
    #[cold]
    fn read_other(&mut self, key: KeyRef<'b>) -> Result<Option<&'b [u8]>, Abort> {
        let Answer { value, read } = self.answer(key)?;
        if self.mode == Mode::Speculative {
            self.remember(read, value)?;
        }
        Ok(value)
    }

    /// Whether there is a value below the own writes, remembered as asked.
    #[inline]
    pub(super) fn has_below(&mut self, key: KeyRef<'b>) -> Result<bool, Abort> {
        let (seen, has) = match self.look(key)? {
            Look::Plain(seen, value) => (seen, value.is_some()),
            Look::Folded(seen) => (seen, true),
            Look::Estimate(on) | Look::Failed(on) => {
                return Err(self.doom(Abort::Blocked { on }));
            }
        };
        if self.mode == Mode::Speculative {
            let read = seen.read(ReadKind::Has);
            match self.reads.find(key) {
                None => self.reads.push(read),
                Some(at) if has_value(self.reads.items()[at]) == has => {}
                Some(_) => return Err(self.contradict(read)),
            }
        }
        Ok(has)
    }

    /// Notes what was read, once for each key; a second answer must be that of the first.
    #[inline]
    fn remember(&mut self, read: Read<'b>, value: Option<&'b [u8]>) -> Result<(), Abort> {
        let Some(at) = self.reads.find(read.key()) else {
            self.reads.push(read);
            return Ok(());
        };
        let before = self.reads.items()[at];
        let is_same = match before.kind() {
            ReadKind::Has => has_value(before) == value.is_some(),
            _ => before.seen() == read.seen() || value_of(before) == value,
        };
        if !is_same {
            return Err(self.contradict(read));
        }
        if before.kind() == ReadKind::Has {
            // Knowing the value is knowing that there is one.
            self.reads.replace(at, read);
        }
        Ok(())
    }

    /// Both answers are remembered: one of them at least is not the final one, so the run does not survive a validation.
    #[cold]
    fn contradict(&mut self, read: Read<'b>) -> Abort {
        self.reads.push(read);
        self.doom(Abort::Inconsistent)
    }

    /// Whether the run may go on, as far as others have a say in it.
    #[inline]
    pub(super) fn check_signals(&mut self) -> Result<(), Abort> {
        self.check_ended()?;
        let signals = self.block.signals();
        if signals.is_stopped(self.index) {
            return Err(self.doom(Abort::Cancelled));
        }
        if !self.is_rechecked && self.mode == Mode::Speculative && signals.is_frontier(self.index) {
            return self.recheck();
        }
        Ok(())
    }

    /// All before this transaction has become final while it runs: what it has read by now is compared, once, so that a stale
    /// run does not go on.
    #[cold]
    fn recheck(&mut self) -> Result<(), Abort> {
        self.is_rechecked = true;
        let mut checker = Checker::new(self.block, self.index, &mut self.folder);
        let is_stale = self.reads.items().iter().any(|&read| checker.point(read).is_some());
        if is_stale { Err(self.doom(Abort::Stale)) } else { Ok(()) }
    }
}

/// The value that a read of it saw.
#[inline]
pub(super) fn value_of<'b>(read: Read<'b>) -> Option<&'b [u8]> {
    match read.kind() {
        ReadKind::Fold | ReadKind::Bound => Some(read.note()),
        ReadKind::Get | ReadKind::Has => standing(read.key(), read.seen()).flatten(),
    }
}

/// Whether what a read saw was a value: what merges make always is.
#[inline]
pub(super) fn has_value(read: Read<'_>) -> bool {
    match read.kind() {
        ReadKind::Fold | ReadKind::Bound => true,
        ReadKind::Get | ReadKind::Has => {
            standing(read.key(), read.seen()).is_none_or(|value| value.is_some())
        }
    }
}
