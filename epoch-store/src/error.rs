//! What can be wrong with a request.

use crate::Version;
use std::fmt;

/// The longest key, in bytes.
pub const MAX_KEY_LEN: usize = 64 << 10;
/// The longest value, in bytes: just under 4 GiB.
pub const MAX_VALUE_LEN: usize = (u32::MAX - 64) as usize;

/// A request that was refused. Nothing of it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A key of no bytes.
    EmptyKey,
    /// A key longer than [`MAX_KEY_LEN`].
    KeyTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A value longer than [`MAX_VALUE_LEN`].
    ValueTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A batch with more writes than the map was built for.
    BatchTooLarge {
        /// Its number of writes.
        len: usize,
        /// The most allowed.
        max: usize,
    },
    /// A version that no commit has reached yet.
    VersionInFuture {
        /// The version asked for.
        version: Version,
        /// The newest there is.
        newest: Version,
    },
    /// A version that cannot be opened by its number any more.
    VersionCollected {
        /// The version asked for.
        version: Version,
        /// The oldest that can still be opened.
        oldest: Version,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyKey => write!(f, "the key is empty; keys have at least one byte"),
            Self::KeyTooLong { len, max } => {
                write!(f, "the key has {len} bytes; at most {max} are allowed")
            }
            Self::ValueTooLong { len, max } => {
                write!(f, "the value has {len} bytes; at most {max} are allowed")
            }
            Self::BatchTooLarge { len, max } => {
                write!(f, "the batch has {len} writes; this map allows {max}")
            }
            Self::VersionInFuture { version, newest } => {
                write!(f, "version {version} does not exist yet; the newest is {newest}")
            }
            Self::VersionCollected { version, oldest } => {
                write!(
                    f,
                    "version {version} cannot be opened by number any more; the oldest that can is {oldest}"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
