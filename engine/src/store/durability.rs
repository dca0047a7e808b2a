//! Which commits outlive the process, and waiting for them.

use super::Store;
use crate::durable::{Durability, Durable, Writes};
use crate::shared::Terms;
use crate::{Error, Version, WriteBatch};

impl Store {
    /// As [`Store::commit`], and returns when `durability` says, whatever was chosen for all commits
    /// ([`Builder::durability`](crate::Builder::durability)).
    ///
    /// # Errors
    /// Those of [`Store::commit`]; [`Error::NotDurable`]: then it is committed; [`Error::NoParent`]: then it is not.
    ///
    /// ```
    /// use engine::{Durability, MemoryParent, Store, WriteBatch};
    /// let store = Store::builder().parent(MemoryParent::new()).open()?;
    /// let mut batch = WriteBatch::new();
    /// let version = store.commit_with(batch.put("k", "v"), Durability::Durable)?;
    /// assert_eq!(store.durable_version(), Some(version));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn commit_with(
        &self,
        batch: &WriteBatch,
        durability: Durability,
    ) -> Result<Version, Error> {
        let (batch, terms) =
            (batch.of_map(), Terms { durability: Some(durability), ..Terms::default() });
        self.shared().commit_on(terms, Writes::Batch(batch), |map| map.commit(batch))
    }

    /// The last version up to which everything is durable; `None` without a parent. Wait-free.
    ///
    /// A version that changes nothing counts as durable when all before it is: that of a commit that was refused after it had got
    /// one, or of the engine's own, as evictions are. Nothing is written for it, so that after a crash its number may be given to another
    /// commit. That of a commit that was made is not given again.
    ///
    /// ```
    /// use engine::{MemoryParent, Store};
    /// let store = Store::builder().parent(MemoryParent::new()).open()?;
    /// let version = store.put("k", "v")?;
    /// store.flush()?;
    /// assert_eq!(store.durable_version(), Some(version));
    /// assert_eq!(Store::in_memory().durable_version(), None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn durable_version(&self) -> Option<Version> {
        self.shared().durable().map(Durable::version)
    }

    /// Waits until `version` is durable, and everything before it. Blocks the thread: in an asynchronous task, ask a thread that may be blocked.
    ///
    /// # Errors
    /// [`Error::NotDurable`], if the parent fails meanwhile: wait again, if you like; [`Error::NoParent`]; in [`Error::Map`]
    /// [`VersionInFuture`](epoch_store::Error::VersionInFuture), a version that no commit has reached.
    ///
    /// ```
    /// use engine::{Error, MemoryParent, Store};
    /// let store = Store::builder().parent(MemoryParent::new()).open()?;
    /// let version = store.put("k", "v")?;
    /// store.wait_durable(version)?;
    /// assert!(matches!(Store::in_memory().wait_durable(version), Err(Error::NoParent)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn wait_durable(&self, version: Version) -> Result<(), Error> {
        let durable = self.shared().durable().ok_or(Error::NoParent)?;
        let newest = self.version();
        if version > newest {
            return Err(epoch_store::Error::VersionInFuture { version, newest }.into());
        }
        durable.wait(version)
    }

    /// Waits until everything that is visible now is durable. A parent that has failed is tried again at once. Does nothing
    /// without a parent.
    ///
    /// # Errors
    /// [`Error::NotDurable`], if the parent fails.
    ///
    /// ```
    /// let store = engine::Store::builder().parent(engine::MemoryParent::new()).open()?;
    /// store.put("k", "v")?;
    /// store.flush()?;
    /// assert_eq!(store.durable_version(), Some(store.version()));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn flush(&self) -> Result<(), Error> {
        self.shared().durable().map_or(Ok(()), |durable| durable.flush(self.version()))
    }

    /// Bytes of commits that are not durable yet: what [`Builder::undurable_limit`](crate::Builder::undurable_limit) bounds.
    /// Zero without a parent. Wait-free.
    ///
    /// ```
    /// let store = engine::Store::builder().parent(engine::MemoryParent::new()).open()?;
    /// store.put("k", "v")?;
    /// store.flush()?;
    /// assert_eq!(store.undurable_bytes(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn undurable_bytes(&self) -> u64 {
        self.shared().durable().map_or(0, Durable::undurable)
    }
}
