//! When a parent is to fail, and how.

use crate::parent::{ParentError, ParentErrorKind};
use arc_swap::ArcSwap;
use epoch_store::atomics::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is written, and the commit fails with an error of this kind: [`ParentErrorKind::Full`] for a disk without room.
    Refused(ParentErrorKind),
    /// Everything is written, and the commit fails with [`ParentErrorKind::Io`] all the same: the answer was lost.
    Unanswered,
    /// Everything is written after this time, and the commit succeeds.
    Slow(Duration),
}

/// The switches of a [`FaultyParent`](crate::FaultyParent). Clones are handles to the same switches; they may be used from any
/// thread, and act on what begins after the call.
///
/// ```
/// use engine::{Fault, FaultyParent, MemoryParent, Parent, ParentBatch, ParentErrorKind, Version};
/// let (parent, faults) = FaultyParent::new(MemoryParent::new());
/// faults.at_commit(2, Fault::Refused(ParentErrorKind::Full));
/// parent.commit(&ParentBatch::new(Version::from(1)))?;
/// let error = parent.commit(&ParentBatch::new(Version::from(2))).unwrap_err();
/// assert_eq!(error.kind(), ParentErrorKind::Full);
/// parent.commit(&ParentBatch::new(Version::from(2)))?; // there is room again
/// assert_eq!(faults.commits(), 3);
/// # Ok::<(), engine::ParentError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Faults {
    switches: Arc<Switches>,
}

#[derive(Debug, Default)]
struct Switches {
    plan: ArcSwap<Plan>,
    /// Counted before a commit looks at the plan. Relaxed: each gets a number of its own.
    commits: AtomicU64,
}

#[derive(Debug, Clone, Default)]
struct Plan {
    /// By the number of the commit.
    once: BTreeMap<u64, Fault>,
    commits: Option<Fault>,
    snapshots: Option<ParentErrorKind>,
    reads: Option<ParentErrorKind>,
}

impl Faults {
    /// The `n`-th commit from now meets this fault; 1 is the next one.
    ///
    /// ```
    /// # use engine::{Fault, FaultyParent, MemoryParent, Parent, ParentBatch, Version};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// faults.at_commit(1, Fault::Unanswered);
    /// assert!(parent.commit(&ParentBatch::new(Version::from(1))).is_err());
    /// assert_eq!(parent.durable_version()?, Version::from(1));
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    pub fn at_commit(&self, n: u64, fault: Fault) {
        self.change(|plan| {
            plan.once.insert(self.commits().saturating_add(n), fault);
        });
    }

    /// Every commit meets this fault until [`heal`](Self::heal), unless one of its own was set for it.
    ///
    /// ```
    /// # use engine::{Fault, FaultyParent, MemoryParent, Parent, ParentBatch, ParentErrorKind, Version};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// faults.every_commit(Fault::Refused(ParentErrorKind::Io));
    /// assert!(parent.commit(&ParentBatch::new(Version::from(1))).is_err());
    /// assert!(parent.commit(&ParentBatch::new(Version::from(1))).is_err());
    /// ```
    pub fn every_commit(&self, fault: Fault) {
        self.change(|plan| plan.commits = Some(fault));
    }

    /// No snapshot can be opened until [`heal`](Self::heal).
    ///
    /// ```
    /// # use engine::{FaultyParent, MemoryParent, Parent, ParentErrorKind};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// faults.snapshots(ParentErrorKind::Io);
    /// assert!(parent.snapshot().is_err());
    /// ```
    pub fn snapshots(&self, kind: ParentErrorKind) {
        self.change(|plan| plan.snapshots = Some(kind));
    }

    /// Reads of snapshots fail until [`heal`](Self::heal), those that are open included; a range ends with the error.
    ///
    /// ```
    /// # use engine::{FaultyParent, MemoryParent, Parent, ParentErrorKind};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// let snapshot = parent.snapshot()?;
    /// faults.reads(ParentErrorKind::Damaged);
    /// assert_eq!(snapshot.get(b"k").unwrap_err().kind(), ParentErrorKind::Damaged);
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    pub fn reads(&self, kind: ParentErrorKind) {
        self.change(|plan| plan.reads = Some(kind));
    }

    /// No faults any more, those of later commits included.
    ///
    /// ```
    /// # use engine::{FaultyParent, MemoryParent, Parent, ParentErrorKind};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// faults.snapshots(ParentErrorKind::Io);
    /// faults.heal();
    /// assert!(parent.snapshot().is_ok());
    /// ```
    pub fn heal(&self) {
        self.switches.plan.store(Arc::default());
    }

    /// Commits that were begun, whatever became of them.
    ///
    /// ```
    /// # use engine::{FaultyParent, MemoryParent, Parent, ParentBatch, Version};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// parent.commit(&ParentBatch::new(Version::from(1)))?;
    /// assert_eq!(faults.commits(), 1);
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    pub fn commits(&self) -> u64 {
        self.switches.commits.load(Ordering::Relaxed)
    }

    /// What the commit meets that begins now.
    pub(super) fn of_commit(&self) -> Option<Fault> {
        let number = self.switches.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let plan = self.switches.plan.load();
        plan.once.get(&number).copied().or(plan.commits)
    }

    pub(super) fn of_snapshot(&self) -> Result<(), ParentError> {
        fail(self.switches.plan.load().snapshots)
    }

    pub(super) fn of_read(&self) -> Result<(), ParentError> {
        fail(self.switches.plan.load().reads)
    }

    fn change(&self, change: impl Fn(&mut Plan)) {
        self.switches.plan.rcu(|plan| {
            let mut plan = Plan::clone(plan);
            change(&mut plan);
            plan
        });
    }
}

fn fail(kind: Option<ParentErrorKind>) -> Result<(), ParentError> {
    kind.map_or(Ok(()), |kind| Err(made(kind, "read")))
}

/// An error that says that somebody wanted it.
pub(super) fn made(kind: ParentErrorKind, action: &'static str) -> ParentError {
    ParentError::new(kind, action).because("a fault that was asked for")
}
