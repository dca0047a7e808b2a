//! The directories that everything lies in, and stores in them.

use std::fs;
use std::path::{Path, PathBuf};

use engine::{Builder, Store, WriteBatch};
use tempfile::TempDir;

use super::bare::{self, Bare};
use super::data::{Block, KEY_LEN, VALUE_LEN, all};
use crate::adapter::Adapter;
use crate::program::Outcome;

/// Cache of a parent and of a bare engine, where nothing else is said.
pub const CACHE: usize = 64 << 20;

/// See the module header. Removed when it is dropped.
pub struct Bed {
    place: TempDir,
}

impl Bed {
    /// A new directory in `dir`, or where the system has such.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn new(dir: Option<&Path>) -> Outcome<Bed> {
        let place = match dir {
            Some(dir) => {
                fs::create_dir_all(dir)?;
                TempDir::with_prefix_in("durable-", dir)?
            }
            None => TempDir::with_prefix("durable-")?,
        };
        Ok(Bed { place })
    }

    /// An empty directory.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn fresh(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.place.path().join(name);
        self.remove(&path)?;
        Ok(path)
    }

    /// Removes a directory, if it is there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self, path: &Path) -> Outcome {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// A store on an adapter in an empty directory, with all keys below `keys`, durable.
    ///
    /// # Errors
    /// Those of the store.
    pub fn store(
        &self,
        adapter: Adapter,
        builder: Builder,
        keys: u64,
    ) -> Outcome<(Store, PathBuf)> {
        let path = self.fresh("store")?;
        let store = adapter.open(&path, CACHE, builder)?;
        load(&store, keys)?;
        store.flush()?;
        Ok((store, path))
    }

    /// The engine of an adapter by itself, with the same.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn bare(&self, adapter: Adapter, keys: u64) -> Outcome<(Box<dyn Bare>, PathBuf)> {
        let path = self.fresh("bare")?;
        let bare = bare::open(adapter, &path, CACHE)?;
        for block in all(keys, LOAD, 0) {
            bare.write(&block)?;
        }
        Ok((bare, path))
    }
}

/// Entries of a commit while loading.
const LOAD: usize = 5_000;

/// Brings all keys below `keys` into a store, with sequence number 0.
///
/// # Errors
/// Those of the store.
pub fn load(store: &Store, keys: u64) -> Outcome {
    for block in all(keys, LOAD, 0) {
        store.commit(&batch(&block))?;
    }
    Ok(())
}

/// A block as a batch.
pub fn batch(block: &Block) -> WriteBatch {
    let mut batch = WriteBatch::with_capacity(block.len(), block.len() * (KEY_LEN + VALUE_LEN));
    for (key, value) in block {
        batch.put(key, value);
    }
    batch
}

/// Bytes of the files in a directory, as the disk counts them.
///
/// # Errors
/// Those of the disk.
pub fn disk_bytes(path: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { disk_bytes(&entry.path())? } else { allocated(&metadata) };
    }
    Ok(bytes)
}

/// Files are made longer ahead of what is written to them.
#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
