//! `concurrent_map::ConcurrentMap`: a lock-free B-link tree of copied nodes, without versions. Reads copy the value, and
//! iterators the key too: its interface lends nothing.

use std::ops::Bound;

use concurrent_map::ConcurrentMap;
use parking_lot::Mutex;
use thread_local::ThreadLocal;

use super::{Contender, Shape, Snapshots, View, Writer};
use crate::workload::Value;

type Handle<S> = ConcurrentMap<<S as Shape>::Key, <S as Shape>::Value>;

/// The tree. Each thread has a handle of its own, as the crate wants it: they are kept between calls.
pub struct Concurrent<S: Shape> {
    first: Mutex<Handle<S>>,
    handles: ThreadLocal<Handle<S>>,
}

impl<S: Shape> Concurrent<S> {
    #[inline]
    fn handle(&self) -> &Handle<S> {
        self.handles.get_or(|| self.first.lock().clone())
    }
}

impl<S: Shape> Contender for Concurrent<S> {
    const SNAPSHOTS: Snapshots = Snapshots::None;
    const ATOMIC_COMMITS: bool = false;

    type View<'a> = ConcurrentView<'a, S>;
    type Writer<'a> = ConcurrentWriter<'a, S>;
    type Shared = Concurrent<S>;

    fn empty() -> Self {
        Concurrent { first: Mutex::new(Handle::<S>::new()), handles: ThreadLocal::new() }
    }

    fn view(&self) -> ConcurrentView<'_, S> {
        ConcurrentView { map: self.handle() }
    }

    fn writer(&self) -> ConcurrentWriter<'_, S> {
        ConcurrentWriter { map: self.handle() }
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.handle().get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

/// One thread's handle.
pub struct ConcurrentWriter<'a, S: Shape> {
    map: &'a Handle<S>,
}

impl<S: Shape> Writer for ConcurrentWriter<'_, S> {
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

/// One thread's handle, to read through.
pub struct ConcurrentView<'a, S: Shape> {
    map: &'a Handle<S>,
}

impl<S: Shape> View for ConcurrentView<'_, S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.get(S::query(key)).map(|value| see(value.as_ref()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.map.iter() {
            see(S::bytes(&key), value.as_ref());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.map.iter().rev() {
            see(S::bytes(&key), value.as_ref());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        for (key, value) in self.map.range::<S::Query, _>(bounds).take(limit) {
            see(S::bytes(&key), value.as_ref());
        }
    }
}
