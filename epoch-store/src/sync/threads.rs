//! Threads, as the crew needs them: `std`'s on the machine, loom's in a model.
//!
//! Parking is a token, no lock: [`Thread::unpark`] leaves one, [`park`] takes it or sleeps until there is one, and may return
//! without any. Whoever unparks happens before the return of the `park` that takes his token.

#[cfg(epoch_loom)]
pub use loom::thread::{JoinHandle, Thread, current, park};
#[cfg(not(epoch_loom))]
pub use std::thread::{JoinHandle, Thread, current, park};

/// Starts a thread.
#[cfg(not(epoch_loom))]
pub fn spawn(
    name: String,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(body)
}

/// Starts a thread of the model.
#[cfg(epoch_loom)]
pub fn spawn(_: String, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    Ok(loom::thread::spawn(body))
}
