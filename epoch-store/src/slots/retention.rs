//! How far back versions can be opened by their number (I-34), and how old a lease may become.

use super::ages::Ages;
use crate::sync::{AtomicU64, Ordering};
use std::time::Duration;

/// Choices about old versions, made when a map is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Versions before the newest that can be opened by number. 0: none, unless an age says otherwise.
    pub versions: u64,
    /// What was the newest version within this time can be opened by number. Zero: no age.
    pub age: Duration,
    /// A lease that is more versions behind the newest than this is taken back. `None`: only on demand.
    pub lease: Option<u64>,
}

impl Policy {
    fn retains(&self) -> bool {
        self.versions > 0 || !self.age.is_zero()
    }

    /// The lowest stamp that a lease may have at root `published` without being taken back.
    pub(super) fn oldest_lease(&self, published: u64) -> u64 {
        self.lease.map_or(0, |behind| published.saturating_sub(behind))
    }
}

/// See the module header.
#[derive(Debug, Default)]
pub(super) struct Retention {
    policy: Policy,
    ages: Option<Box<Ages>>,
    /// Every version from here on can be opened by number. Only rises. Not used without a policy that retains.
    low: AtomicU64,
}

impl Retention {
    /// Of a map that has nothing older than the version `first`.
    pub(super) fn new(policy: Policy, first: u64) -> Self {
        let ages = (!policy.age.is_zero()).then(|| Box::new(Ages::new(policy.age)));
        Self { policy, ages, low: AtomicU64::new(first) }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The oldest version that can be opened by number now; what is retained by nothing is the newest one alone.
    pub(super) fn oldest(&self, published: u64) -> u64 {
        if self.policy.retains() { self.low.load(Ordering::Relaxed) } else { published }
    }

    /// Notes that every version below `published` has been superseded by now.
    pub(super) fn note_age(&self, published: u64) {
        if let Some(ages) = &self.ages {
            ages.note(published);
        }
    }

    /// Lets go of what is old enough at root `published`. Returns a floor for the scan that follows: nothing superseded
    /// after it is garbage. `None`: nothing is retained.
    pub(super) fn raise(&self, published: u64) -> Option<u64> {
        if !self.policy.retains() {
            return None;
        }
        let by_number = match self.policy.versions {
            0 => u64::MAX,
            versions => published.saturating_sub(versions),
        };
        let by_age = self.ages.as_ref().map_or(u64::MAX, |ages| ages.observe(published));
        let (goal, low) = (by_number.min(by_age), self.low.load(Ordering::Relaxed));
        // In steps of an eighth, so that not every scan writes the line.
        if goal > low + self.policy.versions / 8 {
            return Some(self.low.fetch_max(goal, Ordering::Relaxed).max(goal));
        }
        Some(low)
    }
}
