//! `artmap::ArtMap`: a concurrent adaptive radix tree without versions; the fastest ordered map
//! for point operations we know of.

use std::ops::Bound;

use artmap::{ArtMap, Guard};

use super::{Contender, Shape, Snapshots, View, Writer, free_retired};
use crate::workload::Value;

/// The radix tree.
pub struct Art<S: Shape> {
    map: ArtMap<S::Key, S::Value>,
}

impl<S: Shape> Art<S> {
    /// What is measured, for what only some programs ask.
    pub fn map(&self) -> &ArtMap<S::Key, S::Value> {
        &self.map
    }
}

impl<S: Shape> Contender for Art<S> {
    const SNAPSHOTS: Snapshots = Snapshots::None;
    const ATOMIC_COMMITS: bool = false;

    type View<'a> = ArtView<'a, S>;
    type Writer<'a> = &'a Art<S>;
    type Shared = Art<S>;

    fn empty() -> Self {
        Art { map: ArtMap::new() }
    }

    fn view(&self) -> ArtView<'_, S> {
        ArtView { map: &self.map, guard: self.map.pin() }
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.with_value(S::query(key), |value| see(value.as_ref()))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }

    fn settle(&self) {
        free_retired();
    }
}

impl<S: Shape> Writer for &Art<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        self.map.insert(S::key(key), S::value(value));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let guard = self.map.pin();
        for (key, value) in ops {
            self.map.insert_with_guard(S::key(key), S::value(&value), &guard);
        }
    }
}

/// A pinned reader: no fixed state, but the fence of a pin is paid once and not per read.
pub struct ArtView<'a, S: Shape> {
    map: &'a ArtMap<S::Key, S::Value>,
    guard: Guard<'a>,
}

impl<S: Shape> View for ArtView<'_, S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.get_with_guard(S::query(key), &self.guard).map(|entry| see(entry.value().as_ref()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.map.iter_with_guard(&self.guard) {
            see(S::bytes(entry.key()), entry.value().as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.map.iter_with_guard(&self.guard).rev() {
            see(S::bytes(entry.key()), entry.value().as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for entry in self.map.range_with_guard::<_, S::Query>(bounds, &self.guard).take(limit) {
            see(S::bytes(entry.key()), entry.value().as_ref());
        }
    }
}
