//! redb by itself: one table, one transaction a block.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::{Bare, sorted};
use crate::durable::data::{Block, Key};
use crate::program::Outcome;

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("entries");

/// A database.
pub struct BareRedb(Database);

impl BareRedb {
    /// Opens or makes it.
    ///
    /// # Errors
    /// Those of redb.
    pub fn open(path: &Path, cache: usize) -> Outcome<BareRedb> {
        std::fs::create_dir_all(path)?;
        let mut builder = Database::builder();
        builder.set_cache_size(cache);
        Ok(BareRedb(builder.create(path.join("bare.redb"))?))
    }
}

impl Bare for BareRedb {
    fn write(&self, block: &Block) -> Outcome {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in sorted(block) {
            table.insert(key, value)?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn gets(&self, keys: &[Key], see: &mut dyn FnMut(&[u8])) -> Outcome {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        for key in keys {
            if let Some(value) = table.get(&key[..])? {
                see(value.value());
            }
        }
        Ok(())
    }

    fn scan(&self, see: &mut dyn FnMut(&[u8], &[u8])) -> Outcome {
        for entry in self.0.begin_read()?.open_table(TABLE)?.iter()? {
            let (key, value) = entry?;
            see(key.value(), value.value());
        }
        Ok(())
    }
}
