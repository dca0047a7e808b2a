//! Waiting, for a bounded time, after a conflict and before an elder.

use crate::shared::{Elder, Turns};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Conflicts after which a transaction claims to be the elder.
const ELDER_AFTER: u32 = 4;
/// Before each attempt others look so often whether the elder has ended; between two looks they let other threads run.
const LOOKS: u32 = 64;
/// The last looks are so far apart.
const PAUSE: Duration = Duration::from_micros(50);
/// Looks without a pause between them.
const QUICK_LOOKS: u32 = 48;
/// The longest back-off after a conflict, as a power of two of [`UNIT`].
const MOST_DOUBLINGS: u32 = 10;
/// The shortest back-off.
const UNIT: Duration = Duration::from_micros(1);
/// Up to so long a thread does not go to sleep, which would take longer.
const SHORT: Duration = Duration::from_micros(20);

/// The turns of one transaction: its attempts, and the waiting between them.
///
/// *Back-off.* After the `n`-th conflict: a random time up to 2ⁿ microseconds, at most one millisecond. *Elder.* After four
/// conflicts a transaction [claims](Turns::claim) that others hold back before they begin; it does not wait itself from
/// then on. Others hold back for about a millisecond at most per attempt, whatever the elder does.
#[derive(Debug)]
pub(super) struct Attempts<'s> {
    turns: &'s Turns,
    failed: u32,
    elder: Option<Elder<'s>>,
    random: u64,
}

impl<'s> Attempts<'s> {
    pub(super) fn new(turns: &'s Turns) -> Self {
        Self { turns, failed: 0, elder: None, random: 0 }
    }

    /// How many have met a conflict.
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    /// Before an attempt: holds back while there is an elder.
    pub(super) fn hold_back(&self) {
        if self.elder.is_some() {
            return;
        }
        for look in 0..LOOKS {
            if !self.turns.has_elder() {
                return;
            }
            if look < QUICK_LOOKS { std::thread::yield_now() } else { std::thread::sleep(PAUSE) }
        }
    }

    /// After a conflict.
    pub(super) fn back_off(&mut self) {
        self.failed = self.failed.saturating_add(1);
        if self.failed >= ELDER_AFTER && self.elder.is_none() {
            self.elder = self.turns.claim();
        }
        if self.elder.is_none() {
            let most = UNIT * (1 << self.failed.min(MOST_DOUBLINGS));
            let nanos = self.random() % most.as_nanos().max(1) as u64;
            wait(Duration::from_nanos(nanos));
        }
    }

    /// A step of xorshift64; the seed is that of hash maps.
    fn random(&mut self) -> u64 {
        if self.random == 0 {
            self.random = RandomState::new().build_hasher().finish() | 1;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

fn wait(time: Duration) {
    if time > SHORT {
        std::thread::sleep(time);
        return;
    }
    let begin = std::time::Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}
