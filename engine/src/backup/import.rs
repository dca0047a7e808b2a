//! A store from a backup.

use super::BackupProgress;
use super::stream::{Item, StreamReader};
use crate::shared::Founding;
use crate::{Builder, Error, Store};
use std::io::Read;

impl Builder {
    /// A store with everything that a [backup](crate::Snapshot::export) holds, at the version of the backup.
    ///
    /// *Guarantee.* All or nothing: there is no store before the backup was read to its end and found whole. With a
    /// [parent](Builder::parent) everything is durable when this returns; the parent gets nothing before the backup was found
    /// whole. If it fails after that, or the process ends, it holds a part; it says so, and no store can be opened on
    /// it any more: remove it. *Cost.* Time proportional to the entries and their bytes; no memory beyond that of the store,
    /// but for the batches that go to the parent: 8 MiB, or one entry. *Progress.* Blocks for as long as `reader` and the parent do. `watch` is told how far reading has come.
    ///
    /// # Errors
    /// [`Error::DamagedBackup`], with the place; [`Error::BackupIo`], what the reader says; [`Error::NotEmpty`]: the parent was
    /// committed to before, and is as it was; [`Error::NoParent`], [`Error::Parent`]; in [`Error::Map`]
    /// [`TooManySpaces`](epoch_store::Error::TooManySpaces), [`MemoryLimit`](epoch_store::Error::MemoryLimit), if
    /// it holds more than was chosen, and [`KeyTooLong`](epoch_store::Error::KeyTooLong) and
    /// [`ValueTooLong`](epoch_store::Error::ValueTooLong), if it holds what the parent cannot keep.
    ///
    /// ```
    /// use engine::{Error, MemoryParent, Store};
    /// let store = Store::in_memory();
    /// let version = store.key_space("accounts")?.put("alice", "10")?;
    /// let mut backup = Vec::new();
    /// store.snapshot().export(&mut backup, |_| ())?;
    ///
    /// let parent = MemoryParent::new();
    /// let copy = Store::builder().parent(parent.reopened()).import(&backup[..], |_| ())?;
    /// assert_eq!((copy.version(), copy.durable_version()), (version, Some(version)));
    /// let accounts = copy.find_key_space("accounts").unwrap();
    /// assert_eq!(copy.snapshot().space(&accounts)?.get("alice")?.unwrap(), "10");
    /// copy.close()?;
    ///
    /// let again = Store::builder().parent(parent).import(&backup[..], |_| ());
    /// assert!(matches!(again, Err(Error::NotEmpty { .. })));
    /// backup[20] ^= 1;
    /// let damaged = Store::builder().import(&backup[..], |_| ());
    /// assert!(matches!(damaged, Err(Error::DamagedBackup { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn import(
        self,
        reader: impl Read,
        watch: impl FnMut(&BackupProgress<'_>),
    ) -> Result<Store, Error> {
        let mut stream = StreamReader::begin(reader, watch)?;
        let beginning = stream.beginning().clone();
        let founding = Founding { version: beginning.version, metadata: beginning.metadata };
        Store::found(self, founding, |filling| {
            loop {
                match stream.next()? {
                    Item::Space(name) => filling.enter(name)?,
                    Item::Entry(key, value) => filling.put(key, value)?,
                    Item::End(_) => return Ok(()),
                }
            }
        })
    }
}
