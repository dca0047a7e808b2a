//! What several test files share.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod decode;
pub mod keys;
pub mod model;
pub mod tape;
pub mod world;

use std::fmt::Display;
use std::str::FromStr;

/// A number from the environment: how a run is repeated or made longer.
pub fn env_or<T: FromStr + Display>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A random generator whose seed is printed, and can be given again in `SEED`.
pub fn random() -> fastrand::Rng {
    let seed = env_or("SEED", fastrand::u64(..));
    println!("to repeat this run: SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// A number of rounds: fewer without optimization, more with `STRESS=n`.
pub fn rounds(optimized: usize) -> usize {
    let rounds = if cfg!(debug_assertions) { optimized / 4 } else { optimized };
    rounds.max(1) * env_or("STRESS", 1)
}

/// A big-endian number: keys that sort as their numbers do.
pub fn key_of(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}
