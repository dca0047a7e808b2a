//! A parent of each kind, and a place for it.

use engine::{
    MemoryParent, Parent, ParentBatch, ParentError, ParentRange, ParentSnapshot, Version,
};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::Bound::{self, Unbounded};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A place for one parent, which can be opened again and again.
pub trait Bed {
    type Parent: Parent;

    /// A place with nothing in it.
    fn new() -> Self;

    fn open(&self) -> Self::Parent;
}

pub struct Memory(MemoryParent);

impl Bed for Memory {
    type Parent = MemoryParent;

    fn new() -> Self {
        Self(MemoryParent::new())
    }

    fn open(&self) -> MemoryParent {
        self.0.reopened()
    }
}

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

pub type Row = (Vec<u8>, Vec<u8>);

pub fn batch(version: u64, writes: &[(&[u8], Option<&[u8]>)]) -> ParentBatch {
    let mut batch = ParentBatch::new(Version::from(version));
    for (key, value) in writes {
        match value {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        }
    }
    batch
}

pub fn rows(range: Box<ParentRange<'_>>) -> Vec<Row> {
    range.map(Result::unwrap).collect()
}

pub fn all(snapshot: &dyn ParentSnapshot) -> Vec<Row> {
    rows(snapshot.range(Unbounded, Unbounded))
}

pub fn keys(snapshot: &dyn ParentSnapshot, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Vec<Vec<u8>> {
    rows(snapshot.range(from, to)).into_iter().map(|(key, _)| key).collect()
}
