//! `crossbeam_skiplist::SkipMap`: the lock-free ordered map most Rust programs know.
//!
//! Release 0.1.3 loses keys for an instant while they are overwritten (crossbeam issue 1023, fixed
//! after that release), so lost reads are counted here, and every overwriting row compares with a
//! map that does less than it promises.

use std::ops::Bound;

use crossbeam_skiplist::SkipMap;

use super::{Contender, Shape, Snapshots, View, Writer, free_retired};
use crate::workload::Value;

/// The skip list.
pub struct SkipList<S: Shape> {
    map: SkipMap<S::Key, S::Value>,
}

impl<S: Shape> Contender for SkipList<S> {
    const SNAPSHOTS: Snapshots = Snapshots::None;
    const ATOMIC_COMMITS: bool = false;
    const LOSES_KEYS: bool = true;

    type View<'a> = &'a SkipList<S>;
    type Writer<'a> = &'a SkipList<S>;
    type Shared = SkipList<S>;

    fn empty() -> Self {
        SkipList { map: SkipMap::new() }
    }

    fn view(&self) -> &Self {
        self
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.get(S::query(key)).map(|entry| see(entry.value().as_ref()))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }

    fn settle(&self) {
        free_retired();
    }
}

impl<S: Shape> View for &SkipList<S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.get_newest(key, see)
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.map.iter() {
            see(S::bytes(entry.key()), entry.value().as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.map.iter().rev() {
            see(S::bytes(entry.key()), entry.value().as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for entry in self.map.range::<S::Query, _>(bounds).take(limit) {
            see(S::bytes(entry.key()), entry.value().as_ref());
        }
    }
}

impl<S: Shape> Writer for &SkipList<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        self.map.insert(S::key(key), S::value(value));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        for (key, value) in ops {
            self.put(key, &value);
        }
    }
}
