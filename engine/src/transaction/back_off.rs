//! Waiting, for a bounded time, after a conflict and before an elder.

use crate::shared::{Elder, Turns};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// Conflicts after which a transaction claims to be the elder.
const ELDER_AFTER: u32 = 4;
/// For so long others hold back for a new elder. Doubled with each further conflict of the elder.
const PATIENCE: Duration = Duration::from_micros(250);
/// How often that is doubled at most: up to 16 ms.
const PATIENCE_DOUBLINGS: u64 = 6;
/// What a thread that holds back lets other threads run for, before it looks again.
const LOOK_EVERY: Duration = Duration::from_micros(50);

/// The longest back-off after one conflict. Doubled with each further one.
const BACK_OFF: Duration = Duration::from_micros(2);
/// How often that is doubled at most: up to 1 ms.
const BACK_OFF_DOUBLINGS: u32 = 9;
/// For less than this a thread does not go to sleep, which would take longer.
const SHORT: Duration = Duration::from_micros(20);

/// The attempts of one transaction, and the waiting between them.
///
/// *Back-off.* After a conflict: a random time, up to 1 ms. *Elder.* After four conflicts a transaction
/// [claims](Turns::claim) that others hold back before they begin; from then on it does not wait itself. Others hold back
/// for 16 ms at most before each attempt, whatever the elder does.
#[derive(Debug)]
pub(super) struct Attempts<'s> {
    turns: &'s Turns,
    failed: u32,
    elder: Option<Elder<'s>>,
    /// The state of the random numbers; zero: none was needed yet.
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

    /// Before an attempt: holds back while somebody else is the elder.
    pub(super) fn hold_back(&self) {
        if self.elder.is_some() || self.turns.elder().is_none() {
            return;
        }
        let begin = Instant::now();
        while let Some(lost) = self.turns.elder() {
            let doublings = lost.saturating_sub(ELDER_AFTER.into()).min(PATIENCE_DOUBLINGS);
            let left = (PATIENCE * (1 << doublings)).saturating_sub(begin.elapsed());
            if left.is_zero() {
                return;
            }
            wait(left.min(LOOK_EVERY));
        }
    }

    /// After a conflict.
    pub(super) fn back_off(&mut self) {
        self.failed = self.failed.saturating_add(1);
        if self.failed < ELDER_AFTER {
            return self.wait_at_random();
        }
        let lost = self.failed.into();
        match &self.elder {
            Some(elder) => elder.has_lost(lost),
            None => self.elder = self.turns.claim(lost),
        }
        if self.elder.is_none() {
            self.wait_at_random();
        }
    }

    fn wait_at_random(&mut self) {
        let most = BACK_OFF * (1 << self.failed.saturating_sub(1).min(BACK_OFF_DOUBLINGS));
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        wait(Duration::from_nanos(self.random() % most.max(1)));
    }

    /// A step of xorshift64; the seed is that of a hash map.
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
    if time >= SHORT {
        std::thread::sleep(time);
        return;
    }
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}
