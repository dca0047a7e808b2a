//! Giving a parent that has nothing a whole store at once.
//!
//! ```text
//!   batch at version 0 │ batch at version 0 │ ..             │ last batch, at the store's version
//!   entries, "import"  │ entries, "import"  │ and no format  │ entries, format, names of spaces; "import" goes
//! ```
//! *Invariant.* F-1: before the last batch there is no format, so that no program takes what lies there for a store; the note
//! `import` says what it is instead. The last batch is one step, as every batch is.

use super::Kept;
use crate::parent::{Parent, ParentBatch, layout};
use crate::{Error, Version};
use std::ops::Bound;
use std::sync::Arc;

/// Bytes of a batch, unless one entry has more.
const BATCH_BYTES: usize = 8 << 20;

/// Whether nothing was ever committed to a parent.
///
/// # Errors
/// [`Error::NotEmpty`]; those of opening a store on it.
pub fn check_unused(parent: &dyn Parent) -> Result<(), Error> {
    let snapshot = parent.snapshot()?;
    layout::is_in_use(&*snapshot)?;
    let version = snapshot.version();
    let entry = snapshot.range(Bound::Unbounded, Bound::Excluded(&layout::NOTES)).next();
    if version > Version::ZERO || entry.transpose()?.is_some() {
        return Err(Error::NotEmpty { version });
    }
    Ok(())
}

/// Writes everything in a map to a parent that was never used. When this returns it is durable.
///
/// # Errors
/// Those of the parent. It may hold a part then, which no store can be opened on.
pub fn found(parent: Arc<dyn Parent>, map: &epoch_store::Map) -> Result<Kept, Error> {
    let snapshot = map.snapshot();
    let mut batches = Batches { parent: &*parent, batch: ParentBatch::new(Version::ZERO) };
    batches.add(0, snapshot.iter())?;
    for space in map.key_spaces() {
        batches.add(space.id(), snapshot.space(&space)?.iter())?;
    }
    let mut last = batches.batch.at(snapshot.version());
    layout::note_format(&mut last);
    layout::note_import_ended(&mut last);
    let mut named = 0;
    for space in map.key_spaces() {
        layout::note_space(&mut last, space.id(), space.name());
        named = space.id();
    }
    parent.commit(&last)?;
    Ok(Kept { version: snapshot.version(), parent, named })
}

struct Batches<'a> {
    parent: &'a dyn Parent,
    batch: ParentBatch,
}

impl Batches<'_> {
    fn add(&mut self, space: u32, entries: epoch_store::Range<'_>) -> Result<(), Error> {
        let mut lies_at = Vec::new();
        for (key, value) in entries {
            if self.batch.bytes() > 0 && self.batch.bytes() + value.len() > BATCH_BYTES {
                self.send()?;
            }
            layout::join(&mut lies_at, space, &key);
            self.batch.put(&lies_at, &value);
        }
        Ok(())
    }

    /// F-1.
    fn send(&mut self) -> Result<(), Error> {
        layout::note_import(&mut self.batch);
        self.parent.commit(&self.batch)?;
        self.batch = ParentBatch::new(Version::ZERO);
        Ok(())
    }
}
