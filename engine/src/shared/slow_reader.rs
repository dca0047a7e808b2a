//! Who is told of a reader that keeps old versions.

use crate::Version;
use crate::observe;
use epoch_store::atomics::{AtomicU64, Ordering};
use std::fmt;
use std::sync::Arc;

/// A snapshot or a lease that is far behind the newest version; see [`Builder::on_slow_reader`](crate::Builder::on_slow_reader).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowReader {
    /// The version that it shows, and keeps.
    pub version: Version,
    /// How many versions it was behind the newest when it was found.
    pub behind: u64,
}

/// From when on a reader is slow, and who is told.
#[derive(Clone)]
pub struct Notice {
    /// A reader that is further behind is slow.
    pub behind: u64,
    /// Told of it.
    pub notify: Arc<dyn Fn(SlowReader) + Send + Sync>,
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").field("behind", &self.behind).finish_non_exhaustive()
    }
}

/// A notice, and of whom it was given last.
pub struct Watch {
    notice: Notice,
    told_of: AtomicU64,
}

/// What no version is.
const NOBODY: u64 = u64::MAX;

impl Watch {
    pub fn new(notice: Notice) -> Self {
        Self { notice, told_of: AtomicU64::new(NOBODY) }
    }

    /// Tells of the oldest reader, if it is slow and not the one told of last.
    pub fn look(&self, stats: &epoch_store::Stats) {
        let Some(version) = stats.oldest_snapshot else { return };
        let behind = stats.oldest_snapshot_age;
        if behind <= self.notice.behind {
            return;
        }
        // Of those who find the same reader at the same time, one is the first to swap, and tells. Nothing is published
        // by it: relaxed.
        if self.told_of.swap(version.get(), Ordering::Relaxed) != version.get() {
            observe::slow_reader(version, behind);
            (self.notice.notify)(SlowReader { version, behind });
        }
    }
}
