//! Who goes first on a hot key.
//!
//! A transaction that has lost against others several times claims to be the *elder*: one word, zero as long as there is
//! none, says how often the elder has lost. It is set by a compare-exchange from zero, and cleared when the elder has
//! ended. Others look at it before they begin, and hold back for a bounded time, longer the more often the elder has lost.
//! It is advice, and nothing rests on it: an elder that sleeps delays each attempt of others by that time, and stops nobody.

use epoch_store::atomics::{AtomicU64, Ordering};

/// See the module header. All accesses are relaxed: the word guards no other memory.
#[derive(Debug, Default)]
pub struct Turns {
    lost: AtomicU64,
}

impl Turns {
    /// How often the elder has lost, if there is one.
    pub fn elder(&self) -> Option<u64> {
        let lost = self.lost.load(Ordering::Relaxed);
        (lost > 0).then_some(lost)
    }

    /// Becomes the elder after it has `lost`, unless there is one.
    pub fn claim(&self, lost: u64) -> Option<Elder<'_>> {
        if self.elder().is_some() {
            return None;
        }
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        self.lost.compare_exchange(0, lost.max(1), success, failure).ok()?;
        Some(Elder { turns: self })
    }
}

/// The claim of the elder, which is given back on drop.
#[derive(Debug)]
pub struct Elder<'s> {
    turns: &'s Turns,
}

impl Elder<'_> {
    /// It has lost again.
    pub fn has_lost(&self, lost: u64) {
        self.turns.lost.store(lost.max(1), Ordering::Relaxed);
    }
}

impl Drop for Elder<'_> {
    fn drop(&mut self) {
        self.turns.lost.store(0, Ordering::Relaxed);
    }
}
