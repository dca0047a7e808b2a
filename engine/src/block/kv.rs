//! A view as a store of the kind that chain applications are written against.

use super::view::View;
use crate::{Abort, Error, KvEntries, KvStore};
use epoch_store::block::Direction;
use std::cell::RefCell;
use std::fmt;
use std::ops::Bound;

/// A [`View`] as a [`KvStore`], so that modules which are written against that run as transactions of a block.
///
/// What dooms a run is an [`Error::Abort`], and the view remembers it whatever the module makes of it. An iterator may stay open
/// while the module reads, writes and opens others: it sees the block, and the own writes of when it was opened.
///
/// ```
/// use engine::{Block, Error, KvStore, Store, ViewStore};
/// fn transfer(bank: &dyn KvStore, from: &[u8], to: &[u8]) -> Result<(), Error> {
///     let [left, all] = [from, to].map(|name| bank.get(name).map(|b| b.map_or(0, |b| b[0])));
///     bank.set(from, &[left? - 1])?;
///     bank.set(to, &[all? + 1])
/// }
/// let store = Store::in_memory();
/// store.put("alice", [10])?;
/// let block = store.block(1)?;
/// let mut view = block.view(0, 1);
/// transfer(&ViewStore::new(&mut view), b"alice", b"bob")?;
/// assert_eq!(view.get("bob")?, Some(&[1][..]));
/// # Ok::<(), engine::Error>(())
/// ```
pub struct ViewStore<'v, 'b> {
    view: RefCell<&'v mut View<'b>>,
}

impl<'v, 'b> ViewStore<'v, 'b> {
    /// The store that the view is.
    ///
    /// ```
    /// use engine::{KvStore, ViewStore};
    /// # let block = engine::Store::in_memory().block(1)?;
    /// let mut view = block.view(0, 1);
    /// ViewStore::new(&mut view).set(b"k", b"v")?;
    /// assert_eq!(view.get("k")?, Some(&b"v"[..]));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn new(view: &'v mut View<'b>) -> Self {
        Self { view: RefCell::new(view) }
    }

    fn entries<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        direction: Direction,
    ) -> Result<KvEntries<'a>, Error> {
        if [start, end].into_iter().flatten().any(<[u8]>::is_empty) {
            return Err(epoch_store::Error::EmptyKey.into());
        }
        let lo = start.map_or(Bound::Unbounded, Bound::Included);
        let hi = end.map_or(Bound::Unbounded, Bound::Excluded);
        let walk = self.view.borrow_mut().open_walk(lo, hi);
        Ok(Box::new(Entries { view: &self.view, walk, direction }))
    }
}

impl KvStore for ViewStore<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.view.borrow_mut().get(key)?.map(<[u8]>::to_vec))
    }

    fn has(&self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.view.borrow_mut().contains(key)?)
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        Ok(self.view.borrow_mut().put(key, value)?)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Error> {
        Ok(self.view.borrow_mut().delete(key)?)
    }

    fn iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        self.entries(start, end, Direction::Forward)
    }

    fn reverse_iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        self.entries(start, end, Direction::Backward)
    }
}

/// An iterator that borrows the view for each step only.
struct Entries<'a, 'v, 'b> {
    view: &'a RefCell<&'v mut View<'b>>,
    walk: usize,
    direction: Direction,
}

impl Iterator for Entries<'_, '_, '_> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.view.borrow_mut().step(self.walk, self.direction)?;
        Some(entry.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(Abort::into))
    }
}

impl Drop for Entries<'_, '_, '_> {
    fn drop(&mut self) {
        self.view.borrow_mut().close_walk(self.walk);
    }
}

impl fmt::Debug for ViewStore<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewStore").finish_non_exhaustive()
    }
}
