//! An iterator whose next item at each end can be looked at before it is taken.

use crate::Error;

/// At most one item is read ahead at each end.
#[derive(Debug)]
pub struct Ahead<I, E> {
    items: I,
    first: Option<E>,
    last: Option<E>,
}

impl<I: DoubleEndedIterator<Item = Result<E, Error>>, E> Ahead<I, E> {
    pub fn new(items: I) -> Self {
        Self { items, first: None, last: None }
    }

    /// The first item, which stays.
    pub fn first(&mut self) -> Result<Option<&E>, Error> {
        if self.first.is_none() {
            self.first = self.items.next().transpose()?.or_else(|| self.last.take());
        }
        Ok(self.first.as_ref())
    }

    /// The last item, which stays.
    pub fn last(&mut self) -> Result<Option<&E>, Error> {
        if self.last.is_none() {
            self.last = self.items.next_back().transpose()?.or_else(|| self.first.take());
        }
        Ok(self.last.as_ref())
    }

    /// Takes what [`first`](Ahead::first) has shown.
    pub fn take_first(&mut self) -> Option<E> {
        self.first.take()
    }

    /// Takes what [`last`](Ahead::last) has shown.
    pub fn take_last(&mut self) -> Option<E> {
        self.last.take()
    }
}
