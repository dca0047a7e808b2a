//! The queue of commits on their way to the parent, and how many bytes may be on it.

use super::entry::{Bytes, Entry, Log, Outcome};
use super::progress::Progress;
use super::queue::Queue;
use crate::Error;
use crate::parent::Parent;
use crate::parent::layout::{self, PREFIX};
use epoch_store::atomics::{AtomicBool, AtomicU64, Ordering, fence_at, seeded};
use epoch_store::{Step, WriteBatch, WriteOp};
use std::sync::Arc;

/// Bytes of a commit whose memory is kept for later ones.
const SPARE: std::ops::RangeInclusive<usize> = 1 << 16..=1 << 22;
/// How much is kept at most: pieces, and the part of what may be undurable.
const MAX_SPARE: usize = 16;
const SPARE_PART: u64 = 8;

/// What happens to a commit for which there is no room within
/// [`Builder::undurable_limit`](crate::Builder::undurable_limit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// It waits for the parent; it is refused with [`Error::UndurableLimit`] only if the parent fails meanwhile.
    #[default]
    Wait,
    /// It is refused with [`Error::UndurableLimit`].
    Refuse,
}

/// The writes of a commit.
#[derive(Clone, Copy)]
pub enum Writes<'a> {
    /// One.
    One(WriteOp<'a>),
    /// Those of a batch.
    Batch(&'a WriteBatch),
    /// So many to keys of a space.
    Keys {
        /// Its number.
        space: u32,
        /// How many.
        count: usize,
        /// Hands them out.
        each: &'a Each<'a>,
    },
}

/// Hands out keys and what becomes of them.
pub type Each<'a> = dyn Fn(&mut Visit<'_>) + 'a;
/// Takes a key, and its value, if it gets one.
pub type Visit<'a> = dyn FnMut(&[u8], Option<&[u8]>) + 'a;

impl<'a> Writes<'a> {
    /// How many there are; a deleted range counts as one.
    #[inline]
    pub fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Batch(batch) => batch.len(),
            Self::Keys { count, .. } => *count,
        }
    }

    /// As a batch.
    pub fn to_batch(self) -> WriteBatch {
        match self {
            Self::Batch(batch) => WriteBatch::clone(batch),
            Self::One(_) | Self::Keys { .. } => {
                let mut batch = WriteBatch::new();
                self.for_each(|step| {
                    if let Step::Write(write) = step {
                        batch.push(write);
                    }
                });
                batch
            }
        }
    }

    /// Each of them, in their order.
    pub fn for_each(&self, mut visit: impl FnMut(Step<'_>)) {
        match *self {
            Self::One(write) => visit(Step::Write(write)),
            Self::Batch(batch) => batch.steps().for_each(visit),
            Self::Keys { space, each, .. } => {
                each(&mut |key, value| visit(Step::Write(WriteOp { space, key, value })));
            }
        }
    }
}

/// See the module header of `durable`.
pub struct Journal {
    queue: Queue<Arc<Entry>>,
    /// Memory of large commits that are durable, for the next ones: what the allocator gives is not there yet, and to make it
    /// be there takes longer than to write to it.
    spare: Queue<Bytes>,
    /// D-5. Relaxed: a number, and those who wait for it are told under a lock.
    undurable: AtomicU64,
    limit: u64,
    overflow: Overflow,
    longest_key: usize,
    longest_value: usize,
    /// Of the spaces, this one's notes are not kept, but for the keys that are.
    hidden: Hidden,
    /// D-4.
    ended: AtomicBool,
    asleep: AtomicBool,
    progress: Arc<Progress>,
}

/// The engine's own space, and what of it is durable.
#[derive(Debug, Clone, Copy)]
pub struct Hidden {
    /// Its number.
    pub space: u32,
    /// The key in it that is durable.
    pub kept: &'static [u8],
}

/// What users choose.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Bytes that may be undurable.
    pub limit: u64,
    /// Bytes that go into one batch, if there are several commits.
    pub batch: u64,
    /// What happens beyond.
    pub overflow: Overflow,
}

impl Journal {
    /// An empty one, for what this parent can keep.
    pub fn new(parent: &dyn Parent, bound: Bound, hidden: Hidden, progress: Arc<Progress>) -> Self {
        Self {
            queue: Queue::default(),
            spare: Queue::default(),
            undurable: AtomicU64::new(0),
            limit: bound.limit,
            overflow: bound.overflow,
            longest_key: layout::longest_key(parent),
            longest_value: parent.max_value_len(),
            hidden,
            ended: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            progress,
        }
    }

