//! Random numbers whose seed is printed.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::ops::Bound;

/// A random generator; its seed is printed, and can be given again in `SEED`.
pub fn random() -> fastrand::Rng {
    let given = std::env::var("SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat this run: SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// A short key over three letters: few keys, so that things meet, and many that are prefixes of others.
pub fn short_key(random: &mut fastrand::Rng) -> Vec<u8> {
    (0..random.usize(1..=3)).map(|_| b"abc"[random.usize(..3)]).collect()
}

/// A bound of any kind, at a short key.
pub fn bound(random: &mut fastrand::Rng) -> Bound<Vec<u8>> {
    match random.u8(..5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(short_key(random)),
        _ => Bound::Excluded(short_key(random)),
    }
}

/// Whether a key lies inside bounds.
pub fn contains(bounds: &(Bound<Vec<u8>>, Bound<Vec<u8>>), key: &[u8]) -> bool {
    let above = match &bounds.0 {
        Bound::Included(from) => key >= from.as_slice(),
        Bound::Excluded(from) => key > from.as_slice(),
        Bound::Unbounded => true,
    };
    let below = match &bounds.1 {
        Bound::Included(to) => key <= to.as_slice(),
        Bound::Excluded(to) => key < to.as_slice(),
        Bound::Unbounded => true,
    };
    above && below
}
