//! Which snapshot of the parent goes with which version.

use super::Memory;
use crate::parent::{Parent, ParentError, ParentErrorKind, ParentRange, ParentSnapshot};
use crate::{Error, Version};
use arc_swap::ArcSwap;
use epoch_store::{KeySpace, Map, WriteBatch};
use std::ops::Bound;
use std::sync::Arc;

/// The key of the hidden space whose value says which: written like any other value, so that no reader sees one of the
/// future.
const CHECKPOINT: &[u8] = b"checkpoint";

/// A snapshot of the parent, and the version of the store at which it became the one to ask.
#[derive(Clone)]
struct Checkpoint {
    since: u64,
    snapshot: Arc<dyn ParentSnapshot>,
    is_lost: bool,
}

/// In the place of a snapshot that was let go, so that the parent can be opened anew.
struct Lost {
    version: Version,
}

impl Lost {
    fn error() -> ParentError {
        let why = "it has failed, and what it had at this version was given up to open it anew";
        ParentError::new(ParentErrorKind::Io, "read").because(why)
    }
}

impl ParentSnapshot for Lost {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, ParentError> {
        Err(Self::error())
    }

    fn range(&self, _: Bound<&[u8]>, _: Bound<&[u8]>) -> Box<ParentRange<'_>> {
        Box::new(std::iter::once(Err(Self::error())))
    }
}

/// Those that may still be asked. One thread adds, and lets go; any may look.
pub struct Checkpoints {
    hidden: KeySpace,
    /// The version of the parent in the first of all, which goes with versions that have no key that says so.
    first: u64,
    kept: ArcSwap<Vec<Checkpoint>>,
}

impl Checkpoints {
    pub fn new(hidden: KeySpace, first: Arc<dyn ParentSnapshot>) -> Self {
        let number = first.version().get();
        let kept = vec![Checkpoint { since: 0, snapshot: first, is_lost: false }];
        Self { hidden, first: number, kept: ArcSwap::from_pointee(kept) }
    }

    /// The engine's own space.
    pub fn hidden(&self) -> &KeySpace {
        &self.hidden
    }

    /// Makes a snapshot of the parent the one to ask, from the next version on.
    ///
    /// # Errors
    /// Those of a commit.
    pub fn add(&self, map: &Map, snapshot: Arc<dyn ParentSnapshot>) -> Result<(), Error> {
        let number = snapshot.version().get();
        let mut kept = Vec::clone(&self.kept.load());
        // First: whoever reads the number finds the snapshot.
        kept.push(Checkpoint { since: u64::MAX, snapshot, is_lost: false });
        self.kept.store(Arc::new(kept.clone()));
        let mut batch = WriteBatch::new();
        batch.put_in(&self.hidden, CHECKPOINT, number.to_be_bytes());
        // Without it nothing could be evicted, and there would never be room again.
        let since = map.commit_beyond_limit(&batch);
        match &since {
            Ok(since) => kept.last_mut().expect("it was pushed").since = since.get(),
            Err(_) => _ = kept.pop(),
        }
        self.kept.store(Arc::new(kept));
        Ok(since.map(drop)?)
    }

    /// Lets go of the parent if it has failed, and can only be opened anew when no snapshot of it is held; then the same version is
    /// asked again. Nothing is done as long as a reader is at it, or there is an older version that a reader may need.
    ///
    /// Between the two, and after them if the parent has come to another version by then, there is nothing to ask: readers are
    /// told so, until the next checkpoint.
    pub fn renew(&self, parent: &dyn Parent) {
        let Some((version, is_lost)) = self.only() else { return };
        let found = match parent.snapshot() {
            Err(error) if error.kind() == ParentErrorKind::Held && !is_lost => {
                self.replace(Arc::new(Lost { version }), true);
                parent.snapshot()
            }
            found if is_lost => found,
            _ => return,
        };
        if let Ok(snapshot) = found
            && snapshot.version() == version
        {
            self.replace(snapshot.into(), false);
        }
    }

    /// If one alone is kept, and nobody reads it now: its version in the parent, and whether it was lost.
    fn only(&self) -> Option<(Version, bool)> {
        let kept = self.kept.load();
        let [Checkpoint { snapshot, is_lost, .. }] = &kept[..] else { return None };
        let is_free = Arc::strong_count(snapshot) == 1;
        is_free.then(|| (snapshot.version(), *is_lost))
    }

    /// Puts a snapshot of the same version in the place of the only one.
    fn replace(&self, snapshot: Arc<dyn ParentSnapshot>, is_lost: bool) {
        let since = self.kept.load()[0].since;
        self.kept.store(Arc::new(vec![Checkpoint { since, snapshot, is_lost }]));
    }

    /// The version of the parent in the newest.
    pub fn newest(&self) -> Version {
        let kept = self.kept.load();
        kept.last().expect("there is always one").snapshot.version()
    }

    /// Lets go of those that no version can be read with any more (E-4).
    pub fn let_go(&self, map: &Map) {
        let (kept, oldest) = (self.kept.load(), map.oldest_needed().get());
        // One is needed up to the version at which the next has taken its place.
        let over = kept.windows(2).take_while(|pair| pair[1].since <= oldest).count();
        if over > 0 {
            self.kept.store(Arc::new(kept[over..].to_vec()));
        }
    }

    /// The one that goes with the version of `memory`.
    ///
    /// # Errors
    /// A lease that was taken back.
    pub fn of(&self, memory: &impl Memory) -> Result<Arc<dyn ParentSnapshot>, Error> {
        loop {
            let number = memory.number(&self.hidden, CHECKPOINT)?.unwrap_or(self.first);
            let kept = self.kept.load();
            let found = kept.iter().rev().find(|kept| kept.snapshot.version().get() == number);
            if let Some(found) = found {
                return Ok(found.snapshot.clone());
            }
            // E-4: so it is a lease, taken back after it was looked at: the next look says so.
        }
    }
}
