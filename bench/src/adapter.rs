//! Which engine lies below a store: the adapters that keep it on a disk.

use std::path::Path;

use clap::ValueEnum;
use engine::{Builder, Error, FjallOptions, RedbOptions, Store};

/// An adapter, by the name of the engine that it brings commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Adapter {
    /// `engine::RedbParent`: a copy-on-write B-tree in one file
    Redb,
    /// `engine::FjallParent`: a log-structured merge tree in a directory
    Fjall,
}

impl Adapter {
    /// All of them.
    pub const ALL: [Adapter; 2] = [Adapter::Redb, Adapter::Fjall];

    /// The name on the command line and in reports, which is that of the crate.
    pub fn name(self) -> &'static str {
        match self {
            Adapter::Redb => "redb",
            Adapter::Fjall => "fjall",
        }
    }

    /// Opens a store on what lies in this directory, with so many bytes of cache for the adapter.
    ///
    /// # Errors
    /// What lies there is not its own, or is in use; those of [`Builder::open`].
    pub fn open(self, path: &Path, cache: usize, builder: Builder) -> Result<Store, Error> {
        match self {
            Adapter::Redb => {
                builder.parent(RedbOptions::new().cache_bytes(cache).open(path)?).open()
            }
            Adapter::Fjall => {
                // As much again for what was written last: a small cache is chosen where memory is.
                let options = FjallOptions::new().cache_bytes(cache);
                builder.parent(options.write_buffer_bytes(cache).open(path)?).open()
            }
        }
    }
}
