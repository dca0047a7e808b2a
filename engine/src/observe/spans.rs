//! Spans and events, with the feature `tracing`. Its twin, for builds without: `silence.rs`.
//!
//! All have the target `engine`. Levels: `TRACE` for what each write does, `DEBUG` for what happens now and then, `WARN` for what
//! somebody should look at. Keys are shown only by the event of a conflict, the first one; values never.

use crate::{Conflict, Error, Version};
use tracing::field::{Empty, display};
use tracing::{Level, debug, event, span, warn};

const TARGET: &str = "engine";

/// A span `commit` around one to the store, with its number of writes, and the version that it became.
#[inline]
pub fn commit<E>(writes: usize, apply: impl FnOnce() -> Result<Version, E>) -> Result<Version, E> {
    let span = span!(target: TARGET, Level::TRACE, "commit", writes, version = Empty);
    span.in_scope(|| {
        let result = apply();
        if let Ok(version) = &result {
            span.record("version", version.get());
        }
        result
    })
}

/// A span `flush` around moving a layer one level down, with the number of layers below it.
pub fn flush(
    depth: u64,
    move_down: impl FnOnce() -> Result<Version, Error>,
) -> Result<Version, Error> {
    let span = span!(target: TARGET, Level::DEBUG, "flush", depth, version = Empty);
    span.in_scope(|| {
        let result = move_down();
        match &result {
            Ok(version) => _ = span.record("version", version.get()),
            Err(error) => debug!(target: TARGET, %error, "a flush was refused"),
        }
        result
    })
}

/// A span `maintain` around a collection, with the number of versions cut.
pub fn maintain(collect: impl FnOnce() -> usize) -> usize {
    let span = span!(target: TARGET, Level::DEBUG, "maintain", cut = Empty);
    span.in_scope(|| {
        let cut = collect();
        span.record("cut", cut);
        cut
    })
}

/// A commit was refused for what it had read.
pub fn conflict(conflict: &Conflict) {
    let first = conflict.keys.first();
    let space = first.and_then(|key| key.space.as_deref());
    let key = first.map(|key| display(key.key.escape_ascii()));
    let since = conflict.since.get();
    event!(target: TARGET, Level::DEBUG, kind = ?conflict.kind, since, space, key, "conflict");
}

/// What met a conflict begins again.
pub fn retry(attempts: u32) {
    debug!(target: TARGET, attempts, "retry");
}

/// What met conflicts is given up.
pub fn exhausted(attempts: u32) {
    warn!(target: TARGET, attempts, "gave up after a conflict in each attempt");
}

/// A reader keeps old versions.
pub fn slow_reader(version: Version, behind: u64) {
    warn!(target: TARGET, version = version.get(), behind, "a slow reader keeps old versions");
}
