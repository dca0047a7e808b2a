//! The folder of fjall: one key space.

use super::FjallOptions;
use super::errors::error;
use super::keys::{VERSION, inner};
use crate::parent::directory::Directory;
use crate::parent::opened::Engine;
use crate::parent::{ParentBatch, ParentError, ParentErrorKind};
use fjall::{Database, Error, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const FOLDER: &str = "fjall";
const SPACE: &str = "entries";

/// The file in which fjall says which format it has, and its newest that we know.
const FORMAT_FILE: &str = "version";
const FORMAT: u8 = 3;

/// One writes what was in memory to files, and one merges these.
const WORKERS: usize = 2;

/// What may wait to be written to files, and be merged, before a commit begins: see [`FjallTree::wait_for_room`].
const MAX_SEALED: usize = 1;
const MAX_TABLES: usize = 20;

/// The database, and the directory that nobody else may have meanwhile.
pub(super) struct FjallTree {
    space: Keyspace,
    database: Database,
    /// Last: the database is closed before others may come.
    directory: Arc<Directory>,
}

impl FjallTree {
    /// Makes the folder with an empty parent in it.
    pub(super) fn create(directory: &Directory, options: &FjallOptions) -> Result<(), ParentError> {
        let failed = |cause| error(cause, "make a parent", directory.path());
        let path = directory.path().join(FOLDER);
        // Of a creation that did not come to its end.
        match fs::remove_dir_all(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(Error::Io(cause)));
            }
            _ => {}
        }
        let make = || {
            let database = open(&path, options)?;
            let space = database.keyspace(SPACE, || space_options(options))?;
            let mut batch = durable(&database);
            batch.insert(&space, VERSION, 0_u64.to_be_bytes());
            batch.commit()
        };
        make().map_err(failed)
    }

    pub(super) fn open(
        directory: &Arc<Directory>,
        options: &FjallOptions,
    ) -> Result<Self, ParentError> {
        let failed = |cause| error(cause, "open a parent", directory.path());
        let path = directory.path().join(FOLDER);
        check_format(&path).map_err(|error| error.at(directory.path()))?;
        let database = open(&path, options).map_err(failed)?;
        if !database.keyspace_exists(SPACE) {
            return Err(failed(Error::Unrecoverable));
        }
        let space = database.keyspace(SPACE, || space_options(options)).map_err(failed)?;
        Ok(Self { space, database, directory: directory.clone() })
    }

    pub(super) fn snapshot(&self) -> fjall::Snapshot {
        self.database.snapshot()
    }

    pub(super) fn space(&self) -> &Keyspace {
        &self.space
    }

    /// Whether it refuses to write, because it could not once, or because its background could not.
    pub(super) fn is_poisoned(&self) -> bool {
        matches!(self.database.persist(PersistMode::Buffer), Err(Error::Poisoned))
    }

    /// Returns when the disk has it.
    pub(super) fn write(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        self.wait_for_room()
            .and_then(|()| self.batch_of(batch).commit())
            .map_err(|cause| error(cause, "write", self.directory.path()))
    }

    fn batch_of(&self, batch: &ParentBatch) -> OwnedWriteBatch {
        let mut inner_batch = durable(&self.database);
        let mut add = |key: &[u8], value: Option<&[u8]>| {
            let key = &*inner(key);
            match value {
                Some(value) => inner_batch.insert(&self.space, key, value),
                None => inner_batch.remove(&self.space, key),
            }
        };
        // All writes of a batch have one number in fjall: two to one key would have no order.
        if batch.writes().is_sorted_by(|(one, _), (next, _)| one < next) {
            batch.writes().for_each(|(key, value)| add(key, value));
        } else {
            let last: BTreeMap<_, _> = batch.writes().collect();
            last.into_iter().for_each(|(key, value)| add(key, value));
        }
        inner_batch.insert(&self.space, VERSION, batch.version().get().to_be_bytes());
        inner_batch
    }

    /// Waits for the background, here and not in fjall: there a commit sleeps until files are written, for ever if the
    /// background has ended with an error meanwhile. One that begins with this little to do does not come that far.
    fn wait_for_room(&self) -> Result<(), Error> {
        while self.space.sealed_memtable_count() > MAX_SEALED
            || self.space.l0_table_count() > MAX_TABLES
        {
            if self.is_poisoned() {
                return Err(Error::Poisoned);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

fn open(path: &Path, options: &FjallOptions) -> Result<Database, Error> {
    Database::builder(path).cache_size(options.cache_bytes).worker_threads(WORKERS).open()
}

fn space_options(options: &FjallOptions) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(options.write_buffer_bytes)
}

/// `SyncData`, which is fdatasync, is enough: it also makes durable what is needed to read the data again, so the length of the
/// journal and where its blocks lie. The entry of the journal in its folder fjall has made durable when it made the file.
fn durable(database: &Database) -> OwnedWriteBatch {
    database.batch().durability(Some(PersistMode::SyncData))
}

/// Fjall calls a format of later days no format at all.
fn check_format(path: &Path) -> Result<(), ParentError> {
    match fs::read(path.join(FORMAT_FILE)).as_deref() {
        Ok([b'F', b'J', b'L', newer, ..]) if *newer > FORMAT => {
            let formats =
                format!("the format of fjall is {newer}, and {FORMAT} is the last that is known");
            Err(ParentError::new(ParentErrorKind::NewerFormat, "open a parent").because(formats))
        }
        // Otherwise it would be made anew, beside what is left.
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let why = format!("its file {FOLDER}/{FORMAT_FILE} is missing");
            Err(ParentError::new(ParentErrorKind::Damaged, "open a parent").because(why))
        }
        _ => Ok(()),
    }
}

impl Engine for FjallTree {
    fn shut(self) -> Result<(), ParentError> {
        // What was committed is on the disk; the end of the background threads is waited for.
        Ok(())
    }
}
