//! Commits that depend on what was read: validated before they are ordered, judged in their turn (I-46).

use super::resolve::Resolver;
use super::write::Writes;
use super::{Store, StoreRef};
use crate::batch::{WriteBatch, WriteOp};
use crate::chain::{Record, RecordRef, VersionBox};
use crate::commit::{Check, Commit, Hit, Reads, Resolve, Span};
use crate::error::Error;
use crate::reclaim::{Pinned, Shared};
use crate::session::Claim;
use crate::sync::pause;
use smallvec::SmallVec;
use std::ops::ControlFlow;
use std::ptr::NonNull;

/// Commits behind what was validated that are left to the judgement, which all who wait for it repeat.
const MOST_BEHIND: u64 = 64;
/// Times that a commit is validated again because more came meanwhile.
const VALIDATIONS: usize = 4;
/// Keys named to who is refused.
const MOST_NAMED: usize = 64;
/// Keys whose cache misses are overlapped.
const WINDOW: usize = 16;

/// Whatever is installed, visible or not.
const NEWEST: u64 = u64::MAX;

/// A key that was written after it was read.
#[derive(Debug)]
pub struct Overtaken {
    /// Its space.
    pub space: u32,
    /// The key.
    pub key: Box<[u8]>,
    /// Whether the key was read by itself, or in a range.
    pub read: Read,
}

/// How something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// By its key.
    Key,
    /// Among all keys of a range.
    Range,
}

/// Why nothing was committed.
#[derive(Debug)]
pub enum Refused {
    /// By what the batch holds.
    Request(Error),
    /// By what others have written. Not all of it is named, and what is gone again cannot be.
    Overtaken(Vec<Overtaken>),
}

/// Where validated reads begin to be overtaken: a descriptor that leads there, and the stamp up to which they are valid.
type Window = (NonNull<Commit>, u64);

impl StoreRef {
    /// Commits `batch` if no commit before it has written to what was read, and returns its stamp. If nothing is in the
    /// batch, the newest stamp, if the reads stand there. Lock-free up to the allocator.
    ///
    /// The stamp of the reads must be registered.
    ///
    /// # Errors
    /// Nothing was applied then.
    pub fn commit_if(&self, batch: &WriteBatch, reads: Reads) -> Result<u64, Refused> {
        self.check(batch.len(), batch.ops()).map_err(Refused::Request)?;
        if batch.is_empty() {
            return self.stand(&reads);
        }
        if !batch.has_ranges() {
            return self.apply_if(batch.ops(), Box::default(), reads);
        }
        let (ops, spans) = batch.resolve_ranges();
        if ops.is_empty() && spans.is_empty() {
            return self.stand(&reads);
        }
        let stamp = self.apply_if(ops.iter().copied(), spans.clone(), reads)?;
        spans.iter().for_each(|span| self.sweep_span(span));
        Ok(stamp)
    }

    /// The newest stamp, if the reads stand there.
    ///
    /// It is registered while they are looked at: a key that it sees put, and that is deleted a moment later, would
    /// else pass for one that was absent all the time. No judgement comes afterwards that would see the delete.
    fn stand(&self, reads: &Reads) -> Result<u64, Refused> {
        let now = self.open_slot();
        pause("reads-registered");
        let claim = self.claim();
        let overtaken = self.overtaken(reads, now.stamp(), &claim, &claim.pin());
        if overtaken.is_empty() { Ok(now.stamp()) } else { Err(Refused::Overtaken(overtaken)) }
    }
}

