//! Writing a backup.

use super::{BackupProgress, Exported, StreamWriter};
use crate::{Error, Snapshot, SpaceView};
use std::io::Write;

impl Snapshot {
    /// Writes everything that this snapshot shows: entries of all key spaces, and the [metadata](Snapshot::metadata).
    /// [`Builder::import`](crate::Builder::import) makes a store of it again.
    ///
    /// *Guarantee.* Exactly one version, whatever is written to the store meanwhile; and the same bytes for the same version.
    /// *Cost.* Time proportional to the entries and their bytes; memory for one frame of 64 KiB; a call of `writer` for each.
    /// *Progress.* Blocks for as long as `writer` does, which holds up nobody else: it is a reader, and keeps what was
    /// overwritten since the snapshot was opened. `watch` is told how far it has come.
    ///
    /// The writer is flushed at the end. Whether the disk has it is the business of who made the file (`File::sync_all`), and so is
    /// what was written before an error: it is no backup, and [`verify_backup`](crate::verify_backup) says so.
    ///
    /// # Errors
    /// [`Error::BackupIo`], what the writer says.
    ///
    /// ```
    /// use engine::Store;
    /// let store = Store::in_memory();
    /// let version = store.put("k", "then")?;
    /// let snapshot = store.snapshot();
    /// store.put("k", "now")?;
    /// let mut backup = Vec::new();
    /// snapshot.export(&mut backup, |_| ())?;
    ///
    /// let copy = Store::builder().import(&backup[..], |_| ())?;
    /// assert_eq!(copy.version(), version);
    /// assert_eq!(copy.snapshot().get("k")?.unwrap(), "then");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn export(
        &self,
        writer: impl Write,
        watch: impl FnMut(&BackupProgress<'_>),
    ) -> Result<Exported, Error> {
        let metadata = self.metadata()?;
        let mut stream = StreamWriter::begin(writer, watch, self.version(), metadata.as_deref())?;
        stream.space(None, self.iter())?;
        // One that is created meanwhile has no entry at this version.
        for space in self.shared().spaces() {
            let view = SpaceView::new(self.of_map().space(&space)?, self.beneath(space.id()));
            stream.space(Some(space.name()), view.iter())?;
        }
        stream.end()
    }
}
