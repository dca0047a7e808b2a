//! The file: two tables that change in one transaction.

use super::RedbOptions;
use super::errors::error;
use crate::parent::directory::Directory;
use crate::parent::opened::Engine;
use crate::parent::{ParentBatch, ParentError};
use redb::{Database, Durability, Error, ReadTransaction, ReadableDatabase, TableDefinition};
use std::path::Path;
use std::sync::Arc;

pub(super) const ENTRIES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("entries");
/// One row.
pub(super) const VERSION: TableDefinition<(), u64> = TableDefinition::new("version");

const NAME: &str = "data.redb";

/// The database, and the directory that nobody else may have meanwhile.
pub(super) struct RedbFile {
    database: Database,
    quick_repair: bool,
    /// Last: the database is closed before others may come.
    directory: Arc<Directory>,
}

impl RedbFile {
    /// Makes the file with an empty parent in it.
    pub(super) fn create(directory: &Directory, options: &RedbOptions) -> Result<(), ParentError> {
        let path = directory.path().join(NAME);
        let failed = |cause: Error| error(cause, "make a parent", directory.path());
        // Of a creation that did not come to its end.
        remove(&path).map_err(|cause| failed(Error::Io(cause)))?;
        let make = || {
            let database = builder(options).create(&path)?;
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            transaction.open_table(ENTRIES)?;
            transaction.open_table(VERSION)?.insert((), 0)?;
            transaction.commit()?;
            Ok(database.close()?)
        };
        make().map_err(failed)
    }

    pub(super) fn open(
        directory: &Arc<Directory>,
        options: &RedbOptions,
    ) -> Result<Self, ParentError> {
        let opened = builder(options)
            .set_check_integrity_on_open(options.checked)
            .open(directory.path().join(NAME));
        let database = opened.map_err(|cause| error(cause, "open a parent", directory.path()))?;
        Ok(Self { database, quick_repair: options.quick_repair, directory: directory.clone() })
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, Error> {
        Ok(self.database.begin_read()?)
    }

    /// Returns when the disk has it.
    pub(super) fn write(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        self.try_write(batch).map_err(|cause| error(cause, "write", self.directory.path()))
    }

    fn try_write(&self, batch: &ParentBatch) -> Result<(), Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_quick_repair(self.quick_repair);
        {
            let mut entries = transaction.open_table(ENTRIES)?;
            for (key, value) in batch.writes() {
                match value {
                    Some(value) => entries.insert(key, value)?,
                    None => entries.remove(key)?,
                };
            }
            transaction.open_table(VERSION)?.insert((), batch.version().get())?;
        }
        Ok(transaction.commit()?)
    }
}

fn builder(options: &RedbOptions) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Engine for RedbFile {
    fn shut(self) -> Result<(), ParentError> {
        let path = self.directory.path();
        self.database.close().map_err(|cause| error(cause, "close a parent", path))
    }
}
