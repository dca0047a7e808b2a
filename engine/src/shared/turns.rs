//! Who goes first on a hot key.
//!
//! A transaction that lost against others several times claims to be the *elder*: one word holds its number, set by a
//! compare-exchange from zero and cleared by the same transaction when it has ended. Others look at the word before they
//! begin, and hold back for a bounded time while it is set. It is advice, and nothing rests on it: an elder that sleeps
//! delays each attempt of others by that time, and stops nobody.

use epoch_store::atomics::{AtomicU64, Ordering};

/// Nobody's number.
const NOBODY: u64 = 0;

/// See the module header. All accesses are relaxed: the words guard no other memory.
#[derive(Debug, Default)]
pub struct Turns {
    elder: AtomicU64,
    /// The last number that was given out.
    numbers: AtomicU64,
}

impl Turns {
    /// A number that no other transaction of this store has.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether there is an elder.
    pub fn has_elder(&self) -> bool {
        self.elder.load(Ordering::Relaxed) != NOBODY
    }

    /// Becomes the elder, unless there is one.
    pub fn claim(&self) -> Option<Elder<'_>> {
        if self.has_elder() {
            return None;
        }
        let number = self.number();
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        self.elder.compare_exchange(NOBODY, number, success, failure).ok()?;
        Some(Elder { turns: self })
    }
}

/// The claim of the elder, which is given back on drop.
#[derive(Debug)]
pub struct Elder<'s> {
    turns: &'s Turns,
}

impl Drop for Elder<'_> {
    fn drop(&mut self) {
        self.turns.elder.store(NOBODY, Ordering::Relaxed);
    }
}
