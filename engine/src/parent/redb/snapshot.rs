//! What a file held at one version.

use super::errors::error;
use super::file::{ENTRIES, RedbFile, VERSION};
use crate::Version;
use crate::parent::bounds::is_empty;
use crate::parent::opened::{Live, contained};
use crate::parent::{ParentError, ParentRange, ParentSnapshot};
use redb::{Error, ReadOnlyTable, ReadTransaction};
use std::ops::Bound;
use std::sync::Arc;

const READ: &str = "read";

/// A read transaction of redb: its pages are not written over while it is held.
pub(super) struct RedbSnapshot {
    version: Version,
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
    /// Last, and with it the files: redb fails readers whose database is closed.
    file: Arc<Live<RedbFile>>,
}

impl RedbSnapshot {
    pub(super) fn new(file: Arc<Live<RedbFile>>) -> Result<Self, ParentError> {
        let opened = guarded(&file, || {
            let transaction = file.engine().begin_read()?;
            Ok((version(&transaction)?, transaction.open_table(ENTRIES)?))
        });
        let (version, entries) = opened?;
        Ok(Self { version, entries, file })
    }

    fn read<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, ParentError> {
        guarded(&self.file, work)
    }
}

fn version(transaction: &ReadTransaction) -> Result<Version, Error> {
    let version = transaction.open_table(VERSION)?.get(())?;
    let version = version.ok_or_else(|| Error::Corrupted("the version is missing".into()))?;
    Ok(Version::from(version.value()))
}

/// After an error of the disk redb fails whatever comes.
fn guarded<T>(
    file: &Live<RedbFile>,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, ParentError> {
    let result =
        contained(READ, file.path(), || work().map_err(|cause| error(cause, READ, file.path())));
    if result.is_err() {
        file.fail();
    }
    result
}

impl ParentSnapshot for RedbSnapshot {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ParentError> {
        self.read(|| Ok(self.entries.get(key)?.map(|value| value.value().to_vec())))
    }

    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Box<ParentRange<'_>> {
        if is_empty(from, to) {
            return Box::new(std::iter::empty());
        }
        match self.read(|| Ok(self.entries.range::<&[u8]>((from, to))?)) {
            Ok(entries) => Box::new(RedbRange { entries: Some(entries), snapshot: self }),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

type Entries = redb::Range<'static, &'static [u8], &'static [u8]>;
type Entry = (Vec<u8>, Vec<u8>);

struct RedbRange<'s> {
    /// `None`: there was an error.
    entries: Option<Entries>,
    snapshot: &'s RedbSnapshot,
}

impl RedbRange<'_> {
    fn step(
        &mut self,
        step: impl FnOnce(&mut Entries) -> Option<Result<Pair, redb::StorageError>>,
    ) -> Option<Result<Entry, ParentError>> {
        let entries = self.entries.as_mut()?;
        let entry = self.snapshot.read(|| {
            let entry = step(entries).transpose()?;
            Ok(entry.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
        });
        if entry.is_err() {
            self.entries = None;
        }
        entry.transpose()
    }
}

type Guard = redb::AccessGuard<'static, &'static [u8]>;
type Pair = (Guard, Guard);

impl Iterator for RedbRange<'_> {
    type Item = Result<Entry, ParentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Iterator::next)
    }
}

impl DoubleEndedIterator for RedbRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(DoubleEndedIterator::next_back)
    }
}
