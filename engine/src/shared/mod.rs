//! What all handles of a store share.

use crate::Error;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a name that users cannot give to a key space begins with.
const RESERVED: char = '\0';
/// The name of the key space that the engine keeps for itself.
const HIDDEN_SPACE: &str = "\0engine";

/// See the module header.
pub struct Shared {
    map: epoch_store::Map,
    /// Keys of the engine itself: users can neither open nor list this space.
    hidden: epoch_store::KeySpace,
    max_batch_len: usize,
    closed: AtomicBool,
}

/// What a user chose.
pub struct Options {
    pub map: epoch_store::Builder,
    pub max_batch_len: usize,
}

impl Shared {
    pub fn open(options: Options) -> Result<Self, Error> {
        let map = options.map.build();
        let hidden = map.key_space(HIDDEN_SPACE)?;
        let max_batch_len = options.max_batch_len;
        Ok(Self { map, hidden, max_batch_len, closed: AtomicBool::new(false) })
    }

    /// The map, to read.
    pub fn map(&self) -> &epoch_store::Map {
        &self.map
    }

    /// The map, for a commit of so many writes.
    pub fn admit(&self, writes: usize) -> Result<&epoch_store::Map, Error> {
        if self.is_closed() {
            return Err(Error::Closed);
        }
        let max = self.max_batch_len;
        if writes > max {
            return Err(epoch_store::Error::BatchTooLarge { len: writes, max }.into());
        }
        Ok(&self.map)
    }

    pub fn hidden(&self) -> &epoch_store::KeySpace {
        &self.hidden
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Whether the engine keeps this name of a key space for itself.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}
