//! Seeded faults, in builds that exist to be caught: models, and ThreadSanitizer's (`--cfg epoch_tsan`).

#![allow(clippy::disallowed_types, reason = "read once, in builds that nobody uses but the checks")]

use super::Ordering;
use std::sync::OnceLock;

/// Whether this fault is among those named in the environment, separated by commas.
pub fn seeded(name: &'static str) -> bool {
    static CHOSEN: OnceLock<Vec<String>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let names = std::env::var("EPOCH_MUTANT").unwrap_or_default();
        names.split(',').map(str::to_owned).collect()
    });
    chosen.iter().any(|chosen| chosen == name)
}

/// The ordering of a named site, or `Relaxed` when its mutant is chosen.
pub fn ordering(site: &'static str, ordering: Ordering) -> Ordering {
    if seeded(site) { Ordering::Relaxed } else { ordering }
}
