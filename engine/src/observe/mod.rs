//! What the engine tells about itself: contention, spans and metrics.
//!
//! *Picture.* Three things, of which only the first is in every build:
//!
//! ```text
//! a conflict, a retry ──► Tally: counters, and a small table of hot keys      Store::contention
//! a commit, flush, .. ──► spans and events        feature `tracing`           the host's subscriber
//! Store::publish_metrics ──► counters and gauges  feature `metrics`           the host's recorder
//! ```
//!
//! *Cost.* Reads are never observed. What happens all the time, commits above all, is counted by the map below in counters
//! that each thread keeps for itself, so metrics are *pulled*: whoever calls [`Store::publish_metrics`](crate::Store) pays, and
//! nobody else. The tally is written on a conflict only, when work has been lost already. Spans cost what `tracing` takes
//! to find that nobody listens; without the feature their functions have empty bodies, and nothing is left of them.

mod contention;
mod hot_keys;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg_attr(not(feature = "tracing"), path = "silence.rs")]
mod spans;

pub use contention::{Contention, Tally};
pub use hot_keys::HotKey;
#[cfg(feature = "metrics")]
pub use metrics::publish;
pub use spans::{commit, conflict, exhausted, flush, maintain, retry, slow_reader};
