//! What users choose before there is a store.

use super::Notice;
use crate::Error;
use crate::durable::{Bound, Durability, Watcher};
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
    pub bound: Bound,
    pub watcher: Option<Watcher>,
    /// Bytes in memory.
    pub budget: Option<u64>,
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
