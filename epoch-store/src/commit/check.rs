//! What a commit has read, and the verdict on it: whether it is admitted to the order, or refused.
//!
//! *Picture.* The owner has validated its reads at `p`, from the structure itself; what came after is in the queue.
//! ```text
//!   from ──► [p-1] ──► [p] ──► [p+1] ──► [p+2] ──► [n: the commit that checks]
//!     └ a descriptor at or before p       └ write sets that the verdict is about
//! ```
//! The verdict falls in the helped step, when root is `n - 1`: everything before has been decided, nothing after matters.
//! Everybody who finds it open goes through the same write sets and comes to the same result.

use super::descriptor::Commit;
use super::span::Span;
use crate::chain::RecordRef;
use crate::sync::{AtomicU32, Ordering};
use std::ops::Range;
use std::ptr::NonNull;

/// Keys and ranges that were read at a stamp. Keys are sorted and unique, ranges sorted and disjoint.
#[derive(Debug)]
pub struct Reads {
    since: u64,
    bytes: Box<[u8]>,
    keys: Box<[(u32, Range<usize>)]>,
    ranges: Box<[Span]>,
}

/// A read that something was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// The key with this number.
    Key(usize),
    /// The range with this number.
    Range(usize),
}

impl Reads {
    /// Reads at `since`: keys in any order, with their space, and ranges that neither overlap nor touch.
    pub fn new<'k>(
        since: u64,
        keys: impl Iterator<Item = (u32, &'k [u8])>,
        ranges: Box<[Span]>,
    ) -> Self {
        let mut sorted: Vec<_> = keys.collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut bytes = Vec::with_capacity(sorted.iter().map(|(_, key)| key.len()).sum());
        let mut keys = Vec::with_capacity(sorted.len());
        for (space, key) in sorted {
            let start = bytes.len();
            bytes.extend_from_slice(key);
            keys.push((space, start..bytes.len()));
        }
        Self { since, bytes: bytes.into(), keys: keys.into(), ranges }
    }

    /// The stamp at which they were made.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The keys, each with its space.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (u32, &[u8])> {
        (0..self.keys.len()).map(|at| self.key(at))
    }

    /// The key with this number.
    pub fn key(&self, at: usize) -> (u32, &[u8]) {
        let (space, range) = &self.keys[at];
        (*space, &self.bytes[range.clone()])
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Span] {
        &self.ranges
    }

    /// The read that a write to `key` overtakes.
    fn hit_by_key(&self, space: u32, key: &[u8]) -> Option<Hit> {
        let wanted = (space, key);
        let find = self
            .keys
            .binary_search_by(|(space, at)| (*space, &self.bytes[at.clone()]).cmp(&wanted));
        if let Ok(at) = find {
            return Some(Hit::Key(at));
        }
        let after = self.ranges.partition_point(|range| (range.space, &*range.from) <= wanted);
        let at = after.checked_sub(1)?;
        let range = &self.ranges[at];
        let inside = range.space == space && range.to.as_deref().is_none_or(|to| key < to);
        inside.then_some(Hit::Range(at))
    }

    /// A read inside a range that is deleted, whether or not there was anything to delete.
    fn hit_by_span(&self, span: &Span) -> Option<Hit> {
        let ends_behind = |key: &[u8]| span.to.as_deref().is_none_or(|to| key < to);
        let first = self.keys.partition_point(|(space, at)| {
            (*space, &self.bytes[at.clone()]) < (span.space, &*span.from)
        });
        if first < self.keys.len()
            && self.key(first).0 == span.space
            && ends_behind(self.key(first).1)
        {
            return Some(Hit::Key(first));
        }
        let overlaps = |range: &Span| {
            range.space == span.space
                && ends_behind(&range.from)
                && range.to.as_deref().is_none_or(|to| &*span.from < to)
        };
        self.ranges.iter().position(overlaps).map(Hit::Range)
    }

    /// The first read that `commit` overtakes.
    ///
    /// # Safety
    /// The records that the writes of `commit` name are not freed meanwhile, and it is installed.
    unsafe fn hit_by(&self, commit: &Commit) -> Option<Hit> {
        let written = commit.writes().iter().find_map(|write| {
            // SAFETY: forwarded.
            let record: RecordRef<'_> = unsafe { RecordRef::new(write.record()) };
            self.hit_by_key(write.space(), record.key())
        });
        written.or_else(|| commit.spans().iter().find_map(|span| self.hit_by_span(span)))
    }

    /// Bytes that they take besides themselves.
    fn bytes(&self) -> usize {
        let spans: usize = self.ranges.iter().map(|span| size_of::<Span>() + span.bytes()).sum();
        self.bytes.len() + size_of_val(&*self.keys) + spans
    }
}

