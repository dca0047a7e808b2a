//! Numbers that are given out once per process.
//!
//! They are no part of any protocol, so they come from a plain `std` atomic also in models, where they add no interleavings.

#![allow(
    clippy::disallowed_types,
    reason = "outside every protocol; must stay invisible to models"
)]

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that no other call in this process returns.
pub fn serial_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
