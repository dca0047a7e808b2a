//! `std::collections::BTreeMap`, one thread, no lock, no versions: the limit for a map that may
//! ignore everything concurrency costs.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

use super::tree_view::TreeView;
use super::{Contender, LockedBTree, Shape, Snapshots, Writer};
use crate::workload::Value;

/// The map behind a `RefCell`, since the trait writes through `&self`; its check costs a nanosecond
/// per write, and views take it once.
pub struct BTree<S: Shape> {
    map: RefCell<BTreeMap<S::Key, S::Value>>,
}

impl<S: Shape> Contender for BTree<S> {
    const SNAPSHOTS: Snapshots = Snapshots::Blocking;
    const ATOMIC_COMMITS: bool = false;

    type View<'a> = TreeView<S, Ref<'a, BTreeMap<S::Key, S::Value>>>;
    type Writer<'a> = &'a BTree<S>;
    // Never handed out: `shared` says that only one thread may use this map.
    type Shared = LockedBTree<S>;

    fn empty() -> Self {
        BTree { map: RefCell::new(BTreeMap::new()) }
    }

    fn view(&self) -> Self::View<'_> {
        TreeView::new(self.map.borrow())
    }

    fn writer(&self) -> Self::Writer<'_> {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.borrow().get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn shared(&self) -> Option<&LockedBTree<S>> {
        None
    }
}

impl<S: Shape> Writer for &BTree<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        self.map.borrow_mut().insert(S::key(key), S::value(value));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let mut map = self.map.borrow_mut();
        for (key, value) in ops {
            map.insert(S::key(key), S::value(&value));
        }
    }
}
