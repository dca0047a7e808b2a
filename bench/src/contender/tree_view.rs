//! Reads of a `BTreeMap` that is held, by a borrow or by a read lock.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Bound, Deref};

use super::{Shape, View};

/// A tree held by the guard `G` for as long as the view lives.
pub struct TreeView<S, G> {
    guard: G,
    shape: PhantomData<S>,
}

impl<S, G> TreeView<S, G> {
    pub(super) fn new(guard: G) -> TreeView<S, G> {
        TreeView { guard, shape: PhantomData }
    }
}

impl<S, G> View for TreeView<S, G>
where
    S: Shape,
    G: Deref<Target = BTreeMap<S::Key, S::Value>>,
{
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.guard.get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.guard.iter() {
            see(S::bytes(key), value.as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.guard.iter().rev() {
            see(S::bytes(key), value.as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for (key, value) in self.guard.range::<S::Query, _>(bounds).take(limit) {
            see(S::bytes(key), value.as_ref());
        }
    }
}
