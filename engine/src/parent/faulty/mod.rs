//! A parent that fails when it is told to.
//!
//! *Role.* What a store does while a disk is full, is slow, or has lost an answer cannot be seen with a disk that works.
//! [`FaultyParent`] stands between a store and a parent that works, and [`Faults`] says what goes wrong there: applications
//! test their own conduct by it, too. It is behind the feature `fault-injection`.

mod faults;

pub use faults::{Fault, Faults};

use super::{Parent, ParentBatch, ParentError, ParentErrorKind, ParentRange, ParentSnapshot};
use crate::Version;
use faults::made;
use std::ops::Bound;
use std::path::Path;

/// A [`Parent`] above another one, with faults in between. Without any it is the other one.
///
/// ```
/// use engine::{FaultyParent, MemoryParent, Parent, ParentErrorKind};
/// let (parent, faults) = FaultyParent::new(MemoryParent::new());
/// faults.snapshots(ParentErrorKind::Denied);
/// assert_eq!(parent.snapshot().err().unwrap().kind(), ParentErrorKind::Denied);
/// faults.heal();
/// assert!(parent.snapshot().is_ok());
/// ```
#[derive(Debug)]
pub struct FaultyParent<P> {
    parent: P,
    faults: Faults,
}

impl<P: Parent> FaultyParent<P> {
    /// Above `parent`, and the switches, all of them off.
    ///
    /// ```
    /// # use engine::{FaultyParent, MemoryParent};
    /// let (parent, faults) = FaultyParent::new(MemoryParent::new());
    /// assert_eq!(faults.commits(), 0);
    /// ```
    pub fn new(parent: P) -> (Self, Faults) {
        let faults = Faults::default();
        (Self { parent, faults: faults.clone() }, faults)
    }

    /// The parent below, without faults.
    ///
    /// ```
    /// # use engine::{FaultyParent, MemoryParent, Parent, Version};
    /// let (parent, _) = FaultyParent::new(MemoryParent::new());
    /// assert_eq!(parent.get_ref().durable_version()?, Version::ZERO);
    /// # Ok::<(), engine::ParentError>(())
    /// ```
    pub fn get_ref(&self) -> &P {
        &self.parent
    }
}

impl<P: Parent> Parent for FaultyParent<P> {
    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.faults.of_snapshot()?;
        let snapshot = self.parent.snapshot()?;
        Ok(Box::new(FaultySnapshot { snapshot, faults: self.faults.clone() }))
    }

    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        match self.faults.of_commit() {
            None => self.parent.commit(batch),
            Some(Fault::Refused(kind)) => Err(made(kind, "write")),
            Some(Fault::Unanswered) => {
                self.parent.commit(batch)?;
                Err(made(ParentErrorKind::Io, "write"))
            }
            Some(Fault::Slow(time)) => {
                std::thread::sleep(time);
                self.parent.commit(batch)
            }
        }
    }

    fn max_key_len(&self) -> usize {
        self.parent.max_key_len()
    }

    fn max_value_len(&self) -> usize {
        self.parent.max_value_len()
    }

    fn path(&self) -> Option<&Path> {
        self.parent.path()
    }

    fn close(&self) -> Result<(), ParentError> {
        self.parent.close()
    }
}

struct FaultySnapshot {
    snapshot: Box<dyn ParentSnapshot>,
    faults: Faults,
}

impl ParentSnapshot for FaultySnapshot {
    fn version(&self) -> Version {
        self.snapshot.version()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ParentError> {
        self.faults.of_read()?;
        self.snapshot.get(key)
    }

    fn range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Box<ParentRange<'_>> {
        let entries = Some(self.snapshot.range(from, to));
        Box::new(FaultyRange { entries, faults: &self.faults })
    }
}

type Entry = Result<(Vec<u8>, Vec<u8>), ParentError>;

struct FaultyRange<'s> {
    /// `None`: there was an error.
    entries: Option<Box<ParentRange<'s>>>,
    faults: &'s Faults,
}

impl FaultyRange<'_> {
    fn step(&mut self, step: impl FnOnce(&mut ParentRange<'_>) -> Option<Entry>) -> Option<Entry> {
        let entries = self.entries.as_mut()?;
        if let Err(error) = self.faults.of_read() {
            self.entries = None;
            return Some(Err(error));
        }
        step(entries)
    }
}

impl Iterator for FaultyRange<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.step(|entries| entries.next())
    }
}

impl DoubleEndedIterator for FaultyRange<'_> {
    fn next_back(&mut self) -> Option<Entry> {
        self.step(|entries| entries.next_back())
    }
}
