//! Committing: prepare, order and publish, then clean up behind.

use super::Store;
use super::resolve::Resolver;
use crate::batch::{WriteBatch, WriteOp};
use crate::chain::{Record, RecordRef, VersionBox};
use crate::commit::{Commit, Span, Write};
use crate::error::Error;
use crate::gc::{Field, Written};
use crate::list::{Found, LeafRef};
use crate::reclaim::{Pinned, Shared};
use crate::session::Claim;
use crate::space::Space;
use crate::sync::{mutant, pause, prefetch};
use crate::tally::{Event, Tally};
use smallvec::SmallVec;
use std::ptr::NonNull;

/// Keys whose cache misses are overlapped.
const WINDOW: usize = 16;

/// What a commit writes: most have one write.
pub(super) type Writes = SmallVec<[Write; 1]>;

impl Store {
    /// Commits the operations as one version, and returns its stamp. Lock-free up to the allocator.
    ///
    /// # Errors
    /// The first operation that is refused; nothing is applied then.
    #[inline]
    pub fn commit<'o>(
        &self,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
    ) -> Result<u64, Error> {
        self.check(ops.len(), ops.clone())?;
        if ops.len() == 0 { Ok(self.published()) } else { self.apply(ops, Box::default()) }
    }

    /// As [`Store::commit`], for all of a batch: its ranges too.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    pub fn commit_batch(&self, batch: &WriteBatch) -> Result<u64, Error> {
        if !batch.has_ranges() {
            return self.commit(batch.ops());
        }
        self.check(batch.len(), batch.ops())?;
        let (ops, spans) = batch.resolve_ranges();
        let stamp = self.apply(ops.iter().copied(), spans.clone())?;
        spans.iter().for_each(|span| self.sweep_span(span));
        Ok(stamp)
    }

    /// As [`Store::commit_batch`], whether there is room for it or not.
    ///
    /// # Errors
    /// As there, but [`Error::MemoryLimit`].
    pub fn commit_beyond_limit(&self, batch: &WriteBatch) -> Result<u64, Error> {
        self.check(batch.len(), batch.ops())?;
        if batch.is_empty() {
            return Ok(self.published());
        }
        let (ops, spans) = batch.resolve_ranges();
        let stamp = self.apply_by(&self.claim(), ops.iter().copied(), spans.clone());
        spans.iter().for_each(|span| self.sweep_span(span));
        Ok(stamp)
    }

    /// Commits what was checked, if there is room for it.
    fn apply<'o>(
        &self,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
        spans: Box<[Span]>,
    ) -> Result<u64, Error> {
        if let Some(first) = ops.clone().next() {
            let front = &self.space(first.space).front;
            front.prefetch_unpinned(front.hash(first.key));
        }
        let claim = self.claim_for(ops.clone())?;
        Ok(self.apply_by(&claim, ops, spans))
    }

    fn apply_by<'o>(
        &self,
        claim: &Claim<'_>,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
        spans: Box<[Span]>,
    ) -> u64 {
        // Rule 1: pinned from the first look-up until the commit is visible (I-23).
        let pin = claim.pin();
        let writes = self.prepare(ops, claim, &pin);
        self.order(Commit::alloc_with_spans(writes, spans), claim, &pin)
    }

    /// Commits operations whose keys are ascending and different, and of which some come with the record of their key.
    /// `release` is called when the commit is visible, before what it has superseded is looked at; or not at all.
    ///
    /// Lock-free up to the allocator. One that has its record is not looked up again.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    ///
    /// # Safety
    /// Each record is one of this store, in the space of its operation, and not sealed before `release` is called or dropped. (One
    /// of another key would be written to all the same.)
    pub unsafe fn commit_located<'o>(
        &self,
        ops: impl ExactSizeIterator<Item = (Option<NonNull<Record>>, WriteOp<'o>)> + Clone,
        release: impl FnOnce(),
    ) -> Result<u64, Error> {
        let plain = ops.clone().map(|(_, op)| op);
        self.check(plain.len(), plain.clone())?;
        if plain.len() == 0 {
            return Ok(self.published());
        }
        let claim = self.claim_for(plain)?;
        // Rule 1. From here on the records live through this pin: they were not sealed when it began.
        let pin = claim.pin();
        let writes = self.prepare_located(ops, &claim, &pin);
        let commit = Commit::alloc_with_spans(writes, Box::default());
        Ok(self.order_and(commit, &claim, &pin, release))
    }

    /// Prepare, for [`Store::commit_located`]: those that have their record first, then the others.
    fn prepare_located<'o, P: Pinned>(
        &self,
        ops: impl ExactSizeIterator<Item = (Option<NonNull<Record>>, WriteOp<'o>)>,
        claim: &Claim<'_>,
        pin: &P,
    ) -> Writes {
        let mut writes = Writes::with_capacity(ops.len());
        let mut others: Vec<WriteOp<'o>> = Vec::new();
        for (record, op) in ops {
            let Some(record) = record else {
                others.push(op);
                continue;
            };
            pin.protects(record);
            // SAFETY: not sealed when the pin began, by the contract of the caller.
            let known: RecordRef<'_> = unsafe { RecordRef::new(record) };
            debug_assert!(known.key() == op.key, "the record of another key");
            writes.push(Write::new(record, VersionBox::new(op.value).into_raw(), op.space));
        }
        if !others.is_empty() {
            writes.extend(self.prepare(others.iter().copied(), claim, pin));
        }
        writes
    }

    /// Orders a commit that was prepared under `pin`, and cleans up behind it. Returns its stamp when it is visible, or
    /// was refused.
    pub(super) fn order<P: Pinned>(
        &self,
        commit: NonNull<Commit>,
        claim: &Claim<'_>,
        pin: &P,
    ) -> u64 {
        self.order_and(commit, claim, pin, || ())
    }

    /// The same; `then` is called before it cleans up.
    fn order_and<P: Pinned>(
        &self,
        commit: NonNull<Commit>,
        claim: &Claim<'_>,
        pin: &P,
        then: impl FnOnce(),
    ) -> u64 {
        pause("commit-prepared");
        let resolver = Resolver { store: self, claim };
        let stamp = self.queue.commit(commit, &resolver, pin, claim.tally());
        pause("commit-published");
        then();
        // SAFETY: retired after this pin began.
        let commit = unsafe { Shared::new(commit) }.get();
        let writes = commit.writes();
        if commit.is_refused() {
            claim.tally().one(Event::Refusals);
            self.leave_records(writes, claim, pin);
            return stamp;
        }
        let written = writes.iter().map(|write| Written {
            // SAFETY: found or resolved under this pin, or by somebody who was pinned until the publish (I-32).
            record: unsafe { RecordRef::new(write.record()) },
            space: write.space(),
        });
        if mutant!("hash-after-publish") {
            for Written { record, space } in written.clone() {
                let front = &self.space(space).front;
                front.insert(record, front.hash(record.key()), pin, claim.tally());
            }
        }
        claim.sweeper().after_commit(written, self.field(pin, claim));
        stamp
    }

    /// Cleans up behind a range that was deleted: a leaf at a time, each under a pin of its own.
    pub(super) fn sweep_span(&self, span: &Span) {
        let claim = self.claim();
        let list = &self.space(span.space).list;
        let (mut span, mut records) = (span.clone(), Vec::new());
        loop {
            let pin = claim.pin();
            pause("erase-swept");
            let (leaf, body) = list.locate(&span.from, &pin, claim.tally());
            records.clear();
            body.collect(leaf.low(), span.within(), &mut records);
            // SAFETY: records of a live body, under the pin.
            let view = |&record: &NonNull<Record>| unsafe { RecordRef::new(record) };
            let written = records.iter().map(|at| Written { record: view(at), space: span.space });
            claim.sweeper().after_commit(written, self.field(&pin, &claim));
            let Some(high) = body.high().filter(|high| span.within().reaches(high)) else { return };
            span.from = high.into();
        }
    }

    pub(super) fn check<'o>(
        &self,
        len: usize,
        ops: impl Iterator<Item = WriteOp<'o>>,
    ) -> Result<(), Error> {
        let max = self.options.max_batch_len;
        if len > max {
            return Err(Error::BatchTooLarge { len, max });
        }
        ops.into_iter().try_for_each(|op| op.check())
    }

    /// Everything that a sweeper needs.
    pub(super) fn field<'a, P>(&'a self, pin: &'a P, claim: &'a Claim<'_>) -> Field<'a, P> {
        Field {
            slots: &self.slots,
            root: self.queue.root(),
            backlog: &self.backlog,
            spaces: &self.spaces,
            pin,
            tally: claim.tally(),
        }
    }

    /// Prepare: a record and a version for every key, the last write of each key only (I-25).
    pub(super) fn prepare<'o, P: Pinned>(
        &self,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
        claim: &Claim<'_>,
        pin: &P,
    ) -> Writes {
        let mut writes = Writes::with_capacity(ops.len());
        let mut ops = ops;
        let (mut last, mut ascending) = (None, true);
        let mut place: Option<Place<'_>> = None;
        let mut all_hashes: Window = Window::new();
        while ops.len() > 0 {
            let window = ops.clone().take(WINDOW);
            let hashes: Window =
                window.clone().map(|op| self.space(op.space).front.hash(op.key)).collect();
            for op in window.clone() {
                // Space first: a batch that comes back to a space may come back to a key of it.
                let this = (op.space, op.key);
                ascending &= last.is_none_or(|last| last < this);
                last = Some(this);
            }
            all_hashes.extend_from_slice(&hashes);
            if hashes.len() > 1 {
                self.prefetch_window(window.clone(), &hashes, ascending, pin);
            }
            for (op, &hash) in window.zip(&hashes) {
                let place = match &mut place {
                    Some(place) if place.id == op.space => place,
                    place => place.insert(self.enter(op.space, claim, pin)),
                };
                let Found { record, made } = find_or_insert(place, op, hash, pin, claim.tally());
                let node = made.unwrap_or_else(|| VersionBox::new(op.value)).into_raw();
                writes.push(Write::new(record.as_ptr(), node, op.space));
            }
            ops.nth(hashes.len() - 1);
        }
        if !ascending {
            keep_last_writes(&mut writes, &all_hashes);
        }
        writes
    }

    /// A batch comes to a space, and helps its front if that grows.
    fn enter<'p, P: Pinned>(&'p self, id: u32, claim: &Claim<'_>, pin: &'p P) -> Place<'p> {
        let space = self.space(id);
        space.front.help(pin, claim.tally());
        Place { id, space, near: None }
    }

    /// Overlaps the cache misses of a window: slots; then records of keys that seem to be there, and leaves for those
    /// that do not; then newest versions, and bodies.
    fn prefetch_window<'o, P: Pinned>(
        &self,
        window: impl Iterator<Item = WriteOp<'o>> + Clone,
        hashes: &[u64],
        ascending: bool,
        pin: &P,
    ) {
        for (op, &hash) in window.clone().zip(hashes) {
            self.space(op.space).front.prefetch(hash, pin);
        }
        let (mut records, mut leaves): (Window<_>, Window<_>) = Default::default();
        for (op, &hash) in window.zip(hashes) {
            let Space { list, front } = self.space(op.space);
            match front.candidate(hash, pin) {
                Some(record) => {
                    prefetch::read(record.as_ptr().as_ptr());
                    records.push(record);
                }
                // Sorted keys find their leaf beside their predecessor's.
                None if ascending => {}
                None => leaves.push((list, list.prefetch_leaf(op.key, pin))),
            }
        }
        for record in records {
            prefetch::read(record.head_hint());
        }
        for (list, leaf) in leaves {
            list.prefetch_body(leaf, pin);
        }
    }
}

