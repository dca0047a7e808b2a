//! Parents that break their promise, so that it is seen whether anybody would notice.

use engine::{Parent, ParentBatch, ParentError, ParentSnapshot, Version};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// How a parent lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// It says that a batch is durable when it is about to be: it writes it before the next one.
    Late,
    /// It never writes one batch of many, and says that it has.
    Dropped,
    /// It writes a batch in two steps.
    Halved,
    /// It forgets the version that a batch brings it to.
    Unnumbered,
}

impl Lie {
    pub const ALL: [Self; 4] = [Self::Late, Self::Dropped, Self::Halved, Self::Unnumbered];

    pub fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Dropped => "dropped",
            Self::Halved => "halved",
            Self::Unnumbered => "unnumbered",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lie| lie.name() == name)
    }
}

/// An honest parent in a dishonest one.
pub struct Liar<P> {
    parent: P,
    lie: Lie,
    /// Batches so far, and the one that was not written.
    told: Mutex<(u64, Option<ParentBatch>)>,
}

impl<P: Parent> Liar<P> {
    pub fn new(parent: P, lie: Lie) -> Self {
        Self { parent, lie, told: Mutex::default() }
    }
}

/// Some writes of a batch, as one of this version.
fn part(batch: &ParentBatch, version: Version, is_in: impl Fn(usize) -> bool) -> ParentBatch {
    let mut part = ParentBatch::new(version);
    for (_, (key, value)) in batch.writes().enumerate().filter(|(at, _)| is_in(*at)) {
        match value {
            Some(value) => part.put(key, value),
            None => part.delete(key),
        }
    }
    part
}

impl<P: Parent> Parent for Liar<P> {
    fn commit(&self, batch: &ParentBatch) -> Result<(), ParentError> {
        let (count, late) = &mut *self.told.lock().unwrap();
        *count += 1;
        match self.lie {
            Lie::Late => match late.replace(batch.clone()) {
                Some(before) => self.parent.commit(&before),
                None => Ok(()),
            },
            Lie::Dropped if count.is_multiple_of(8) => Ok(()),
            Lie::Dropped => self.parent.commit(batch),
            Lie::Halved => {
                let half = batch.writes().len() / 2;
                let version = self.parent.durable_version()?;
                self.parent.commit(&part(batch, version, |at| at < half))?;
                std::thread::sleep(Duration::from_millis(1));
                self.parent.commit(&part(batch, batch.version(), |at| at >= half))
            }
            Lie::Unnumbered => {
                let version = self.parent.durable_version()?;
                self.parent.commit(&part(batch, version, |_| true))
            }
        }
    }

    fn snapshot(&self) -> Result<Box<dyn ParentSnapshot>, ParentError> {
        self.parent.snapshot()
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
