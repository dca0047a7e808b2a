//! Whether what a run has read is what it would read now.
//!
//! A read is compared by identity first, then by what it says: bytes, or only whether there are any. A range is read again,
//! as far as it was read, along the index of written keys: what it remembers must be there as it was, and what it does not remember
//! must be as the base has it.

use super::Block;
use super::bounded::{decode, is_answer};
use super::fold::{Folder, Look};
use super::reading::{has_value, value_of};
use super::walk::is_inside;
use crate::BlockConflict;
use crate::ConflictKind;
use epoch_store::block::{Account, Direction, KeyRef, RangeRead, Read, ReadKind, Writer};
use std::ops::ControlFlow;

/// Something that a run would find different now.
#[derive(Debug, Clone, Copy)]
pub struct Found<'b> {
    pub key: KeyRef<'b>,
    /// Who wrote what is there now.
    pub writer: Option<u32>,
    pub kind: ConflictKind,
    /// It is not known yet: the writer is about to be run again.
    pub is_pending: bool,
}

impl Found<'_> {
    pub fn into_conflict(self) -> BlockConflict {
        BlockConflict { key: self.key.key().to_vec(), writer: self.writer, kind: self.kind }
    }
}

/// Compares what was read with what is there.
pub struct Checker<'b, 'f> {
    block: &'b Block,
    index: u32,
    folder: &'f mut Folder<'b>,
    buffers: [Vec<u8>; 2],
}

/// What is done with something that was found; it may end the search.
type Tell<'t, 'b> = &'t mut dyn FnMut(Found<'b>) -> ControlFlow<()>;

impl<'b, 'f> Checker<'b, 'f> {
    /// For the reads of transaction `index`.
    pub fn new(block: &'b Block, index: u32, folder: &'f mut Folder<'b>) -> Self {
        Self { block, index, folder, buffers: Default::default() }
    }

    /// Everything that a run has read.
    pub fn account(
        &mut self,
        account: &Account<'b>,
        writer: &mut Writer<'b>,
        tell: Tell<'_, 'b>,
    ) -> ControlFlow<()> {
        let in_ranges = account.ranges().first().map_or(account.reads().len(), |range| {
            // Those of ranges come behind those that were read by themselves.
            range.reads.0 as usize
        });
        for &read in &account.reads()[..in_ranges] {
            if let Some(found) = self.point(read) {
                tell(found)?;
            }
        }
        account.ranges().iter().try_for_each(|range| {
            let reads = &account.reads()[range.reads.0 as usize..range.reads.1 as usize];
            self.range(range, reads, writer, tell)
        })
    }

    /// A key that was read by itself.
    #[inline]
    pub fn point(&mut self, read: Read<'b>) -> Option<Found<'b>> {
        let key = read.key();
        match read.kind() {
            ReadKind::Get | ReadKind::Has if key.visible(self.index) == read.seen() => None,
            ReadKind::Has => self.presence(read),
            ReadKind::Get | ReadKind::Fold => {
                self.value(key, value_of(read), ConflictKind::ReadWrite)
            }
            ReadKind::Bound => self.answer(read),
        }
    }

    fn presence(&mut self, read: Read<'b>) -> Option<Found<'b>> {
        let key = read.key();
        let (writer, has) = match self.look(key) {
            Look::Plain(seen, value) => (seen.writer(), value.is_some()),
            Look::Folded(seen) => (seen.writer(), true),
            look => return not_known(key, look, ConflictKind::ReadWrite),
        };
        let kind = ConflictKind::ReadWrite;
        (has != has_value(read)).then_some(Found { key, writer, kind, is_pending: false })
    }

    fn value(
        &mut self,
        key: KeyRef<'b>,
        before: Option<&[u8]>,
        kind: ConflictKind,
    ) -> Option<Found<'b>> {
        let (writer, now) = match self.look(key) {
            Look::Plain(seen, value) => (seen.writer(), value),
            Look::Folded(seen) => (seen.writer(), Some(self.folder.value())),
            look => return not_known(key, look, kind),
        };
        (now != before).then_some(Found { key, writer, kind, is_pending: false })
    }

    /// A bounded merge: whether the answer is still the same.
    fn answer(&mut self, read: Read<'b>) -> Option<Found<'b>> {
        let (key, kind) = (read.key(), ConflictKind::ReadWrite);
        let (question, given) = decode(read.note())?;
        let (writer, now) = match self.look(key) {
            Look::Plain(seen, value) => (seen.writer(), value),
            Look::Folded(seen) => (seen.writer(), Some(self.folder.value())),
            look => return not_known(key, look, kind),
        };
        let trial = question.ask(self.block.ops(), now, &mut self.buffers);
        (!is_answer(&trial, given)).then_some(Found { key, writer, kind, is_pending: false })
    }

    #[inline]
    fn look(&mut self, key: KeyRef<'b>) -> Look<'b> {
        self.folder.look(self.block.ops(), key, self.index)
    }

    /// A range, as far as it was read: the written keys inside it, beside what was remembered, in the order in which it was
    /// read.
    fn range(
        &mut self,
        range: &RangeRead<'b>,
        reads: &[Read<'b>],
        writer: &mut Writer<'b>,
        tell: Tell<'_, 'b>,
    ) -> ControlFlow<()> {
        let order = self.block.map().ordered(writer);
        let written = match range.direction {
            Direction::Forward => order.forward(range.lo),
            Direction::Backward => order.backward(range.hi),
        };
        let mut reads = reads.iter().copied().peekable();
        for key in written.take_while(|key| is_inside(key.key(), (range.lo, range.hi))) {
            while let Some(read) = reads.next_if(|read| is_behind(key, read.key(), range.direction))
            {
                if let Some(found) = self.remembered(read) {
                    tell(found)?;
                }
            }
            let found = match reads.next_if(|read| read.key() == key) {
                Some(read) => self.remembered(read),
                None => self.value(key, key.base(), ConflictKind::Phantom),
            };
            if let Some(found) = found {
                tell(found)?;
            }
        }
        for read in reads {
            if let Some(found) = self.remembered(read) {
                tell(found)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// A key that was met in a range.
    fn remembered(&mut self, read: Read<'b>) -> Option<Found<'b>> {
        let key = read.key();
        match read.kind() {
            // An own write hid what is below, whatever it is.
            ReadKind::Bound => None,
            ReadKind::Get if key.visible(self.index) == read.seen() => None,
            _ => self.value(key, value_of(read), ConflictKind::Phantom),
        }
    }
}

/// Whether a walk that has come to `key` has passed `other`.
fn is_behind(key: KeyRef<'_>, other: KeyRef<'_>, direction: Direction) -> bool {
    match direction {
        Direction::Forward => other.key() < key.key(),
        Direction::Backward => other.key() > key.key(),
    }
}

/// What is there is not known: an estimate is waited for; a merge that fails has its transaction run again, and what was read
/// cannot have been that.
fn not_known<'b>(key: KeyRef<'b>, look: Look<'b>, kind: ConflictKind) -> Option<Found<'b>> {
    match look {
        Look::Estimate(writer) => Some(Found { key, writer: Some(writer), kind, is_pending: true }),
        Look::Failed(writer) => Some(Found { key, writer: Some(writer), kind, is_pending: false }),
        Look::Plain(..) | Look::Folded(_) => None,
    }
}
