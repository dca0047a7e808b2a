//! Entries of the parent between two bounds, read some at a time from either end.

use crate::Error;
use crate::parent::{ParentError, ParentSnapshot, layout};
use layout::as_slice;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// Entries of the first page of an end, and of the longest.
const PAGE: (usize, usize) = (8, 256);

/// Bytes after which a page is full, however few entries it has.
const PAGE_BYTES: usize = 64 << 10;

/// A key as it lies in a parent, and a value.
pub type Entry = (Vec<u8>, Vec<u8>);
/// A bound that owns its key.
pub type OwnedBound = Bound<Vec<u8>>;

/// See the module header. Holds nothing of the parent but its snapshot between two calls.
pub struct Pages {
    parent: Arc<dyn ParentSnapshot>,
    from: OwnedBound,
    to: OwnedBound,
    front: VecDeque<Entry>,
    back: VecDeque<Entry>,
    page: usize,
    is_read: bool,
    /// Whether there may be graves between the bounds.
    pub has_graves: bool,
}

impl Pages {
    pub fn new(
        parent: Arc<dyn ParentSnapshot>,
        from: OwnedBound,
        to: OwnedBound,
        has_graves: bool,
    ) -> Self {
        let (front, back) = (VecDeque::new(), VecDeque::new());
        Self { parent, from, to, front, back, page: PAGE.0, is_read: false, has_graves }
    }

    /// The first entry, which stays.
    pub fn first(&mut self) -> Result<Option<&Entry>, Error> {
        if self.front.is_empty() {
            self.read_front()?;
        }
        Ok(self.front.front().or(self.back.front()))
    }

    /// The last entry, which stays.
    pub fn last(&mut self) -> Result<Option<&Entry>, Error> {
        if self.back.is_empty() {
            self.read_back()?;
        }
        Ok(self.back.back().or(self.front.back()))
    }

    /// Takes what [`first`](Pages::first) has shown.
    pub fn take_first(&mut self) -> Option<Entry> {
        self.front.pop_front().or_else(|| self.back.pop_front())
    }

    /// Takes what [`last`](Pages::last) has shown.
    pub fn take_last(&mut self) -> Option<Entry> {
        self.back.pop_back().or_else(|| self.front.pop_back())
    }

    fn read_front(&mut self) -> Result<(), Error> {
        if self.is_read {
            return Ok(());
        }
        let entries = self.parent.range(as_slice(&self.from), as_slice(&self.to));
        (self.front, self.is_read) = read(entries, self.page)?;
        if let Some((key, _)) = self.front.back() {
            self.from = Bound::Excluded(key.clone());
        }
        self.page = (self.page * 2).min(PAGE.1);
        Ok(())
    }

    fn read_back(&mut self) -> Result<(), Error> {
        if self.is_read {
            return Ok(());
        }
        let entries = self.parent.range(as_slice(&self.from), as_slice(&self.to));
        let (mut page, is_read) = read(entries.rev(), self.page)?;
        page.make_contiguous().reverse();
        (self.back, self.is_read) = (page, is_read);
        if let Some((key, _)) = self.back.front() {
            self.to = Bound::Excluded(key.clone());
        }
        self.page = (self.page * 2).min(PAGE.1);
        Ok(())
    }
}

/// So many entries, or fewer if they are large; and whether there are no more.
fn read(
    mut entries: impl Iterator<Item = Result<Entry, ParentError>>,
    most: usize,
) -> Result<(VecDeque<Entry>, bool), Error> {
    let (mut page, mut bytes) = (VecDeque::new(), 0);
    while page.len() < most && bytes < PAGE_BYTES {
        let Some(entry) = entries.next().transpose()? else { return Ok((page, true)) };
        bytes += entry.0.len() + entry.1.len();
        page.push_back(entry);
    }
    Ok((page, false))
}

/// The part of a key of the parent behind the number of its space.
pub fn own_key(key: &[u8]) -> &[u8] {
    layout::split(key).map_or(&[], |(_, key)| key)
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("version", &self.parent.version()).finish_non_exhaustive()
    }
}
