//! The contract, kept by snapshots, by overlays and by their views.

use super::{KvEntries, KvStore};
use crate::{Error, Key, Overlay, OverlayView, Snapshot, Value};
use std::ops::Bound;

type Bounds<'k> = (Bound<&'k [u8]>, Bound<&'k [u8]>);

/// Bounds as the contract means them.
fn bounds<'k>(start: Option<&'k [u8]>, end: Option<&'k [u8]>) -> Result<Bounds<'k>, Error> {
    for bound in [start, end].into_iter().flatten() {
        check(bound)?;
    }
    let from = start.map_or(Bound::Unbounded, Bound::Included);
    let to = end.map_or(Bound::Unbounded, Bound::Excluded);
    Ok((from, to))
}

/// Refuses an empty key.
fn check(key: &[u8]) -> Result<(), Error> {
    if key.is_empty() { Err(epoch_store::Error::EmptyKey.into()) } else { Ok(()) }
}

fn copied(entry: Result<(Key<'_>, Value<'_>), Error>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    entry.map(|(key, value)| (key.into(), value.into()))
}

/// What is only read.
macro_rules! read_only {
    ($($store:ty),*) => {
        $(
            /// To be read only: writes are refused with [`Error::ReadOnly`].
            impl KvStore for $store {
                fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
                    check(key)?;
                    Ok(<$store>::get(self, key)?.map(Vec::from))
                }

                fn has(&self, key: &[u8]) -> Result<bool, Error> {
                    check(key)?;
                    self.contains(key)
                }

                fn set(&self, _key: &[u8], _value: &[u8]) -> Result<(), Error> {
                    Err(Error::ReadOnly)
                }

                fn delete(&self, _key: &[u8]) -> Result<(), Error> {
                    Err(Error::ReadOnly)
                }

                fn iterator<'a>(
                    &'a self,
                    start: Option<&[u8]>,
                    end: Option<&[u8]>,
                ) -> Result<KvEntries<'a>, Error> {
                    Ok(Box::new(self.range(bounds(start, end)?).map(copied)))
                }

                fn reverse_iterator<'a>(
                    &'a self,
                    start: Option<&[u8]>,
                    end: Option<&[u8]>,
                ) -> Result<KvEntries<'a>, Error> {
                    Ok(Box::new(self.range(bounds(start, end)?).rev().map(copied)))
                }
            }
        )*
    };
}

read_only!(Snapshot, OverlayView);

impl KvStore for Overlay {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        check(key)?;
        Overlay::get(self, key)
    }

    fn has(&self, key: &[u8]) -> Result<bool, Error> {
        check(key)?;
        self.contains(key)
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.put(key, value)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Error> {
        Overlay::delete(self, key)
    }

    fn iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        Ok(Box::new(self.range(bounds(start, end)?)))
    }

    fn reverse_iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        Ok(Box::new(self.range(bounds(start, end)?).rev()))
    }
}
