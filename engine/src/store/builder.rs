//! Choices made before a store exists.

use super::Store;
use crate::Error;
use crate::shared::{Options, Shared};
use std::sync::Arc;

/// Builds a [`Store`] with choices; see [`Store::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    map: epoch_store::Builder,
    max_batch_len: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self { map: epoch_store::Builder::default(), max_batch_len: 1 << 24 }
    }
}

impl Builder {
    /// The most writes that a batch may have; a larger one is refused. Default: 16,777,216.
    #[must_use]
    pub fn max_batch_len(mut self, writes: usize) -> Self {
        self.max_batch_len = writes;
        self
    }

    /// The store.
    pub fn open(self) -> Result<Store, Error> {
        let max_batch_len = self.max_batch_len;
        let map = self.map.max_batch_len(max_batch_len.saturating_add(1));
        Ok(Store::from_shared(Arc::new(Shared::open(Options { map, max_batch_len })?)))
    }
}
