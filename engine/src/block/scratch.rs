//! What a worker keeps from run to run: its place in the arena, and the memory of its views.

use super::Block;
use super::fold::Folder;
use super::validate::{Checker, Found};
use super::view::{Mode, View};
use crate::Abort;
use crate::MergeError;
use epoch_store::block::{RangeRead, Read};
use std::ops::ControlFlow;

/// How the logic of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its writes count.
    Done,
    /// They do not: an error, or a panic.
    Failed,
}

/// A worker's view, for one run after the other.
#[derive(Debug)]
pub struct Scratch<'b> {
    view: View<'b>,
    folder: Folder<'b>,
    buffer: Vec<u8>,
}

impl Block {
    /// What a worker needs: one for each.
    pub(crate) fn scratch(&self) -> Scratch<'_> {
        Scratch { view: View::new(self), folder: Folder::default(), buffer: Vec::new() }
    }

    /// Begins a run. A final one only when all lower transactions are final; none of a transaction that is final.
    #[inline]
    pub(crate) fn view_with<'s, 'b>(
        &'b self,
        scratch: &'s mut Scratch<'b>,
        index: u32,
        run: u8,
        mode: Mode,
    ) -> &'s mut View<'b> {
        debug_assert!(std::ptr::eq(scratch.view.block, self), "a scratch of another block");
        scratch.view.begin(index, run, mode);
        &mut scratch.view
    }

    /// What was first found different of what the published run of a transaction has read: what is stale before what is only
    /// pending. `None`: nothing.
    pub(crate) fn first_conflict<'b>(
        &'b self,
        scratch: &mut Scratch<'b>,
        index: u32,
    ) -> Option<Found<'b>> {
        let account = self.map.account(index)?;
        let mut first = None;
        let mut checker = Checker::new(self, index, &mut scratch.folder);
        let _ = checker.account(account, &mut scratch.view.writer, &mut |found: Found<'b>| {
            if !found.is_pending {
                first = Some(found);
                return ControlFlow::Break(());
            }
            first.get_or_insert(found);
            ControlFlow::Continue(())
        });
        first
    }

    /// Makes values of what the run of a transaction has merged, now that all before it is final. If one of its merges cannot be
    /// made, it must be run again, on a final view.
    pub(crate) fn finish<'b>(
        &'b self,
        scratch: &mut Scratch<'b>,
        index: u32,
    ) -> Result<(), MergeError> {
        let Scratch { view, folder, buffer } = scratch;
        self.materialise(index, &mut view.writer, folder, buffer)
    }
}

impl<'b> Scratch<'b> {
    /// Whether its view is still the one of this transaction: whoever has it can put another in its place.
    pub(crate) fn is_of(&self, block: &Block, index: u32) -> bool {
        std::ptr::eq(self.view.block, block) && self.view.index() == index
    }

    /// The view of the run.
    pub(crate) fn view(&mut self) -> &mut View<'b> {
        &mut self.view
    }

    /// Publishes the run, or settles it if its view was a final one. See [`View::publish`].
    pub(crate) fn publish(&mut self, ending: Ending) -> Result<(), Abort> {
        self.view.publish(ending)
    }
}

/// Where what a run has read is put together.
#[derive(Debug, Default)]
pub struct Account<'b> {
    reads: Vec<Read<'b>>,
    ranges: Vec<RangeRead<'b>>,
}

impl<'b> View<'b> {
    /// Publishes what the run has read, and what it has written if that counts.
    ///
    /// # Errors
    /// The run has come to nothing: it is doomed by something other than its budget. Then nothing is published. What a final run
    /// came to counts whatever has doomed it: none of its writes are kept then.
    pub(super) fn publish(&mut self, ending: Ending) -> Result<(), Abort> {
        let is_failed = ending == Ending::Failed || self.ended.is_some();
        match (self.mode, self.ended.as_ref()) {
            (Mode::Speculative, Some(abort)) if !abort.is_outcome() => return Err(abort.clone()),
            (Mode::Final, Some(Abort::NotOpen { index })) => {
                return Err(Abort::NotOpen { index: *index });
            }
            _ => {}
        }
        if self.mode == Mode::Final {
            if is_failed {
                self.own.clear();
            }
            self.writer.settle(self.index, self.own.items());
            return Ok(());
        }
        if is_failed {
            self.roll_back();
            // It may have met something that dooms it in a way that is no outcome.
            if let Some(abort) = self.ended.as_ref().filter(|abort| !abort.is_outcome()) {
                return Err(abort.clone());
            }
        }
        self.publish_speculative();
        Ok(())
    }

    fn publish_speculative(&mut self) {
        if self.bounded.is_empty() && self.walks.is_empty() {
            let (reads, own) = (self.reads.items(), self.own.items());
            return self.writer.publish(self.index, reads, &[], own);
        }
        let Account { reads, ranges } = &mut self.account;
        reads.clear();
        ranges.clear();
        // Those of ranges come last: validation tells them apart by that.
        reads.extend_from_slice(self.reads.items());
        reads.extend_from_slice(&self.bounded);
        self.walks.account(reads, ranges);
        self.writer.publish(self.index, reads, ranges, self.own.items());
    }
}
