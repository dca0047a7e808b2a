//! What users choose before there is a store.

use super::Notice;
use crate::Error;
use crate::durable::{BATCH_BYTES, Bound, Durability, Overflow, Watcher};
use crate::parent::{Parent, ParentError, ParentErrorKind};
use epoch_store::Place;
use std::fmt;
use std::sync::Arc;

/// See [`Builder`](crate::Builder), method for method.
#[derive(Debug, Clone)]
pub struct Options {
    pub map: epoch_store::Builder,
    pub max_batch_len: usize,
    pub max_key_spaces: usize,
    pub notice: Option<Notice>,
    pub parent: Option<ParentPlace>,
    pub durability: Durability,
    /// Bytes on their way to the parent; `None`: as many as go with the budget, or the usual number.
    pub undurable: Option<u64>,
    pub overflow: Overflow,
    pub watcher: Option<Watcher>,
    /// Bytes in memory.
    pub budget: Option<u64>,
}

/// Bytes that may wait for the parent, if nothing else was chosen.
const UNDURABLE_BYTES: u64 = 256 << 20;
/// With a budget, what is on its way to the parent is memory beside it: this part of the budget at most, unless chosen otherwise,
const UNDURABLE_PART: u64 = 16;
/// and this part in one batch.
const BATCH_PART: u64 = 32;
/// A batch is no smaller for that.
const SMALLEST_BATCH: u64 = 1 << 20;

impl Options {
    /// How much may be on its way to the parent.
    pub fn bound(&self) -> Bound {
        let part = |part: u64, usual: u64| {
            self.budget.map_or(usual, |budget| (budget / part).clamp(SMALLEST_BATCH, usual))
        };
        Bound {
            limit: self.undurable.unwrap_or_else(|| part(UNDURABLE_PART, UNDURABLE_BYTES)),
            batch: part(BATCH_PART, BATCH_BYTES),
            overflow: self.overflow,
        }
    }
}

/// Where a parent waits for the one store that is opened on it: clones of the choices share the place.
#[derive(Clone)]
pub struct ParentPlace(Arc<Place<Option<Arc<dyn Parent>>>>);

impl ParentPlace {
    /// With a parent in it.
    pub fn new(parent: impl Parent) -> Self {
        let parent: Arc<dyn Parent> = Arc::new(parent);
        Self(Arc::new(Place::new(Some(parent))))
    }

    /// The parent, for the first who asks.
    pub fn take(&self) -> Result<Arc<dyn Parent>, Error> {
        let taken = self.0.with(Option::take).flatten();
        taken.ok_or_else(|| {
            let error = ParentError::new(ParentErrorKind::InUse, "open a store");
            error.because("another store was opened with the same choices").into()
        })
    }
}

impl fmt::Debug for ParentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ParentPlace")
    }
}
