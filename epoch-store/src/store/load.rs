//! Filling a store that nobody else can see yet with what is there at one version.
//!
//! Each batch is made as if it were the one commit that led to the version: the queue begins anew one stamp below it. So all
//! entries bear the same stamp, however many batches they come in, and the store ends at exactly that version. It must
//! be one owner's: who could read meanwhile would see the version before it is complete.

use super::{Options, Store, StoreRef};
use crate::batch::WriteBatch;
use crate::commit::Queue;
use crate::error::Error;

/// See the module header.
pub struct Loading {
    store: Box<Store>,
    stamp: u64,
}

impl Loading {
    /// Nothing is there at `stamp` yet.
    pub fn new(options: Options, stamp: u64) -> Self {
        Self { store: Box::new(Store::new(options, stamp)), stamp }
    }

    /// The space with this name, which is made if there is none.
    ///
    /// # Errors
    /// Those of [`Store::open_space`].
    pub fn open_space(&self, name: &str) -> Result<u32, Error> {
        self.store.open_space(name)
    }

    /// Puts what was not put before: of two values for a key the first one would stay.
    ///
    /// # Errors
    /// Those of a commit. Nothing of the batch is there then.
    pub fn add(&mut self, batch: &WriteBatch) -> Result<(), Error> {
        // Dropped with its one descriptor: no session is in use, and so nobody is pinned.
        self.store.queue = Queue::starting_at(self.stamp - 1);
        let added = self.store.commit_batch(batch).map(drop);
        if added.is_err() {
            self.store.queue = Queue::starting_at(self.stamp);
        }
        added
    }

    /// The store as it is now, for everybody.
    pub fn finish(self) -> StoreRef {
        StoreRef::share(self.store)
    }
}
