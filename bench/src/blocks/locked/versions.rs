//! What the transactions of a block wrote, under a lock for each key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

use super::store::{Writes, onward};

/// What a transaction left under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    /// A value, or that there is none.
    Written { run: u32, value: Option<Vec<u8>> },
    /// The run was in vain; the next one will probably write here.
    Estimate,
}

/// The cells of one key, by index of the writer.
type Item = RwLock<BTreeMap<usize, Cell>>;

/// What a reader finds in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No transaction below wrote the key.
    Nothing,
    /// What the nearest one below wrote.
    Written(Option<Vec<u8>>),
    /// The nearest one below has to run again.
    Estimate(usize),
}

/// The multi-version store of a block.
#[derive(Debug, Default)]
pub struct Versions {
    items: RwLock<BTreeMap<Vec<u8>, Arc<Item>>>,
    /// Which keys each transaction wrote when it last ran.
    written: Mutex<BTreeMap<usize, Vec<Vec<u8>>>>,
}

fn below(item: &Item, index: usize) -> Found {
    match item.read().expect("no writer died").range(..index).next_back() {
        None => Found::Nothing,
        Some((_, Cell::Written { value, .. })) => Found::Written(value.clone()),
        Some((writer, Cell::Estimate)) => Found::Estimate(*writer),
    }
}

impl Versions {
    fn item(&self, key: &[u8]) -> Option<Arc<Item>> {
        self.items.read().expect("no writer died").get(key).cloned()
    }

    /// What transaction `index` finds under `key`.
    pub fn read(&self, key: &[u8], index: usize) -> Found {
        self.item(key).map_or(Found::Nothing, |item| below(&item, index))
    }

    /// What transaction `index` finds from `from` on, eagerly and to the end of the block's keys: whoever scans cannot know how many
    /// of them are deletions.
    ///
    /// # Errors
    /// The index of a transaction that has to run again first.
    pub fn scan(&self, from: &[u8], index: usize) -> Result<Writes, usize> {
        let items = self.items.read().expect("no writer died");
        let mut found = Writes::new();
        for (key, item) in items.range::<[u8], _>(onward(from)) {
            match below(item, index) {
                Found::Nothing => {}
                Found::Written(value) => {
                    found.insert(key.clone(), value);
                }
                Found::Estimate(writer) => return Err(writer),
            }
        }
        Ok(found)
    }

    /// Puts what run `run` of transaction `index` wrote in place of what the run before did; tells whether a key is new to it.
    pub fn publish(&self, index: usize, run: u32, writes: Writes) -> bool {
        let before = {
            let mut written = self.written.lock().expect("no writer died");
            let keys = writes.keys().cloned().collect();
            written.insert(index, keys).unwrap_or_default()
        };
        for key in before.iter().filter(|key| !writes.contains_key(*key)) {
            if let Some(item) = self.item(key) {
                item.write().expect("no writer died").remove(&index);
            }
        }
        let mut is_wider = false;
        for (key, value) in writes {
            is_wider |= before.binary_search(&key).is_err();
            let item = self.item(&key).unwrap_or_else(|| {
                let mut items = self.items.write().expect("no writer died");
                Arc::clone(items.entry(key).or_default())
            });
            item.write().expect("no writer died").insert(index, Cell::Written { run, value });
        }
        is_wider
    }

    /// Marks what transaction `index` wrote as estimates.
    pub fn mark(&self, index: usize) {
        let written = self.written.lock().expect("no writer died");
        for key in written.get(&index).into_iter().flatten() {
            if let Some(item) = self.item(key) {
                item.write().expect("no writer died").insert(index, Cell::Estimate);
            }
        }
    }

    /// What the whole block wrote.
    pub fn last(&self) -> Writes {
        let items = self.items.read().expect("no writer died");
        let last = |item: &Item| match below(item, usize::MAX) {
            Found::Written(value) => Some(value),
            Found::Nothing | Found::Estimate(_) => None,
        };
        items.iter().filter_map(|(key, item)| Some((key.clone(), last(item)?))).collect()
    }
}