/// Where a batch has come to: a space, and the leaf of it where it was last.
pub(super) struct Place<'a> {
    pub(super) id: u32,
    pub(super) space: &'a Space,
    pub(super) near: Option<LeafRef<'a>>,
}

/// The record of a key: leaf first, hash second (I-20). One made here comes with its first version.
///
/// It is not sealed when it is looked at; if it is later, the commit finds another (rule 13).
pub(super) fn find_or_insert<'p, P: Pinned>(
    place: &mut Place<'p>,
    op: WriteOp<'_>,
    hash: u64,
    pin: &'p P,
    tally: &Tally,
) -> Found<'p> {
    let Space { list, front } = place.space;
    if let Some(record) = front.find(op.key, hash, pin).filter(|record| !record.is_dead()) {
        return Found { record, made: None };
    }
    let near = &mut place.near;
    let found = list.find_or_insert(op.key, op.value, hash, near, pin, tally);
    pause("record-in-leaf");
    if mutant!("hash-after-publish") || mutant!("hash-left-to-maker") && found.made.is_none() {
        return found;
    }
    front.insert(found.record, hash, pin, tally);
    found
}

/// Up to a window of something, on the stack.
type Window<T = u64> = SmallVec<[T; WINDOW]>;

/// I-25: of several writes to one key only the last stays. By key, not by record: a record can be sealed between two
/// look-ups of one key.
fn keep_last_writes(writes: &mut Writes, hashes: &[u64]) {
    if writes.len() < 2 {
        return;
    }
    // SAFETY: the records were looked up under the caller's pin.
    let key = |at: usize| unsafe { RecordRef::new(writes[at].found()) }.key();
    let mut order: Vec<(u64, usize)> =
        hashes.iter().enumerate().map(|(at, &hash)| (hash, at)).collect();
    order.sort_unstable();
    let mut superseded: Vec<usize> = Vec::new();
    for of_one_hash in order.chunk_by(|a, b| a.0 == b.0) {
        for (i, &(_, at)) in of_one_hash.iter().enumerate() {
            let later = &of_one_hash[i + 1..];
            let is_same = |&(_, then): &(u64, usize)| {
                writes[then].space() == writes[at].space() && key(then) == key(at)
            };
            if later.iter().any(is_same) {
                superseded.push(at);
            }
        }
    }
    if superseded.is_empty() {
        return;
    }
    superseded.sort_unstable();
    let mut at = 0;
    writes.retain(|write| {
        let drop_it = superseded.binary_search(&at).is_ok();
        at += 1;
        if drop_it {
            // SAFETY: built by this thread a moment ago, seen by nobody.
            drop(unsafe { VersionBox::from_raw(write.node()) });
        }
        !drop_it
    });
}
