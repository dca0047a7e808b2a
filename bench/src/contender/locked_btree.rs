//! `RwLock<BTreeMap>`: the map most programs start with. A reader that needs a fixed state stops
//! every writer for as long as it reads.

use std::collections::BTreeMap;

use parking_lot::{RwLock, RwLockReadGuard};

use super::tree_view::TreeView;
use super::{Contender, Shape, Snapshots, Writer};
use crate::workload::Value;

/// The map under parking_lot's lock (uncontended, the cheaper of the two common ones).
pub struct LockedBTree<S: Shape> {
    map: RwLock<BTreeMap<S::Key, S::Value>>,
}

impl<S: Shape> LockedBTree<S> {
    /// What is measured, for what only some programs ask.
    pub fn map(&self) -> &RwLock<BTreeMap<S::Key, S::Value>> {
        &self.map
    }
}

impl<S: Shape> Contender for LockedBTree<S> {
    const SNAPSHOTS: Snapshots = Snapshots::Blocking;
    const ATOMIC_COMMITS: bool = true;
    const UPDATES: bool = true;

    type View<'a> = TreeView<S, RwLockReadGuard<'a, BTreeMap<S::Key, S::Value>>>;
    type Writer<'a> = &'a LockedBTree<S>;
    type Shared = LockedBTree<S>;

    fn empty() -> Self {
        LockedBTree { map: RwLock::new(BTreeMap::new()) }
    }

    #[inline]
    fn view(&self) -> Self::View<'_> {
        TreeView::new(self.map.read())
    }

    fn writer(&self) -> Self::Writer<'_> {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.read().get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<S: Shape> Writer for &LockedBTree<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        // Allocate before locking and free after it: both would only lengthen the exclusive part.
        let (key, value) = (S::key(key), S::value(value));
        let old = self.map.write().insert(key, value);
        drop(old);
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let mut map = self.map.write();
        for (key, value) in ops {
            map.insert(S::key(key), S::value(&value));
        }
    }

    fn update(&mut self, key: &[u8], mut change: impl FnMut(&[u8]) -> Value) -> u64 {
        let mut map = self.map.write();
        let held = map.get_mut(S::query(key)).expect("only keys that are there are updated");
        *held = S::value(&change(held.as_ref()));
        0
    }
}
