//! Committing: prepare, order and publish, then clean up behind.

use super::Store;
use crate::batch::WriteOp;
use crate::chain::{RecordRef, VersionBox};
use crate::commit::{Commit, Write};
use crate::error::Error;
use crate::gc::Field;
use crate::list::Leaf;
use crate::reclaim::Pinned;
use crate::session::Claim;
use crate::sync::{mutant, pause, prefetch};
use crate::tally::Event;
use smallvec::SmallVec;

/// Keys whose cache misses are overlapped.
const WINDOW: usize = 16;

type Writes = SmallVec<[Write; 1]>;

impl Store {
    /// Commits the operations as one version, and returns its stamp. Lock-free up to the allocator.
    ///
    /// # Errors
    /// The first operation that is refused; nothing is applied then.
    pub fn commit<'o>(
        &self,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
    ) -> Result<u64, Error> {
        self.check(ops.clone())?;
        if ops.len() == 0 {
            return Ok(self.published());
        }
        if let Some(first) = ops.clone().next() {
            self.front.prefetch_unpinned(self.front.hash(first.key));
        }
        let claim = self.claim();
        // Rule 1: pinned from the first look-up until the commit is visible (I-23).
        let pin = claim.pin();
        let writes = self.prepare(ops, &claim, &pin);
        pause("commit-prepared");
        let records: SmallVec<[_; 1]> = writes.iter().map(|write| write.record).collect();
        let stamp = self.queue.commit(Commit::alloc(writes), &pin, claim.tally());
        pause("commit-published");
        // SAFETY: the records live as long as the list.
        let records = records.iter().map(|&record| unsafe { RecordRef::new(record) });
        if mutant!("hash-after-publish") {
            records.clone().for_each(|record| {
                self.front.insert(record, self.front.hash(record.key()), &pin, claim.tally());
            });
        }
        claim.sweeper().after_commit(records, self.field(&pin, &claim));
        Ok(stamp)
    }

    fn check<'o>(&self, ops: impl ExactSizeIterator<Item = WriteOp<'o>>) -> Result<(), Error> {
        let (len, max) = (ops.len(), self.options.max_batch_len);
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
            pin,
            tally: claim.tally(),
        }
    }

    /// Prepare: a record and a version for every key, the last write of each key only (I-25).
    fn prepare<'o, P: Pinned>(
        &self,
        ops: impl ExactSizeIterator<Item = WriteOp<'o>> + Clone,
        claim: &Claim<'_>,
        pin: &P,
    ) -> Writes {
        self.front.help(pin, claim.tally());
        let mut writes = Writes::with_capacity(ops.len());
        let mut ops = ops;
        let (mut last_key, mut ascending) = (None, true);
        let mut near = None;
        while ops.len() > 0 {
            let window = ops.clone().take(WINDOW);
            let hashes: Window = window.clone().map(|op| self.front.hash(op.key)).collect();
            for op in window.clone() {
                ascending &= last_key.is_none_or(|last| last < op.key);
                last_key = Some(op.key);
            }
            if hashes.len() > 1 {
                self.prefetch_window(window.clone(), &hashes, ascending, pin);
            }
            for (op, &hash) in window.zip(&hashes) {
                let record = self.find_or_insert(op.key, hash, &mut near, claim, pin).as_ptr();
                let node = VersionBox::new(op.value).into_raw();
                writes.push(Write { record, node });
            }
            ops.nth(hashes.len() - 1);
        }
        if !ascending {
            keep_last_writes(&mut writes);
        }
        writes
    }

    /// Overlaps the cache misses of a window: slots; then records of keys that seem to be there, and leaves for those
    /// that do not; then newest versions, and bodies.
    fn prefetch_window<'o, P: Pinned>(
        &self,
        window: impl Iterator<Item = WriteOp<'o>>,
        hashes: &[u64],
        ascending: bool,
        pin: &P,
    ) {
        for &hash in hashes {
            self.front.prefetch(hash, pin);
        }
        let (mut records, mut leaves): (Window<_>, Window<_>) = Default::default();
        for (op, &hash) in window.zip(hashes) {
            match self.front.candidate(hash, pin) {
                Some(record) => {
                    prefetch::read(record.as_ptr().as_ptr());
                    records.push(record);
                }
                // Sorted keys find their leaf beside their predecessor's.
                None if ascending => {}
                None => leaves.push(self.list.prefetch_leaf(op.key, pin)),
            }
        }
        for record in records {
            prefetch::read(record.head_hint());
        }
        for leaf in leaves {
            self.list.prefetch_body(leaf, pin);
        }
    }

    /// The record of a key: leaf first, hash second (I-20).
    fn find_or_insert<'p, 's, P: Pinned>(
        &'s self,
        key: &[u8],
        hash: u64,
        near: &mut Option<&'s Leaf>,
        claim: &Claim<'_>,
        pin: &'p P,
    ) -> RecordRef<'p> {
        if let Some(record) = self.front.find(key, hash, pin) {
            return record;
        }
        let made =
            if mutant!("hash-left-to-maker") { claim.tally().get(Event::Records) } else { 0 };
        let record = self.list.find_or_insert(key, hash, near, pin, claim.tally());
        pause("record-in-leaf");
        if mutant!("hash-after-publish")
            || mutant!("hash-left-to-maker") && claim.tally().get(Event::Records) == made
        {
            return record;
        }
        self.front.insert(record, hash, pin, claim.tally());
        record
    }
}

/// Up to a window of something, on the stack.
type Window<T = u64> = SmallVec<[T; WINDOW]>;

/// I-25: of several writes to one record only the last stays.
fn keep_last_writes(writes: &mut Writes) {
    if writes.len() < 2 {
        return;
    }
    let mut order: Vec<_> =
        writes.iter().enumerate().map(|(at, write)| (write.record.addr(), at)).collect();
    order.sort_unstable();
    let mut superseded: Vec<usize> =
        order.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].1).collect();
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
            drop(unsafe { VersionBox::from_raw(write.node) });
        }
        !drop_it
    });
}
