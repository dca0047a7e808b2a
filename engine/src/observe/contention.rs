//! How much work was lost against others.

use super::hot_keys::HotKeys;
use super::{HotKey, conflict, exhausted, retry};
use crate::{Conflict, ConflictKind};
use epoch_store::atomics::{AtomicU64, Ordering};

/// Of one conflict, so many of its keys are noted at most: the rest of a large one would only wear out what is known.
const NOTED_KEYS: usize = 8;

/// What transactions and conditional writes have lost against others, from [`Store::contention`](crate::Store::contention).
///
/// ```
/// # let store = engine::Store::in_memory();
/// let mut transaction = store.transaction();
/// transaction.insert_if_absent("k", "mine")?;
/// store.put("k", "somebody else's")?;
/// assert!(transaction.commit().unwrap_err().is_conflict());
/// let contention = store.contention();
/// assert_eq!((contention.conflicts(), contention.read_write, contention.retries), (1, 1, 0));
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contention {
    /// Conflicts of kind [`ConflictKind::ReadWrite`]. Those of conditional writes and of `update` are among them, which are
    /// tried again and are not seen by their callers.
    pub read_write: u64,
    /// Conflicts of kind [`ConflictKind::WriteWrite`].
    pub write_write: u64,
    /// Conflicts of kind [`ConflictKind::Phantom`].
    pub phantom: u64,
    /// Times that `transact` and `update` began again.
    pub retries: u64,
    /// Times that they gave up: [`Error::RetriesExhausted`](crate::Error::RetriesExhausted).
    pub exhausted: u64,
}

impl Contention {
    /// Conflicts of all kinds.
    ///
    /// ```
    /// assert_eq!(engine::Store::in_memory().contention().conflicts(), 0);
    /// ```
    pub fn conflicts(&self) -> u64 {
        self.read_write + self.write_write + self.phantom
    }
}

/// Counts it. Accesses are relaxed: figures guard nothing.
#[derive(Debug, Default)]
pub struct Tally {
    read_write: AtomicU64,
    write_write: AtomicU64,
    phantom: AtomicU64,
    retries: AtomicU64,
    exhausted: AtomicU64,
    hot_keys: HotKeys,
}

impl Tally {
    /// A commit was refused.
    #[cold]
    pub fn conflict(&self, found: &Conflict) {
        let counter = match found.kind {
            ConflictKind::ReadWrite => &self.read_write,
            ConflictKind::WriteWrite => &self.write_write,
            ConflictKind::Phantom => &self.phantom,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found.keys.iter().take(NOTED_KEYS).for_each(|key| self.hot_keys.note(key));
        conflict(found);
    }

    /// What was refused begins again, after so many attempts.
    #[cold]
    pub fn retry(&self, attempts: u32) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        retry(attempts);
    }

    /// What was refused so many times is given up.
    #[cold]
    pub fn exhausted(&self, attempts: u32) {
        self.exhausted.fetch_add(1, Ordering::Relaxed);
        exhausted(attempts);
    }

    /// The counts so far.
    pub fn contention(&self) -> Contention {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Contention {
            read_write: read(&self.read_write),
            write_write: read(&self.write_write),
            phantom: read(&self.phantom),
            retries: read(&self.retries),
            exhausted: read(&self.exhausted),
        }
    }

    /// The keys that conflicts were about, most conflicts first.
    pub fn hottest_keys(&self) -> Vec<HotKey> {
        self.hot_keys.hottest()
    }
}
