//! `imbl::OrdMap` in an `ArcSwap`: a persistent B+tree whose root is exchanged. Snapshots cost one reference count, and
//! every commit copies the nodes on the way to its keys.
//!
//! Writers take turns behind a lock: without one they would copy for nothing whenever two of them meet.

use std::ops::Bound;
use std::sync::Arc;

use arc_swap::ArcSwap;
use imbl::OrdMap;
use parking_lot::Mutex;

use super::{Contender, Shape, Snapshots, View, Writer};
use crate::workload::Value;

type Tree<S> = OrdMap<<S as Shape>::Key, <S as Shape>::Value>;

/// The newest tree, and the turn to replace it.
pub struct Persistent<S: Shape> {
    newest: ArcSwap<Tree<S>>,
    turn: Mutex<()>,
}

impl<S: Shape> Persistent<S> {
    fn replace(&self, change: impl FnOnce(&mut Tree<S>)) {
        let turn = self.turn.lock();
        let mut next = Tree::<S>::clone(&self.newest.load());
        change(&mut next);
        let old = self.newest.swap(Arc::new(next));
        drop(turn);
        // What nobody else holds is freed here, after the turn: it would only lengthen it.
        drop(old);
    }
}

impl<S: Shape> Contender for Persistent<S> {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;
    const UPDATES: bool = true;

    type View<'a> = PersistentView<S>;
    type Writer<'a> = &'a Persistent<S>;
    type Shared = Persistent<S>;

    fn empty() -> Self {
        Persistent { newest: ArcSwap::from_pointee(Tree::<S>::new()), turn: Mutex::new(()) }
    }

    #[inline]
    fn view(&self) -> PersistentView<S> {
        PersistentView { tree: self.newest.load_full() }
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.newest.load().get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<S: Shape> Writer for &Persistent<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        let (key, value) = (S::key(key), S::value(value));
        self.replace(|tree| _ = tree.insert(key, value));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        self.replace(|tree| {
            for (key, value) in ops {
                tree.insert(S::key(key), S::value(&value));
            }
        });
    }

    fn update(&mut self, key: &[u8], mut change: impl FnMut(&[u8]) -> Value) -> u64 {
        self.replace(|tree| {
            let held = tree.get_mut(S::query(key)).expect("only keys that are there are updated");
            *held = S::value(&change(held.as_ref()));
        });
        0
    }
}

/// A tree that was the newest when it was opened.
pub struct PersistentView<S: Shape> {
    tree: Arc<Tree<S>>,
}

impl<S: Shape> View for PersistentView<S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.tree.get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.tree.iter() {
            see(S::bytes(key), value.as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.tree.iter().rev() {
            see(S::bytes(key), value.as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for (key, value) in self.tree.range::<_, S::Query>(bounds).take(limit) {
            see(S::bytes(key), value.as_ref());
        }
    }
}
