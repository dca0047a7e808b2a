//! The pieces that most models are made of: a few records, a commit queue, the reclaimer that tells.

use epoch_store::internals::chain::{Record, RecordRef, Registered, VersionBox, cut};
use epoch_store::internals::commit::{Check, Commit, Queue, Reads, Resolve, Resolved, Write};
use epoch_store::internals::list::Within;
use epoch_store::internals::reclaim::{Pinned, Quarantine, QuarantinePin, Shared};
use epoch_store::internals::tally::Tally;
use std::ops::ControlFlow;
use std::ptr::NonNull;

/// The store of a model where no record is ever sealed, and no range deleted.
#[derive(Debug)]
pub struct NoneSealed;

impl Resolve for NoneSealed {
    fn resolve<'p, P: Pinned>(&'p self, _: u32, _: &[u8], _: &'p P, _: &Tally) -> Resolved<'p> {
        panic!("no record is sealed here");
    }

    fn discard<P: Pinned>(&self, _: u32, _: RecordRef<'_>, _: &P, _: &Tally) {
        panic!("no record is sealed here");
    }

    fn for_each_leaf<P: Pinned>(
        &self,
        _: u32,
        _: Within<'_>,
        _: &P,
        _: &Tally,
        _: impl FnMut(&[NonNull<Record>]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        panic!("no range is deleted here");
    }
}

/// A record that stays for the whole execution.
#[derive(Debug, Clone, Copy)]
pub struct Chains(NonNull<Record>);

// SAFETY: what is mutable in a record is atomic.
unsafe impl Send for Chains {}
// SAFETY: as above.
unsafe impl Sync for Chains {}

/// A fresh record.
pub fn record(key: &[u8]) -> Chains {
    Chains(Record::alloc(key))
}

/// Pins in a domain.
pub fn pin(domain: &Quarantine) -> QuarantinePin {
    QuarantinePin::new(domain)
}

impl Chains {
    /// The protocol's view of it.
    pub fn view<'a>(self) -> RecordRef<'a> {
        // SAFETY: records are leaked by the models.
        unsafe { RecordRef::new(self.0) }
    }

    /// Its address.
    pub fn as_ptr(self) -> NonNull<Record> {
        self.0
    }

    /// The value visible at `stamp`: the byte, or `None` for nothing or a tombstone.
    pub fn read(self, stamp: u64, pin: &QuarantinePin) -> Option<u8> {
        self.view().visible_at(stamp, pin)?.value().map(|value| value[0])
    }

    /// Stamps of the chain, newest first.
    pub fn stamps(self, pin: &QuarantinePin) -> Vec<u64> {
        let mut stamps = Vec::new();
        let mut next = self.view().head(pin);
        while let Some(version) = next {
            stamps.push(version.stamp());
            next = version.older(pin);
        }
        stamps
    }

    /// Puts a version in front, as commit `stamp` would.
    pub fn install(self, stamp: u64, value: u8, pin: &QuarantinePin) {
        self.view().install(VersionBox::new(Some(&[value])), stamp, pin);
    }

    /// Cuts what `registered` calls garbage.
    pub fn cut(self, registered: &Registered, pin: &QuarantinePin) -> usize {
        cut(self.view(), registered, usize::MAX, pin, |_| ()).versions
    }
}

/// What became of a commit that depended on what it had read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was overtaken before it was ordered.
    NotOrdered,
    /// It has this stamp, and has changed nothing.
    Refused(u64),
    /// It has this stamp.
    Admitted(u64),
}

/// A queue over a few records.
pub struct World {
    /// The reclaimer.
    pub domain: Quarantine,
    /// The commit queue.
    pub queue: Queue,
    /// The records.
    pub records: Vec<Chains>,
}

impl World {
    /// A world with so many records.
    pub fn new(records: usize) -> Self {
        let records = (0..records).map(|i| record(&[b'a' + i as u8])).collect();
        Self { domain: Quarantine::default(), queue: Queue::default(), records }
    }

    /// Commits `value` to each of the records named, as one commit. Returns its stamp.
    pub fn commit(&self, records: &[usize], value: u8) -> u64 {
        let tally = Tally::default();
        let pin = pin(&self.domain);
        let writes = records.iter().map(|&at| {
            let node = VersionBox::new(Some(&[value])).into_raw();
            Write::new(self.records[at].as_ptr(), node, 0)
        });
        self.queue.commit(Commit::alloc(writes.collect()), &NoneSealed, &pin, &tally)
    }

    /// Commits `value` to the record `write` if nothing was written to the record `read`, by commits that validate what was
    /// read at stamp 0 as the store does.
    pub fn commit_if(&self, read: usize, write: usize, value: u8) -> Outcome {
        self.commit_if_after(read, write, value, || {})
    }

    /// The same, with other work between reading and ordering.
    pub fn commit_if_after(
        &self,
        read: usize,
        write: usize,
        value: u8,
        between: impl FnOnce(),
    ) -> Outcome {
        let pin = pin(&self.domain);
        let (from, validated) = self.queue.begin_check(&pin);
        let record = self.records[read].view();
        if record.head(&pin).is_some() {
            return Outcome::NotOrdered;
        }
        between();
        let reads = Reads::new(0, [(0, record.key())].into_iter(), Box::default());
        let node = VersionBox::new(Some(&[value])).into_raw();
        let writes = [Write::new(self.records[write].as_ptr(), node, 0)].into_iter().collect();
        let check = Box::new(Check::new(reads, validated, from));
        let commit = Commit::alloc_checked(writes, Box::default(), check);
        let stamp = self.queue.commit(commit, &NoneSealed, &pin, &Tally::default());
        // SAFETY: retired after this pin began.
        let is_refused = unsafe { Shared::new(commit) }.get().is_refused();
        if is_refused { Outcome::Refused(stamp) } else { Outcome::Admitted(stamp) }
    }

    /// Finishes what is ordered.
    pub fn help(&self) {
        let pin = pin(&self.domain);
        self.queue.finish_ordered(&NoneSealed, &pin, &Tally::default());
    }

    /// Reads all records at the root.
    pub fn read_all(&self) -> (u64, Vec<Option<u8>>) {
        let pin = pin(&self.domain);
        let stamp = self.queue.published();
        (stamp, self.records.iter().map(|record| record.read(stamp, &pin)).collect())
    }
}
