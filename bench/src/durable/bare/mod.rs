//! The engines by themselves, each as its own documentation would have it used where every block is to be durable.

mod fjall;
mod redb;

use std::path::Path;

pub use fjall::BareFjall;
pub use redb::BareRedb;

use super::data::{Block, Key};
use crate::adapter::Adapter;
use crate::program::Outcome;

/// An engine, without a store above it.
pub trait Bare {
    /// Writes a block as one transaction. When this returns it is durable.
    ///
    /// # Errors
    /// Those of the engine.
    fn write(&self, block: &Block) -> Outcome;

    /// Reads these keys in one snapshot. Values are lent, not copied.
    ///
    /// # Errors
    /// Those of the engine.
    fn gets(&self, keys: &[Key], see: &mut dyn FnMut(&[u8])) -> Outcome;

    /// Reads every entry in key order, in one snapshot.
    ///
    /// # Errors
    /// Those of the engine.
    fn scan(&self, see: &mut dyn FnMut(&[u8], &[u8])) -> Outcome;
}

/// Opens the engine of an adapter in this directory, with so many bytes of cache.
///
/// # Errors
/// Those of the engine.
pub fn open(adapter: Adapter, path: &Path, cache: usize) -> Outcome<Box<dyn Bare>> {
    Ok(match adapter {
        Adapter::Redb => Box::new(BareRedb::open(path, cache)?),
        Adapter::Fjall => Box::new(BareFjall::open(path, cache)?),
    })
}

/// The writes of a block in key order: both engines are faster so, and pay for the sort.
fn sorted(block: &Block) -> Vec<(&[u8], &[u8])> {
    let mut writes: Vec<_> = block.iter().map(|(key, value)| (&key[..], &value[..])).collect();
    writes.sort_unstable();
    writes
}
