//! Places on a disk.

use super::bed::Bed;
use engine::{Parent, ParentError};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A parent that lies in a directory.
pub trait DiskParent: Parent + Debug + Sized {
    fn open_at(path: &Path) -> Result<Self, ParentError>;

    /// The name of the type.
    const NAME: &str;
}

#[cfg(feature = "redb")]
impl DiskParent for engine::RedbParent {
    fn open_at(path: &Path) -> Result<Self, ParentError> {
        Self::open(path)
    }

    const NAME: &str = "RedbParent";
}

#[cfg(feature = "fjall")]
impl DiskParent for engine::FjallParent {
    fn open_at(path: &Path) -> Result<Self, ParentError> {
        Self::open(path)
    }

    const NAME: &str = "FjallParent";
}

pub struct Disk<P> {
    place: TempDir,
    parent: PhantomData<P>,
}

impl<P: DiskParent> Disk<P> {
    /// Not there at first, nor is the one above it.
    pub fn path(&self) -> PathBuf {
        self.place.path().join("above").join("parent")
    }

    pub fn try_open(&self) -> Result<P, ParentError> {
        P::open_at(&self.path())
    }
}

impl<P: DiskParent> Bed for Disk<P> {
    type Parent = P;

    fn new() -> Self {
        Self { place: tempfile::tempdir().unwrap(), parent: PhantomData }
    }

    fn open(&self) -> P {
        self.try_open().unwrap()
    }
}
