//! The store below: a tree behind one lock.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::RwLock;

use crate::blocks::state::Entries;

/// What a block found, or leaves: a value for each key, `None` where it is deleted.
pub type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// From `from` on.
pub fn onward(from: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(from), Bound::Unbounded)
}

/// A `RwLock<BTreeMap>`.
#[derive(Debug, Default)]
pub struct LockedStore(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl LockedStore {
    /// A store that holds these entries.
    pub fn load(entries: &[(Vec<u8>, Vec<u8>)]) -> LockedStore {
        LockedStore(RwLock::new(entries.iter().cloned().collect()))
    }

    /// All entries, in key order.
    pub fn entries(&self) -> Entries {
        let map = self.0.read().expect("no writer died");
        map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The value of `key`, copied.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.read().expect("no writer died").get(key).cloned()
    }

    /// The first `limit` entries from `from` on, copied under the lock.
    pub fn scan(&self, from: &[u8], limit: usize) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let map = self.0.read().expect("no writer died");
        let range = map.range::<[u8], _>(onward(from)).take(limit);
        range.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Applies what a block wrote.
    pub fn apply(&self, writes: Writes) {
        let mut map = self.0.write().expect("no writer died");
        for (key, value) in writes {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
    }
}
