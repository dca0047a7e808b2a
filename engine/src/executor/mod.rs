//! The parallel executor.

pub mod scheduler;
