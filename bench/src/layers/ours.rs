//! Our overlays.

use super::{Entry, Stack};
use engine::{Overlay, Store, WriteBatch};

/// An overlay over a store in memory.
#[derive(Debug, Clone)]
pub struct Ours(Overlay);

impl Stack for Ours {
    fn over(entries: &[Entry]) -> Self {
        let store = Store::in_memory();
        let mut batch = WriteBatch::new();
        for (key, value) in entries {
            batch.put(key, value);
        }
        store.commit(&batch).expect("small keys and values");
        Self(store.overlay())
    }

    fn child(&self) -> Self {
        Self(self.0.overlay())
    }

    fn put(&self, key: &[u8], value: &[u8]) {
        self.0.put(key, value).expect("a small key and value");
    }

    fn get(&self, key: &[u8]) -> Option<usize> {
        self.0.get(key).expect("reads of a store in memory").map(|value| value.len())
    }

    fn first(&self, entries: usize) -> usize {
        let read = self.0.iter().take(entries).map(|entry| entry.expect("as above"));
        read.filter(|(key, _)| !key.is_empty()).count()
    }

    fn flush(&self) {
        self.0.flush().expect("an open store");
    }
}
