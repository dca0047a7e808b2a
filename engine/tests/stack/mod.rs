//! What the tests of overlays share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use engine::Error;
use std::ops::Bound;

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A random generator whose seed is printed, and can be given again in `SEED`.
pub fn seeded() -> fastrand::Rng {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat this run: SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Copies of what an iterator yields.
pub fn entries<K: Into<Vec<u8>>, V: Into<Vec<u8>>>(
    iterator: impl Iterator<Item = Result<(K, V), Error>>,
) -> Result<Vec<Row>, Error> {
    iterator.map(|entry| entry.map(|(key, value)| (key.into(), value.into()))).collect()
}

/// Bounds of every kind, among keys of one byte below 40 or so; sometimes inverted.
pub fn bound_pair(rng: &mut fastrand::Rng) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut bound = || {
        let key = vec![rng.u8(..45)];
        match rng.u8(..3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(key),
            _ => Bound::Excluded(key),
        }
    };
    (bound(), bound())
}
