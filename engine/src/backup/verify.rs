//! Reading a backup for nothing but its faults.

use super::stream::{Item, StreamReader};
use super::{BackupProgress, Exported};
use crate::Error;
use std::io::Read;

/// Reads a backup to its end and says what it holds, if it is whole: what [`Snapshot::export`](crate::Snapshot::export) has
/// written, byte for byte, as far as checksums can tell.
///
/// Takes time proportional to its bytes, and memory for one entry, or frame, and the names of its key spaces. Blocks for as long as `reader` does.
/// `watch` is told how far it has come.
///
/// # Errors
/// [`Error::DamagedBackup`], with the place and the fault; [`Error::BackupIo`], what the reader says.
///
/// ```
/// use engine::{BackupFault, Error, Store, verify_backup};
/// let store = Store::in_memory();
/// store.put("k", "v")?;
/// let mut backup = Vec::new();
/// let exported = store.snapshot().export(&mut backup, |_| ())?;
/// assert_eq!(verify_backup(&backup[..], |_| ())?, exported);
///
/// backup.pop();
/// let end = backup.len() as u64;
/// let refused = verify_backup(&backup[..], |_| ()).unwrap_err();
/// assert!(matches!(refused, Error::DamagedBackup { offset, fault: BackupFault::Truncated } if offset == end));
/// # Ok::<(), Error>(())
/// ```
pub fn verify_backup(
    reader: impl Read,
    watch: impl FnMut(&BackupProgress<'_>),
) -> Result<Exported, Error> {
    let mut stream = StreamReader::begin(reader, watch)?;
    loop {
        if let Item::End(exported) = stream.next()? {
            return Ok(exported);
        }
    }
}
