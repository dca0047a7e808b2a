//! Where a store lies, and what keeps it.

use crate::failure::Failure;
use clap::ValueEnum;
use engine::{FjallParent, Parent, ParentError, RedbParent, Stored};
use std::fmt;
use std::io;
use std::path::Path;

/// The file in a directory that says what keeps the store. Its adapter reads all of it; here one line is enough.
const MARKER: &str = "PARENT";

/// What keeps a store on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Adapter {
    /// One file, a B-tree: quick to open and to read
    #[default]
    Redb,
    /// A folder, a log-structured merge tree: many small commits
    Fjall,
}

impl Adapter {
    /// Opens the parent in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// Those of the parent.
    pub fn open(self, dir: &Path) -> Result<Box<dyn Parent>, ParentError> {
        Ok(match self {
            Self::Redb => Box::new(RedbParent::open(dir)?),
            Self::Fjall => Box::new(FjallParent::open(dir)?),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Redb => "redb",
            Self::Fjall => "fjall",
        }
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A store as it lies on the disk, and what keeps it there.
pub struct Opened {
    pub stored: Stored,
    pub adapter: Adapter,
}

/// Opens a store to read it. Nothing is made where there is none.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn open(dir: &Path) -> Result<Opened, Failure> {
    let adapter = adapter_of(dir)?;
    let parent = adapter.open(dir).map_err(|error| Failure::at(dir, error.into()))?;
    // It holds the parent for as long as it is there.
    let stored = Stored::open(&*parent).map_err(|error| Failure::at(dir, error))?;
    Ok(Opened { stored, adapter })
}

fn adapter_of(dir: &Path) -> Result<Adapter, Failure> {
    let marker = dir.join(MARKER);
    let text = std::fs::read(&marker).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if dir.is_dir() => {
            Failure::Refused(format!("{}: there is no store", dir.display()))
        }
        io::ErrorKind::NotFound => Failure::of_file(dir, &error),
        _ => Failure::of_file(&marker, &error),
    })?;
    let text = String::from_utf8_lossy(&text);
    if text.lines().any(|line| line == "state creating") {
        // Opening it would make it anew.
        let what = "making a store here did not come to its end; it has nothing";
        return Err(Failure::Refused(format!("{}: {what}", dir.display())));
    }
    let name = text.lines().find_map(|line| line.strip_prefix("adapter "));
    let adapter = Adapter::value_variants().iter().find(|adapter| Some(adapter.name()) == name);
    // One that cannot be understood: any adapter says what is wrong with it.
    Ok(adapter.copied().unwrap_or_default())
}
