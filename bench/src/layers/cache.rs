//! A cache layer as chains have it, ported in spirit: writes in an ordered map behind a lock, reads through to the parent, an
//! iterator that copies what it will yield when it is opened.

use super::{Entry, Stack};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a layer has: a value, or a delete.
type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A layer, or the store at the bottom.
#[derive(Debug, Clone)]
pub struct Cache {
    layer: Arc<Layer>,
}

#[derive(Debug)]
struct Layer {
    writes: RwLock<Writes>,
    parent: Option<Arc<Layer>>,
}

impl Layer {
    fn above(parent: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { writes: RwLock::default(), parent })
    }

    /// Everything that the layer shows: a copy of what lies below, with its own writes on top.
    fn copy(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut shown = self.parent.as_ref().map(|parent| parent.copy()).unwrap_or_default();
        for (key, value) in &*self.writes.read() {
            match value {
                Some(value) => shown.insert(key.clone(), value.clone()),
                None => shown.remove(key),
            };
        }
        shown
    }
}

impl Stack for Cache {
    fn over(entries: &[Entry]) -> Self {
        let entries = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        let store = Layer { writes: RwLock::new(entries.collect()), parent: None };
        Self { layer: Layer::above(Some(Arc::new(store))) }
    }

    fn child(&self) -> Self {
        Self { layer: Layer::above(Some(self.layer.clone())) }
    }

    fn put(&self, key: &[u8], value: &[u8]) {
        self.layer.writes.write().insert(key.to_vec(), Some(value.to_vec()));
    }

    fn get(&self, key: &[u8]) -> Option<usize> {
        let mut layer = Some(&self.layer);
        while let Some(here) = layer {
            if let Some(value) = here.writes.read().get(key) {
                return value.clone().map(|value| value.len());
            }
            layer = here.parent.as_ref();
        }
        None
    }

    fn first(&self, entries: usize) -> usize {
        self.layer.copy().iter().take(entries).filter(|(key, _)| !key.is_empty()).count()
    }

    fn flush(&self) {
        let Some(parent) = &self.layer.parent else { return };
        let moved = std::mem::take(&mut *self.layer.writes.write());
        parent.writes.write().extend(moved);
    }
}

// A stack is dropped by a loop, not by recursion: it may be a thousand layers deep.
impl Drop for Layer {
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(mut layer) = next.and_then(Arc::into_inner) {
            next = layer.parent.take();
        }
    }
}
