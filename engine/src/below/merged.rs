//! A range of memory and of the parent below it, as one.

use super::pages::{Pages, own_key};
use super::{Ahead, Below, Memory};
use crate::parent::layout::PREFIX;
use crate::{Error, Key, Value};
use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound;

/// What a reader of memory yields: entries borrowed from a snapshot, or copies.
pub trait Entry: Sized {
    /// Its key.
    fn key(&self) -> &[u8];
    /// Made of what the parent has handed out, with the key as it lies there.
    fn of_parent(key: Vec<u8>, value: Vec<u8>) -> Self;
}

impl Entry for (Key<'_>, Value<'_>) {
    fn key(&self) -> &[u8] {
        &self.0
    }

    fn of_parent(key: Vec<u8>, value: Vec<u8>) -> Self {
        (Key::of_owned_after(key, PREFIX), Value::of_owned_after(value, 0))
    }
}

impl Entry for (Vec<u8>, Vec<u8>) {
    fn key(&self) -> &[u8] {
        &self.0
    }

    fn of_parent(mut key: Vec<u8>, value: Vec<u8>) -> Self {
        key.drain(..PREFIX.min(key.len()));
        (key, value)
    }
}

/// See the module header: a key that is in memory counts, and one that has a grave is not there. `M` is what graves are
/// looked up in.
pub struct Merged<'s, M, I, E> {
    below: &'s Below,
    memory: &'s M,
    ahead: Ahead<I, E>,
    pages: Option<Pages>,
    /// What kept the parent from being asked, to be told first.
    error: Option<Error>,
}

/// Where the next entry comes from.
enum From {
    Memory,
    Parent,
    /// From memory; the parent has an older value for the key.
    Both,
    Nowhere,
}

impl<'s, M: Memory, I, E> Merged<'s, M, I, E>
where
    I: DoubleEndedIterator<Item = Result<E, Error>>,
    E: Entry,
{
    /// `entries` are those of memory between the bounds.
    pub fn new(
        below: &'s Below,
        memory: &'s M,
        space: u32,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        entries: I,
    ) -> Self {
        let (pages, error) = match below.pages(memory, space, bounds) {
            Ok(pages) => (Some(pages), None),
            Err(error) => (None, Some(error)),
        };
        let ahead = Ahead::new(entries);
        Self { below, memory, ahead, pages, error }
    }

    fn is_buried(&self, key: &[u8]) -> Result<bool, Error> {
        let has_graves = self.pages.as_ref().is_some_and(|pages| pages.has_graves);
        if has_graves { self.memory.has(&self.below.graves, key) } else { Ok(false) }
    }

    /// Ends it, with what is to be told.
    fn fail(&mut self, error: Error) -> Option<Result<E, Error>> {
        self.pages = None;
        Some(self.below.told(Err(error)))
    }

    fn try_next(&mut self) -> Result<Option<E>, Error> {
        loop {
            let Some(pages) = &mut self.pages else { return Ok(None) };
            let from = match (self.ahead.first()?, pages.first()?) {
                (None, None) => From::Nowhere,
                (Some(_), None) => From::Memory,
                (None, Some(_)) => From::Parent,
                (Some(entry), Some((key, _))) => match entry.key().cmp(own_key(key)) {
                    Ordering::Less => From::Memory,
                    Ordering::Equal => From::Both,
                    Ordering::Greater => From::Parent,
                },
            };
            match from {
                From::Nowhere => return Ok(None),
                From::Memory => return Ok(self.ahead.take_first()),
                From::Both => {
                    pages.take_first();
                    return Ok(self.ahead.take_first());
                }
                From::Parent => {
                    let taken = pages.take_first();
                    if let Some(entry) = self.of_parent(taken)? {
                        return Ok(Some(entry));
                    }
                }
            }
        }
    }

    fn try_next_back(&mut self) -> Result<Option<E>, Error> {
        loop {
            let Some(pages) = &mut self.pages else { return Ok(None) };
            let from = match (self.ahead.last()?, pages.last()?) {
                (None, None) => From::Nowhere,
                (Some(_), None) => From::Memory,
                (None, Some(_)) => From::Parent,
                (Some(entry), Some((key, _))) => match entry.key().cmp(own_key(key)) {
                    Ordering::Greater => From::Memory,
                    Ordering::Equal => From::Both,
                    Ordering::Less => From::Parent,
                },
            };
            match from {
                From::Nowhere => return Ok(None),
                From::Memory => return Ok(self.ahead.take_last()),
                From::Both => {
                    pages.take_last();
                    return Ok(self.ahead.take_last());
                }
                From::Parent => {
                    let taken = pages.take_last();
                    if let Some(entry) = self.of_parent(taken)? {
                        return Ok(Some(entry));
                    }
                }
            }
        }
    }

    /// An entry of the parent, unless it has a grave.
    fn of_parent(&self, taken: Option<(Vec<u8>, Vec<u8>)>) -> Result<Option<E>, Error> {
        let Some((key, value)) = taken else { return Ok(None) };
        if self.is_buried(&key)? {
            return Ok(None);
        }
        Ok(Some(E::of_parent(key, value)))
    }
}

impl<M: Memory, I, E> Iterator for Merged<'_, M, I, E>
where
    I: DoubleEndedIterator<Item = Result<E, Error>>,
    E: Entry,
{
    type Item = Result<E, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return self.fail(error);
        }
        self.try_next().map_or_else(|error| self.fail(error), |entry| entry.map(Ok))
    }
}

impl<M: Memory, I, E> DoubleEndedIterator for Merged<'_, M, I, E>
where
    I: DoubleEndedIterator<Item = Result<E, Error>>,
    E: Entry,
{
    fn next_back(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return self.fail(error);
        }
        self.try_next_back().map_or_else(|error| self.fail(error), |entry| entry.map(Ok))
    }
}

impl<M, I, E> fmt::Debug for Merged<'_, M, I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged").field("pages", &self.pages).finish_non_exhaustive()
    }
}

/// Entries of a snapshot of the map.
pub struct OfMap<'s>(pub epoch_store::Range<'s>);

impl<'s> Iterator for OfMap<'s> {
    type Item = Result<(Key<'s>, Value<'s>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| Ok((Key::of_map(key), Value::of_map(value))))
    }
}

impl DoubleEndedIterator for OfMap<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| Ok((Key::of_map(key), Value::of_map(value))))
    }
}

/// Entries of a lease of the map.
pub struct Copies<'s>(pub epoch_store::LeaseRange<'s>);

impl Iterator for Copies<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| entry.map_err(Error::from))
    }
}

impl DoubleEndedIterator for Copies<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|entry| entry.map_err(Error::from))
    }
}

/// Of a snapshot.
pub type OfSnapshot<'s> = Merged<'s, epoch_store::Snapshot, OfMap<'s>, (Key<'s>, Value<'s>)>;
/// Of a lease.
pub type OfLease<'s> = Merged<'s, epoch_store::Lease, Copies<'s>, (Vec<u8>, Vec<u8>)>;
