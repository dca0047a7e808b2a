//! The key-value contract of chain applications, and what is put around a store that keeps it: prefixes and observers.
//!
//! Everything here works on what a trait object can do: keys and values are copied, and iterators are boxed.

mod contract;
mod implementations;
mod observed;
mod prefixed;

pub use contract::{KvEntries, KvStore};
pub use observed::{Observed, Observer, ObserverError};
pub use prefixed::Prefixed;
