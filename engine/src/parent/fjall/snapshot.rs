//! What a tree held at one version.

use super::errors::error;
use super::keys;
use super::tree::FjallTree;
use crate::Version;
use crate::parent::bounds::is_empty;
use crate::parent::opened::{Live, contained};
use crate::parent::{ParentError, ParentErrorKind, ParentRange, ParentSnapshot};
use fjall::{Error, Guard, Iter, Readable};
use std::ops::Bound;
use std::sync::Arc;

const READ: &str = "read";

/// A snapshot of fjall: versions that it shows are not merged away while it is held.
pub(super) struct FjallSnapshot {
    version: Version,
    shown: fjall::Snapshot,
    /// Last, and with it the files.
    tree: Arc<Live<FjallTree>>,
}

impl FjallSnapshot {
    pub(super) fn new(tree: Arc<Live<FjallTree>>) -> Result<Self, ParentError> {
        let shown = tree.engine().snapshot();
        let mut snapshot = Self { version: Version::ZERO, shown, tree };
        let version =
            snapshot.read(|| snapshot.shown.get(snapshot.tree.engine().space(), keys::VERSION))?;
        let number = version.as_deref().and_then(|bytes| bytes.try_into().ok());
        let number = number.ok_or_else(|| {
            let damaged = ParentError::new(ParentErrorKind::Damaged, READ);
            damaged.at(snapshot.tree.path()).because("the version is missing")
        })?;
        snapshot.version = Version::from(u64::from_be_bytes(number));
        Ok(snapshot)
    }

    fn read<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, ParentError> {
        let path = self.tree.path();
        contained(READ, path, || work().map_err(|cause| error(cause, READ, path)))
    }
}

impl ParentSnapshot for FjallSnapshot {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ParentError> {
        if key.len() > keys::MAX_LEN {
            return Ok(None);
        }
        let space = self.tree.engine().space();
        let value = self.read(|| self.shown.get(space, keys::inner(key)))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Box<ParentRange<'_>> {
        if is_empty(from, to) {
            return Box::new(std::iter::empty());
        }
        let (space, bounds) = (self.tree.engine().space(), keys::bounds(from, to));
        match self.read(|| Ok(self.shown.range(space, bounds))) {
            Ok(entries) => Box::new(FjallRange { entries: Some(entries), snapshot: self }),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

type Entry = (Vec<u8>, Vec<u8>);

struct FjallRange<'s> {
    /// `None`: there was an error.
    entries: Option<Iter>,
    snapshot: &'s FjallSnapshot,
}

impl FjallRange<'_> {
    fn step(
        &mut self,
        step: impl FnOnce(&mut Iter) -> Option<Guard>,
    ) -> Option<Result<Entry, ParentError>> {
        let entries = self.entries.as_mut()?;
        let entry = self.snapshot.read(|| {
            let entry = step(entries).map(Guard::into_inner).transpose()?;
            Ok(entry.map(|(key, value)| (keys::outer(&key), value.to_vec())))
        });
        if entry.is_err() {
            self.entries = None;
        }
        entry.transpose()
    }
}

impl Iterator for FjallRange<'_> {
    type Item = Result<Entry, ParentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Iterator::next)
    }
}

impl DoubleEndedIterator for FjallRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(DoubleEndedIterator::next_back)
    }
}
