//! `scc::TreeIndex`: a concurrent B+tree whose readers take no lock. It has no versions, and a reader may still see what
//! was just removed; an overwrite removes and inserts.

use std::ops::Bound;

use scc::Guard;

use super::{Contender, Shape, Snapshots, View, Writer};
use crate::workload::Value;

/// The tree.
pub struct TreeIndex<S: Shape> {
    map: scc::TreeIndex<S::Key, S::Value>,
}

impl<S: Shape> Contender for TreeIndex<S> {
    const SNAPSHOTS: Snapshots = Snapshots::None;
    const ATOMIC_COMMITS: bool = false;

    type View<'a> = TreeIndexView<'a, S>;
    type Writer<'a> = &'a TreeIndex<S>;
    type Shared = TreeIndex<S>;

    fn empty() -> Self {
        TreeIndex { map: scc::TreeIndex::new() }
    }

    fn view(&self) -> TreeIndexView<'_, S> {
        TreeIndexView { map: &self.map, guard: Guard::new() }
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.peek_with(S::query(key), |_, value| see(value.as_ref()))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<S: Shape> Writer for &TreeIndex<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        self.map.upsert_sync(S::key(key), S::value(value));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        for (key, value) in ops {
            self.put(key, &value);
        }
    }
}

/// A reader under one guard: no fixed state, but the guard is paid for once and not per read.
pub struct TreeIndexView<'a, S: Shape> {
    map: &'a scc::TreeIndex<S::Key, S::Value>,
    guard: Guard,
}

impl<S: Shape> View for TreeIndexView<'_, S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.peek(S::query(key), &self.guard).map(|value| see(value.as_ref()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.map.iter(&self.guard) {
            see(S::bytes(key), value.as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.map.iter(&self.guard).rev() {
            see(S::bytes(key), value.as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for (key, value) in self.map.range::<S::Query, _>(bounds, &self.guard).take(limit) {
            see(S::bytes(key), value.as_ref());
        }
    }
}
