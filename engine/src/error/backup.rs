//! What can be wrong with a backup.

/// What is wrong with the bytes of a backup; where, [`Error::DamagedBackup`](crate::Error::DamagedBackup) says.
///
/// ```
/// use engine::{BackupFault, Error, verify_backup};
/// let refused = verify_backup(&b"something else altogether"[..], |_| ()).unwrap_err();
/// assert!(matches!(refused, Error::DamagedBackup { offset: 0, fault: BackupFault::Foreign }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupFault {
    /// It does not begin as a backup does.
    #[error("this is no backup")]
    Foreign,
    /// It was written by a later version of this program.
    #[error("its format is {format}; this program knows up to {known}")]
    NewerFormat {
        /// The number of its format.
        format: u32,
        /// The last one that is known.
        known: u32,
    },
    /// It ends before its end: bytes are missing from here on.
    #[error("it ends here, and is not whole")]
    Truncated,
    /// A frame that is not what was written, or not where it was written: some of its bytes are others, or what came before
    /// it is another backup.
    #[error("the checksum of frame {frame} does not match")]
    Checksum {
        /// Which frame, from 0 on.
        frame: u64,
    },
    /// A frame in the place of another one: some were left out, exchanged or repeated.
    #[error("frame {found} stands where frame {expected} should be")]
    OutOfOrder {
        /// Which frame should be here.
        expected: u64,
        /// Which one is.
        found: u64,
    },
    /// A frame that is longer than any that is written.
    #[error("a frame of {len} bytes; at most {max} are allowed")]
    FrameTooLong {
        /// Its length in bytes.
        len: usize,
        /// The most allowed.
        max: usize,
    },
    /// What the frames hold is not what an export writes, though their checksums match.
    #[error("{0}")]
    Malformed(&'static str),
    /// Bytes behind the end.
    #[error("it should end here, and goes on")]
    Trailing,
}
