//! A place for a parent, and what is asked of it all the time.

use engine::{MemoryParent, Parent, ParentBatch, ParentRange, ParentSnapshot, Version};
use std::ops::Bound::{self, Unbounded};

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
