//! Choices made before a map exists.

use super::Map;
use crate::store::{Options, StoreRef};

/// Builds a [`Map`] with choices; see [`Map::builder`].
#[derive(Debug, Clone, Default)]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// The most writes that a batch may have; a larger one is refused. Default: 16,777,216.
    ///
    /// A commit that comes after a large one waits for it: this bounds how long.
    #[must_use]
    pub fn max_batch_len(mut self, writes: usize) -> Self {
        self.options.max_batch_len = writes;
        self
    }

    /// The map.
    pub fn build(self) -> Map {
        Map::from_store(StoreRef::new(self.options))
    }
}
