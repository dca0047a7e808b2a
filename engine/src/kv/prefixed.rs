//! A part of a store: the keys that begin with a prefix.

use super::{KvEntries, KvStore};
use crate::Error;

/// The keys of `S` that begin with a prefix, without it: a store of its own for each module of an application.
///
/// A key of the inner store that is the prefix and nothing more belongs to no part: the key without it would be empty.
///
/// *Cost.* A copy of each key.
///
/// ```
/// use engine::{KvStore, Prefixed, Store};
/// let overlay = Store::in_memory().overlay();
/// let bank = Prefixed::new(&overlay, "bank/");
/// bank.set(b"alice", b"10")?;
/// overlay.put("gov/1", "elsewhere")?;
/// assert_eq!(overlay.get("bank/alice")?.unwrap(), b"10");
/// let entries: Result<Vec<_>, engine::Error> = bank.iterator(None, None)?.collect();
/// assert_eq!(entries?, [(b"alice".to_vec(), b"10".to_vec())]);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prefixed<S> {
    inner: S,
    prefix: Vec<u8>,
}

impl<S: KvStore> Prefixed<S> {
    /// The keys of `inner` that begin with `prefix`; an empty one: all keys.
    ///
    /// ```
    /// use engine::{KvStore, Prefixed, Store};
    /// let store = Store::in_memory();
    /// store.put("bank/fees/today", "3")?;
    /// let bank = Prefixed::new(store.snapshot(), "bank/");
    /// let fees = Prefixed::new(&bank, "fees/"); // a part of a part
    /// assert_eq!(fees.get(b"today")?.unwrap(), b"3");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn new(inner: S, prefix: impl AsRef<[u8]>) -> Self {
        Self { inner, prefix: prefix.as_ref().to_vec() }
    }

    /// The prefix.
    ///
    /// ```
    /// use engine::{Prefixed, Store};
    /// assert_eq!(Prefixed::new(Store::in_memory().snapshot(), "bank/").prefix(), b"bank/");
    /// ```
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The key of the inner store. An empty one stays empty, so that the inner store refuses it.
    fn full(&self, key: &[u8]) -> Vec<u8> {
        if key.is_empty() { Vec::new() } else { [&self.prefix, key].concat() }
    }

    /// Bounds in the inner store.
    fn bounds(
        &self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let first = || (!self.prefix.is_empty()).then(|| [&self.prefix[..], &[0]].concat());
        let behind_last = || successor(&self.prefix);
        let from = start.map_or_else(first, |key| Some(self.full(key)));
        let to = end.map_or_else(behind_last, |key| Some(self.full(key)));
        (from, to)
    }

    fn strip<'a>(&self, entries: KvEntries<'a>) -> KvEntries<'a> {
        let len = self.prefix.len();
        Box::new(entries.map(move |entry| {
            let (mut key, value) = entry?;
            key.drain(..len.min(key.len()));
            Ok((key, value))
        }))
    }
}

/// The smallest key above every key with this prefix, if there is one.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

impl<S: KvStore> KvStore for Prefixed<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(&self.full(key))
    }

    fn has(&self, key: &[u8]) -> Result<bool, Error> {
        self.inner.has(&self.full(key))
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.inner.set(&self.full(key), value)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Error> {
        self.inner.delete(&self.full(key))
    }

    fn iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        let (from, to) = self.bounds(start, end);
        Ok(self.strip(self.inner.iterator(from.as_deref(), to.as_deref())?))
    }

    fn reverse_iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        let (from, to) = self.bounds(start, end);
        Ok(self.strip(self.inner.reverse_iterator(from.as_deref(), to.as_deref())?))
    }
}