    /// Notes that these writes are about to be committed. `None`: nothing of them is durable anyway.
    ///
    /// # Errors
    /// What the parent cannot keep, [`Error::UndurableLimit`], [`Error::Closed`]. Nothing may be committed then.
    pub fn begin(&self, writes: Writes<'_>) -> Result<Option<Ticket<'_>>, Error> {
        let log = self.log(writes)?;
        if log.is_empty() {
            return Ok(None);
        }
        if self.ended.load(Ordering::Relaxed) {
            return Err(Error::Closed); // nobody would give back the room that it takes
        }
        let entry = Arc::new(Entry::new(log));
        self.admit(entry.weight())?;
        let ticket = Ticket { journal: self, entry: entry.clone() };
        // D-1: before the commit.
        if !seeded("journal-push-late") {
            self.queue.push(entry);
        }
        // D-4: either the persister finds the entry, or this thread finds that it has ended.
        fence_at("journal-begin");
        if self.ended.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        Ok(Some(ticket))
    }

    fn log(&self, writes: Writes<'_>) -> Result<Log, Error> {
        let (mut count, mut bytes, mut error) = (0, 0, None);
        writes.for_each(|step| {
            count += 1;
            bytes += length(step);
            if let Step::Write(WriteOp { key, value, .. }) = step {
                error = error.take().or_else(|| self.check(key, value));
            }
        });
        if let Some(error) = error {
            return Err(error.into());
        }
        let mut log = Log::on(self.memory(Log::room(count, bytes)));
        writes.for_each(|step| {
            if self.is_durable(step) {
                log.push(step);
            }
        });
        Ok(log)
    }

    /// Memory for so many bytes.
    fn memory(&self, bytes: usize) -> Bytes {
        let spare = if SPARE.contains(&bytes) { self.spare.pop() } else { None };
        match spare.filter(|spare| spare.capacity() >= bytes) {
            Some(spare) => spare,
            None => Bytes::with_capacity(bytes),
        }
    }

    /// Takes back what is durable. What is kept for later is no more than a small part of what may be on its way.
    pub fn recycle(&self, entry: Arc<Entry>) {
        let Some(entry) = Arc::into_inner(entry) else { return };
        let bytes = entry.into_bytes();
        let kept = (self.spare.len() as u64 + 1).saturating_mul(bytes.capacity() as u64);
        let has_room = self.spare.len() < MAX_SPARE && kept <= self.limit / SPARE_PART;
        if SPARE.contains(&bytes.capacity()) && has_room {
            self.spare.push(bytes);
        }
    }

    /// What the parent cannot keep.
    fn check(&self, key: &[u8], value: Option<&[u8]>) -> Option<epoch_store::Error> {
        let (len, max) = (key.len(), self.longest_key);
        if len > max {
            return Some(epoch_store::Error::KeyTooLong { len, max });
        }
        let (len, max) = (value.map_or(0, <[u8]>::len), self.longest_value);
        (len > max).then_some(epoch_store::Error::ValueTooLong { len, max })
    }

    fn is_durable(&self, step: Step<'_>) -> bool {
        match step {
            Step::Write(write) => write.space != self.hidden.space || write.key == self.hidden.kept,
            Step::DeleteRange { .. } => true,
        }
    }

    /// Counts so many bytes as undurable, when there is room.
    fn admit(&self, bytes: u64) -> Result<(), Error> {
        if self.has_admitted(bytes) {
            return Ok(());
        }
        let refused = |cause| {
            let (undurable, limit) = (self.undurable(), self.limit);
            Err(Error::UndurableLimit { undurable, limit, cause })
        };
        match self.overflow {
            Overflow::Refuse => refused(self.progress.cause()),
            Overflow::Wait => {
                self.progress.wait_until(|| self.has_admitted(bytes)).or_else(refused)
            }
        }
    }

    /// One commit is always admitted, however large, so that the limit keeps nobody out for ever.
    fn has_admitted(&self, bytes: u64) -> bool {
        let admitted = |now: u64| {
            let sum = now.saturating_add(bytes);
            (now == 0 || sum <= self.limit).then_some(sum)
        };
        self.undurable.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admitted).is_ok()
    }

    /// Bytes that are not durable yet.
    pub fn undurable(&self) -> u64 {
        self.undurable.load(Ordering::Relaxed)
    }

    /// Counts bytes as undurable no more.
    pub fn release(&self, bytes: u64) {
        self.undurable.fetch_sub(bytes, Ordering::Relaxed);
        self.progress.tell();
    }

    /// Takes every entry that was pushed so far. The version that `root` returns is one up to which all commits are
    /// among them, or were taken before (D-1). For the persister alone.
    pub fn take(&self, root: impl Fn() -> u64, taken: &mut Vec<Arc<Entry>>) -> u64 {
        let early = root();
        while let Some(entry) = self.queue.pop() {
            taken.push(entry);
        }
        if seeded("journal-root-late") { root() } else { early }
    }

    /// Sends writers away from now on (D-4).
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        fence_at("journal-end");
    }

    /// Whether the persister may go to sleep: not if something was pushed. Until it is [awake](Journal::get_up), those who
    /// push wake it.
    pub fn lie_down(&self) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        fence_at("persister-sleep");
        self.queue.is_empty()
    }

    /// The persister sleeps no more.
    pub fn get_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Whether the persister has to be woken: told to one of those who ask.
    pub fn is_to_be_woken(&self) -> bool {
        // The fence of `begin` lies between the push and this load, and pairs with persister-sleep: it sees the entry, or this
        // thread that it sleeps.
        self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed)
    }
}

/// Bytes of keys and values.
fn length(step: Step<'_>) -> usize {
    match step {
        Step::Write(write) => write.key.len() + write.value.map_or(0, <[u8]>::len),
        Step::DeleteRange { from, to, .. } => from.len() + PREFIX + to.map_or(0, <[u8]>::len),
    }
}

/// A commit that is about to be made. Dropped without having been: it was refused.
#[must_use]
pub struct Ticket<'a> {
    journal: &'a Journal,
    entry: Arc<Entry>,
}

impl Ticket<'_> {
    /// It was made, and has this version.
    pub fn committed(self, version: u64) {
        if seeded("journal-push-late") {
            self.journal.queue.push(self.entry.clone());
        }
        self.entry.committed(version);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.entry.outcome() == Outcome::Open {
            self.entry.refused();
        }
    }
}
