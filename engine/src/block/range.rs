//! Ranges of a view, as users hold them.

use super::view::View;
use crate::Abort;
use epoch_store::KeyRange;
use epoch_store::block::{Direction, Kind};
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

/// An iterator over what a run sees in a range, in key order, from either end; see [`View::range`].
///
/// Any mix of `next` and `next_back` yields each entry once. After an error it ends. It may be dropped or forgotten
/// anywhere: what counts as read is what it has handed out.
///
/// ```
/// # let store = engine::Store::in_memory();
/// for key in ["a", "b", "c"] {
///     store.put(key, "")?;
/// }
/// let block = engine::Block::builder(&store).open(1)?;
/// let mut view = block.view(0, 1);
/// view.delete("b")?;
/// let mut range = view.range(..);
/// assert_eq!(range.next_back().unwrap()?.0, b"c");
/// assert_eq!(range.next().unwrap()?.0, b"a");
/// assert!(range.next().is_none() && range.next_back().is_none());
/// # Ok::<(), engine::Error>(())
/// ```
pub struct ViewRange<'v, 'b> {
    view: &'v mut View<'b>,
    walk: usize,
}

impl<'b> View<'b> {
    /// The entries inside the bounds, from either end, borrowed from the block. Own writes are among them.
    ///
    /// *What counts as read* is what was handed out: each key up to the last one that `next` returned, from the lower
    /// bound, and likewise from the upper one for `next_back`; all, once either has returned `None`. A key that another transaction puts
    /// into, takes out of or changes in that part is a conflict. A range that was opened and not read is none.
    ///
    /// *Cost.* O(log n) for the first entry at an end, and for each further one a step, in descending order O(log n); also for
    /// keys that were written in the block only by higher transactions, or deleted. Each step counts as one read of the budget.
    ///
    /// # Errors
    /// Those that doom the run, as items: a transaction that is about to be run again dooms it when it is that key's turn, and
    /// not before.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// let block = engine::Block::builder(&store).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("b", "2")?;
    /// let entries: Vec<_> = view.range("a"..).rev().collect::<Result<_, _>>()?;
    /// assert_eq!(entries, [(&b"b"[..], &b"2"[..]), (b"a", b"1")]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&mut self, range: impl KeyRange) -> ViewRange<'_, 'b> {
        let (lo, hi) = range.bounds();
        let walk = self.open_walk(lo, hi);
        ViewRange { view: self, walk }
    }

    /// The entries whose keys begin with `prefix`; otherwise as [`View::range`].
    ///
    /// ```
    /// # let block = engine::Block::builder(&engine::Store::in_memory()).open(1)?;
    /// let mut view = block.view(0, 1);
    /// for key in ["a", "b/1", "b/2", "c"] {
    ///     view.put(key, "")?;
    /// }
    /// assert_eq!(view.prefix("b/").count(), 2);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&mut self, prefix: impl AsRef<[u8]>) -> ViewRange<'_, 'b> {
        let prefix = prefix.as_ref();
        let end = successor(prefix);
        let hi = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let walk = self.open_walk(Bound::Included(prefix), hi);
        ViewRange { view: self, walk }
    }

    /// Deletes every key inside the bounds that has a value for this run. Reads the whole range: a key that a lower
    /// transaction puts there later is a conflict, and the next run deletes it.
    ///
    /// # Errors
    /// [`Abort::RangeTooLarge`]; those that doom the run. Nothing is deleted then.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a1", "a2", "b"] {
    ///     store.put(key, "")?;
    /// }
    /// let block = engine::Block::builder(&store).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.delete_range("a".."b")?;
    /// assert_eq!(view.range(..).count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&mut self, range: impl KeyRange) -> Result<(), Abort> {
        self.check_ended()?;
        let max = self.block.options().max_range_delete;
        let mut keys = Vec::new();
        for entry in self.range(range) {
            let (key, _) = entry?;
            if keys.len() == max {
                return Err(Abort::RangeTooLarge { max });
            }
            keys.push(key);
        }
        for key in keys {
            let key = self.key(key)?;
            self.overwrite(key, Kind::Deleted, &[])?;
        }
        Ok(())
    }

    /// A walk over what lies inside the bounds. Returns its number.
    pub(super) fn open_walk(&mut self, lo: Bound<&[u8]>, hi: Bound<&[u8]>) -> usize {
        let lo = lo.map(|key| self.writer.bytes(key));
        let hi = hi.map(|key| self.writer.bytes(key));
        self.walks.open((lo, hi), self.own.items())
    }

    /// A walk that nobody steps any more.
    pub(super) fn close_walk(&mut self, walk: usize) {
        self.walks.close(walk, self.mode);
    }
}

/// The lowest key above all that begin with `prefix`, if there is one.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

impl<'b> Iterator for ViewRange<'_, 'b> {
    type Item = Result<(&'b [u8], &'b [u8]), Abort>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.view.step(self.walk, Direction::Forward)
    }
}

impl DoubleEndedIterator for ViewRange<'_, '_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.view.step(self.walk, Direction::Backward)
    }
}

impl FusedIterator for ViewRange<'_, '_> {}

impl Drop for ViewRange<'_, '_> {
    fn drop(&mut self) {
        self.view.close_walk(self.walk);
    }
}

impl fmt::Debug for ViewRange<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewRange").field("view", self.view).finish_non_exhaustive()
    }
}