/// The verdict is open.
const OPEN: u32 = 0;
/// The commit is admitted.
const ADMITTED: u32 = 1;
/// The commit is refused, for the read whose number is this less: keys first, then ranges.
const REFUSED: u32 = 2;

/// See the module header. Part of a descriptor.
#[derive(Debug)]
pub struct Check {
    reads: Reads,
    /// Up to here the owner has found nothing written to them.
    validated: u64,
    /// A descriptor at or before `validated`.
    from: NonNull<Commit>,
    verdict: AtomicU32,
}

// SAFETY: a pointer to a descriptor, shared by protocol (I-46).
unsafe impl Send for Check {}
// SAFETY: as above.
unsafe impl Sync for Check {}

impl Check {
    /// Reads that their owner has validated up to `validated`, under a pin that began before `from` was found in the queue,
    /// which was before `validated` was loaded from root.
    pub fn new(reads: Reads, validated: u64, from: NonNull<Commit>) -> Self {
        Self { reads, validated, from, verdict: AtomicU32::new(OPEN) }
    }

    /// What was read.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// A descriptor from which on the queue leads to all whose write sets count, and the stamp behind which they do.
    pub(super) fn window(&self) -> (NonNull<Commit>, u64) {
        (self.from, self.validated)
    }

    /// The read that `commit` overtakes: one before this commit, behind what was validated.
    ///
    /// # Safety
    /// As for [`Reads::hit_by`].
    pub(super) unsafe fn hit_by(&self, commit: &Commit) -> Option<Hit> {
        // SAFETY: forwarded.
        unsafe { self.reads.hit_by(commit) }
    }

    /// Whether the commit is admitted; `None`: nobody has found out yet.
    ///
    /// Relaxed: the word says all there is to say. Whoever acts on it has acquired a root by which the owner's reads were
    /// published (with the descriptor), and whoever asks after the publish finds what its publisher had found.
    pub(super) fn is_admitted(&self) -> Option<bool> {
        match self.verdict.load(Ordering::Relaxed) {
            OPEN => None,
            verdict => Some(verdict == ADMITTED),
        }
    }

    /// Settles the verdict; whether the commit is admitted. A store is enough: all who judge come to the same result.
    pub(super) fn settle(&self, hit: Option<Hit>) -> bool {
        self.verdict.store(self.encode(hit), Ordering::Relaxed);
        hit.is_none()
    }

    fn encode(&self, hit: Option<Hit>) -> u32 {
        let number = match hit {
            None => return ADMITTED,
            Some(Hit::Key(at)) => at,
            Some(Hit::Range(at)) => self.reads.keys.len() + at,
        };
        // The number is for the owner's message alone; one that does not fit points to the last that does.
        u32::try_from(number).unwrap_or(u32::MAX).saturating_add(REFUSED)
    }

    /// The read for which the commit was refused. To be asked when it is published.
    pub fn refused_for(&self) -> Option<Hit> {
        let number = self.verdict.load(Ordering::Relaxed).checked_sub(REFUSED)? as usize;
        Some(match number.checked_sub(self.reads.keys.len()) {
            None => Hit::Key(number),
            Some(at) => Hit::Range(at),
        })
    }

    /// Bytes that it takes besides itself.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.reads.bytes()
    }
}
