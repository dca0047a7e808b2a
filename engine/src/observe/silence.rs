//! In place of `spans.rs`, without the feature `tracing`: the same functions, of which the compiler leaves nothing.

use crate::{Conflict, Error, Version};

/// Only applies.
#[inline(always)]
pub fn commit<E>(_writes: usize, apply: impl FnOnce() -> Result<Version, E>) -> Result<Version, E> {
    apply()
}

/// Only moves the layer.
#[inline(always)]
pub fn flush(
    _depth: u64,
    move_down: impl FnOnce() -> Result<Version, Error>,
) -> Result<Version, Error> {
    move_down()
}

/// Only collects.
#[inline(always)]
pub fn maintain(collect: impl FnOnce() -> usize) -> usize {
    collect()
}

/// Says nothing.
#[inline(always)]
pub fn conflict(_conflict: &Conflict) {}

/// Says nothing.
#[inline(always)]
pub fn retry(_attempts: u32) {}

/// Says nothing.
#[inline(always)]
pub fn exhausted(_attempts: u32) {}

/// Says nothing.
#[inline(always)]
pub fn slow_reader(_version: Version, _behind: u64) {}
