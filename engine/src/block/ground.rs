//! What lies below the base of a block, in a store whose memory has a budget.

use crate::Error;
use crate::below::{Below, Beneath};
use arc_swap::ArcSwapOption;
use epoch_store::block::{self, Grounded};
use epoch_store::{KeySpace, Snapshot};
use std::ops::Bound;
use std::sync::Arc;

/// Why the parent could not be asked, if it could not: then the block has read what is not so, and comes to nothing.
#[derive(Clone, Default)]
pub struct Failure(Arc<ArcSwapOption<Error>>);

impl Failure {
    fn note(&self, error: Error) {
        self.0.store(Some(Arc::new(error)));
    }

    /// Refuses to go on if there was one.
    ///
    /// # Errors
    /// What the parent said.
    pub fn check(&self) -> Result<(), Error> {
        match &*self.0.load() {
            None => Ok(()),
            Some(error) => Err(Error::Unread(error.clone())),
        }
    }
}

/// See the module header.
pub struct Ground {
    pub below: Arc<Below>,
    pub space: Option<KeySpace>,
    pub failure: Failure,
}

impl Ground {
    fn number(&self) -> u32 {
        self.space.as_ref().map_or(0, KeySpace::id)
    }
}

impl block::Ground for Ground {
    fn get(&self, base: &Snapshot, key: &[u8]) -> Option<Vec<u8>> {
        self.below.get(base, self.number(), key).unwrap_or_else(|error| {
            self.failure.note(error);
            None
        })
    }

    fn range<'b>(
        &'b self,
        base: &'b Snapshot,
        lo: Bound<&[u8]>,
        hi: Bound<&[u8]>,
    ) -> Box<Grounded<'b>> {
        let of_memory = match &self.space {
            None => base.range((lo, hi)),
            Some(space) => match base.space(space) {
                Ok(view) => view.range((lo, hi)),
                Err(error) => {
                    self.failure.note(error.into());
                    return Box::new(std::iter::empty());
                }
            },
        };
        let entries = Beneath::new(&self.below, base, self.number()).merge((lo, hi), of_memory);
        let owned = entries.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())));
        // After an error there is nothing more.
        Box::new(owned.filter_map(|entry| entry.map_err(|error| self.failure.note(error)).ok()))
    }
}
