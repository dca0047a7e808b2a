//! Parents that can be opened again, and stores on them.

use crate::watchdog::Watchdog;
use engine::{
    Builder, Error, Faults, FaultyParent, MemoryParent, Parent, ParentErrorKind, Store, Version,
    WriteBatch,
};
use std::time::{Duration, Instant};

/// A place for one parent, which can be opened again and again.
pub trait Ground {
    type Parent: Parent;

    fn new() -> Self;

    fn open(&self) -> Self::Parent;

    /// A store on it, and the switches in between.
    fn faulty(&self, builder: Builder) -> (Store, Faults) {
        let (parent, faults) = FaultyParent::new(self.open());
        (builder.parent(parent).open().unwrap(), faults)
    }

    /// A store on it when all others are gone.
    fn store(&self) -> Store {
        Store::builder().parent(self.open()).open().unwrap()
    }
}

pub struct Memory(MemoryParent);

impl Ground for Memory {
    type Parent = MemoryParent;

    fn new() -> Self {
        Self(MemoryParent::new())
    }

    fn open(&self) -> MemoryParent {
        self.0.reopened()
    }
}

#[cfg(feature = "redb")]
pub struct Redb(tempfile::TempDir);

#[cfg(feature = "redb")]
impl Ground for Redb {
    type Parent = engine::RedbParent;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> engine::RedbParent {
        engine::RedbParent::open(self.0.path()).unwrap()
    }
}

#[cfg(feature = "fjall")]
pub struct Fjall(tempfile::TempDir);

#[cfg(feature = "fjall")]
impl Ground for Fjall {
    type Parent = engine::FjallParent;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> engine::FjallParent {
        engine::FjallParent::open(self.0.path()).unwrap()
    }
}

/// What a test that hangs is ended after.
pub fn watchdog(what: &'static str) -> Watchdog {
    Watchdog::new(what, Duration::from_secs(60))
}

/// Waits for what comes by itself.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it did not come: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn batch(key: &str, value: impl AsRef<[u8]>) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(key, value);
    batch
}

/// Of a commit that is made and not durable: its version, and why.
pub fn not_durable(error: Error) -> (Version, ParentErrorKind) {
    match error {
        Error::NotDurable { version, cause: Some(cause) } => (version, cause.kind()),
        error => panic!("not about durability: {error:?}"),
    }
}

/// Of what the parent could not do.
pub fn of_parent(error: Error) -> ParentErrorKind {
    match error {
        Error::Parent(cause) => cause.kind(),
        error => panic!("not of the parent: {error:?}"),
    }
}
