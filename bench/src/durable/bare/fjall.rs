//! fjall by itself: one key space, one batch a block.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _};

use super::{Bare, sorted};
use crate::durable::data::{Block, Key};
use crate::program::Outcome;

/// A database with its key space.
pub struct BareFjall {
    database: Database,
    space: Keyspace,
}

impl BareFjall {
    /// Opens or makes it.
    ///
    /// # Errors
    /// Those of fjall.
    pub fn open(path: &Path, cache: usize) -> Outcome<BareFjall> {
        let database = Database::builder(path).cache_size(cache as u64).open()?;
        let space = database.keyspace("entries", KeyspaceCreateOptions::default)?;
        Ok(BareFjall { database, space })
    }
}

impl Bare for BareFjall {
    fn write(&self, block: &Block) -> Outcome {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in sorted(block) {
            batch.insert(&self.space, key, value);
        }
        Ok(batch.commit()?)
    }

    fn gets(&self, keys: &[Key], see: &mut dyn FnMut(&[u8])) -> Outcome {
        let snapshot = self.database.snapshot();
        for key in keys {
            if let Some(value) = snapshot.get(&self.space, key)? {
                see(&value);
            }
        }
        Ok(())
    }

    fn scan(&self, see: &mut dyn FnMut(&[u8], &[u8])) -> Outcome {
        for entry in self.database.snapshot().iter(&self.space) {
            let (key, value) = entry.into_inner()?;
            see(&key, &value);
        }
        Ok(())
    }
}
