//! The one door to atomics, cells, fences and thread identity.
//!
//! *Role.* Everything shared in this crate is built from the types re-exported here, so that the very same protocol
//! code runs on the machine (`std`) and inside a model checker (`loom`, under `--cfg epoch_loom`).
//! No other module may name `std::sync` (`clippy.toml` enforces it).
//!
//! *Sites.* A memory ordering that a proof depends on is written `ord!("site", Release)`. On the machine that is the
//! plain ordering; in a model, the environment variable `EPOCH_MUTANT=site` turns it into `Relaxed`, and the model
//! that claims to check the site must then fail. `mutant!("name")` does the same for a step of a protocol that a
//! mutant leaves out, and [`fence_at`] for a fence. All three cost nothing outside a model. In a build for
//! ThreadSanitizer (`--cfg epoch_tsan`, `ci/tsan.sh`) the first two work as in a model: it has to report some of them.
//!
//! *Fences.* `SeqCst` appears only as a fence: model checkers and the C11 model agree on fences, not on accesses.

#[cfg(any(epoch_loom, epoch_tsan))]
mod faults;
#[cfg(not(epoch_loom))]
mod machine;
#[cfg(epoch_loom)]
mod model;
mod pause;
pub mod prefetch;
mod segments;
mod serial;
pub mod threads;

#[cfg(not(epoch_loom))]
pub use machine::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, Tracked,
    fence_at, ordering, relax, seeded, set_slot_hint, slot_hint, thread_hint, zeroed_slots,
};
#[cfg(epoch_loom)]
pub use model::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, Tracked, fence,
    fence_at, ordering, relax, seeded, set_slot_hint, slot_hint, thread_hint, zeroed_slots,
};
pub use pause::pause;
#[cfg(feature = "pause-points")]
pub use pause::with_pauses;
pub use segments::{SEGMENTS, Segments};
pub use serial::serial_number;

/// The ordering of a named site (see the module header).
macro_rules! ord {
    ($site:literal, $ordering:ident) => {
        $crate::sync::ordering($site, $crate::sync::Ordering::$ordering)
    };
}
pub(crate) use ord;

/// Whether a model has seeded the named fault (always false outside a model).
macro_rules! mutant {
    ($name:literal) => {
        $crate::sync::seeded($name)
    };
}
pub(crate) use mutant;
