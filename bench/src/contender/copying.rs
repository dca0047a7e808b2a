//! `concread::bptree::BptreeMap`: a copy-on-write B+tree with read transactions of a fixed state and one writer at a
//! time, as the identity server kanidm uses it.

use std::ops::Bound;

use concread::bptree::{BptreeMap, BptreeMapReadTxn};

use super::{Contender, Shape, Snapshots, View, Writer};
use crate::workload::Value;

/// The tree.
pub struct Copying<S: Shape> {
    map: BptreeMap<S::Key, S::Value>,
}

impl<S: Shape> Contender for Copying<S> {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;
    const UPDATES: bool = true;

    type View<'a> = CopyingView<'a, S>;
    type Writer<'a> = &'a Copying<S>;
    type Shared = Copying<S>;

    fn empty() -> Self {
        Copying { map: BptreeMap::new() }
    }

    #[inline]
    fn view(&self) -> CopyingView<'_, S> {
        CopyingView { transaction: self.map.read() }
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.view().get(key, see)
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<S: Shape> Writer for &Copying<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        let (key, value) = (S::key(key), S::value(value));
        let mut transaction = self.map.write();
        transaction.insert(key, value);
        transaction.commit();
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let mut transaction = self.map.write();
        for (key, value) in ops {
            transaction.insert(S::key(key), S::value(&value));
        }
        transaction.commit();
    }

    fn update(&mut self, key: &[u8], mut change: impl FnMut(&[u8]) -> Value) -> u64 {
        let mut transaction = self.map.write();
        let old = transaction.get(S::query(key)).expect("only keys that are there are updated");
        let new = S::value(&change(old.as_ref()));
        transaction.insert(S::key(key), new);
        transaction.commit();
        0
    }
}

/// A read transaction.
pub struct CopyingView<'a, S: Shape> {
    transaction: BptreeMapReadTxn<'a, S::Key, S::Value>,
}

impl<S: Shape> View for CopyingView<'_, S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.transaction.get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.transaction.iter() {
            see(S::bytes(key), value.as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.transaction.iter().rev() {
            see(S::bytes(key), value.as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for (key, value) in self.transaction.range::<_, S::Query>(bounds).take(limit) {
            see(S::bytes(key), value.as_ref());
        }
    }
}
