//! What several test files share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use engine::{Error, Key, Value};
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

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Copies of what an iterator yields.
pub fn rows<'s>(entries: impl Iterator<Item = Result<(Key<'s>, Value<'s>), Error>>) -> Vec<Row> {
    entries.map(|entry| entry.unwrap()).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// A row of text.
pub fn row(key: &str, value: &str) -> Row {
    (key.into(), value.into())
}

/// A number from a value that is its decimal digits.
pub fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

/// What the map below refused.
pub fn of_map(error: Error) -> epoch_store::Error {
    match error {
        Error::Map(error) => error,
        error => panic!("not of the map: {error:?}"),
    }
}