impl Store {
    fn apply_if<'o>(
        &self,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
        spans: Box<[Span]>,
        reads: Reads,
    ) -> Result<u64, Refused> {
        let claim = self.claim_for(ops.clone()).map_err(Refused::Request)?;
        // Rule 1, and I-46: from before the first look until the commit is visible.
        let pin = claim.pin();
        let mut window = self.validate(&reads, &claim, &pin)?;
        let writes = self.prepare(ops, &claim, &pin);
        for _ in 1..VALIDATIONS {
            if self.queue.ordered(&pin) <= window.1 + MOST_BEHIND {
                break;
            }
            match self.validate(&reads, &claim, &pin) {
                Ok(later) => window = later,
                Err(refused) => {
                    self.abandon(&writes, &claim, &pin);
                    return Err(refused);
                }
            }
        }
        let check = Box::new(Check::new(reads, window.1, window.0));
        let commit = Commit::alloc_checked(writes, spans, check);
        let stamp = self.order(commit, &claim, &pin);
        // SAFETY: retired after this pin began.
        let commit = unsafe { Shared::new(commit) }.get();
        let check = commit.check().expect("made with one");
        match check.refused_for() {
            None => Ok(stamp),
            Some(hit) => {
                Err(Refused::Overtaken(self.name_overtaken(check.reads(), hit, &claim, &pin)))
            }
        }
    }

    /// Nothing that is visible now was written to what was read.
    fn validate<P: Pinned>(
        &self,
        reads: &Reads,
        claim: &Claim<'_>,
        pin: &P,
    ) -> Result<Window, Refused> {
        // First: a commit that becomes visible during the walks may be missed, and is behind this then.
        let window = self.queue.begin_check(pin);
        let overtaken = self.overtaken(reads, NEWEST, claim, pin);
        if overtaken.is_empty() {
            return Ok(window);
        }
        // What was found may be installed and not visible yet. Who is refused comes back with a new snapshot: if that did
        // not show it, the same would refuse it again, and again until the owner of that commit goes on.
        self.queue.finish_ordered(&Resolver { store: self, claim }, pin, claim.tally());
        Err(Refused::Overtaken(overtaken))
    }

    /// What was overtaken in the eyes of who is refused: first of all the read of the verdict, if it was that of a key.
    fn name_overtaken<P: Pinned>(
        &self,
        reads: &Reads,
        hit: Hit,
        claim: &Claim<'_>,
        pin: &P,
    ) -> Vec<Overtaken> {
        let mut overtaken = self.overtaken(reads, NEWEST, claim, pin);
        let Hit::Key(at) = hit else { return overtaken };
        let (space, key) = reads.key(at);
        let is_hit = |it: &Overtaken| it.read == Read::Key && it.space == space && *it.key == *key;
        if !overtaken.iter().any(is_hit) {
            overtaken.insert(0, Overtaken { space, key: key.into(), read: Read::Key });
            overtaken.truncate(MOST_NAMED);
        }
        overtaken
    }

    /// Keys that were written between what was read of them and `upto`: the first [`MOST_NAMED`].
    ///
    /// `upto` is registered, or [`NEWEST`].
    fn overtaken<P: Pinned>(
        &self,
        reads: &Reads,
        upto: u64,
        claim: &Claim<'_>,
        pin: &P,
    ) -> Vec<Overtaken> {
        let mut overtaken = Vec::new();
        self.overtaken_keys(reads, upto, pin, &mut overtaken);
        for span in reads.ranges() {
            let resolver = Resolver { store: self, claim };
            let visit = |records: &[NonNull<Record>]| {
                for &record in records {
                    pin.protects(record);
                    // SAFETY: found in the list under this pin.
                    let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
                    if is_overtaken(record, reads.since(), upto, pin) {
                        let (space, key) = (span.space, record.key().into());
                        overtaken.push(Overtaken { space, key, read: Read::Range });
                    }
                }
                if overtaken.len() < MOST_NAMED {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let within = span.within();
            if resolver.for_each_leaf(span.space, within, pin, claim.tally(), visit).is_break() {
                break;
            }
        }
        overtaken.truncate(MOST_NAMED);
        overtaken
    }

    fn overtaken_keys<P: Pinned>(
        &self,
        reads: &Reads,
        upto: u64,
        pin: &P,
        overtaken: &mut Vec<Overtaken>,
    ) {
        let mut keys = reads.keys();
        while keys.len() > 0 && overtaken.len() < MOST_NAMED {
            let window: SmallVec<[_; WINDOW]> = keys
                .by_ref()
                .take(WINDOW)
                .map(|(space, key)| (space, key, self.space(space).front.hash(key)))
                .collect();
            for &(space, _, hash) in &window {
                self.space(space).front.prefetch(hash, pin);
            }
            for (space, key, hash) in window {
                let record = self.space(space).front.find(key, hash, pin);
                if record.is_some_and(|record| is_overtaken(record, reads.since(), upto, pin)) {
                    overtaken.push(Overtaken { space, key: key.into(), read: Read::Key });
                }
            }
        }
    }

    /// Gives back what was built for a commit that is not ordered.
    fn abandon<P: Pinned>(&self, writes: &Writes, claim: &Claim<'_>, pin: &P) {
        for write in writes {
            // SAFETY: built by this thread, linked and seen by nobody.
            drop(unsafe { VersionBox::from_raw(write.node()) });
        }
        self.leave_records(writes, claim, pin);
    }

    /// Removes the records of a commit that is not installed, but for those that others have used (rule 17).
    pub(super) fn leave_records<P: Pinned>(
        &self,
        writes: &[crate::commit::Write],
        claim: &Claim<'_>,
        pin: &P,
    ) {
        let resolver = Resolver { store: self, claim };
        for write in writes {
            // SAFETY: found or made under this pin.
            let record: RecordRef<'_> = unsafe { RecordRef::new(write.found()) };
            // A commit that has found it and is not installed yet finds another (I-32).
            if record.seal_empty() {
                resolver.discard(write.space(), record, pin, claim.tally());
            }
        }
    }
}

/// Whether a key was written after `since` and by `upto`. That an absent key was deleted says nothing new.
fn is_overtaken<P: Pinned>(record: RecordRef<'_>, since: u64, upto: u64, pin: &P) -> bool {
    // SAFETY: alive under the caller's pin; the view is dropped here.
    let record: RecordRef<'_> = unsafe { RecordRef::new(record.as_ptr()) };
    let newest = record.visible_at(upto, pin);
    let Some(newest) = newest.filter(|newest| newest.stamp() > since) else {
        return false;
    };
    let had_value = || record.visible_at(since, pin).is_some_and(|read| !read.is_tombstone());
    !newest.is_tombstone() || had_value()
}
