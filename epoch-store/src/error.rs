//! What can be wrong with a request.

use crate::Version;
use std::fmt;

/// The longest key, in bytes.
pub const MAX_KEY_LEN: usize = 64 << 10;
/// The longest value, in bytes: just under 2 GiB.
pub const MAX_VALUE_LEN: usize = (i32::MAX - 64) as usize;

/// The longest name of a key space, in bytes.
pub const MAX_SPACE_NAME_LEN: usize = 255;
/// The most key spaces with a name that a map can have.
pub const MAX_KEY_SPACES: usize = 65_535;

/// The highest version that a map can [begin at](crate::Builder::load_at): above it there is room for a commit in each nanosecond of two
/// years, and the bits that slots of snapshots use for themselves are far off.
pub const MAX_FIRST_VERSION: u64 = 1 << 56;

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
    /// A name of no bytes for a key space.
    SpaceNameEmpty,
    /// A name of a key space longer than [`MAX_SPACE_NAME_LEN`].
    SpaceNameTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A put, or a batch with one, for which there is no room within
    /// [`Builder::memory_limit`](crate::Builder::memory_limit), also not after collecting.
    MemoryLimit {
        /// Bytes that the map holds: [`Stats::bytes`](crate::Stats::bytes).
        held: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A new key space in a map that has as many as it was built for.
    TooManySpaces {
        /// The most allowed.
        max: usize,
    },
    /// A key space of another map.
    ForeignSpace,
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
    /// A [conditional commit](crate::Map::commit_if) whose reads others have overtaken.
    Conflict(Box<Conflict>),
    /// A read through a [`Lease`](crate::Lease) that was taken back.
    SnapshotRevoked {
        /// The version of the lease.
        version: Version,
    },
    /// Two snapshots that belong to different maps.
    ForeignSnapshot,
    /// An entry for version zero, in which there is nothing.
    NothingAtZero,
    /// A version beyond [`MAX_FIRST_VERSION`] to begin at.
    VersionTooHigh {
        /// The version asked for.
        version: Version,
        /// The highest allowed.
        max: Version,
    },
    /// Changes since a version that is later than the one they should lead to.
    NotOlder {
        /// The version that should be the earlier one.
        since: Version,
        /// The version that should be the later one.
        version: Version,
    },
}

/// What others wrote to the reads of a conditional commit, after its snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The version that was read.
    pub since: Version,
    /// The keys that were written: at most 64 of them. Found when the commit is refused: one that was put and deleted
    /// again meanwhile may be missing, and if that is true of all, and a range was read, there are none.
    pub keys: Vec<ConflictingKey>,
}

/// A key of a [`Conflict`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConflictingKey {
    /// The name of its key space; `None`: the default one.
    pub space: Option<String>,
    /// The key.
    pub key: Vec<u8>,
    /// How it was read.
    pub read: ReadKind,
}

/// How a key was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadKind {
    /// By itself.
    Key,
    /// With all keys of a range.
    Range,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what was read at version {} was written by others", self.since)?;
        if let Some(first) = self.keys.first() {
            write!(f, ": key \"{}\"", first.key.escape_ascii())?;
        }
        if self.keys.len() > 1 {
            write!(f, " and {} more", self.keys.len() - 1)?;
        }
        Ok(())
    }
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
            Self::MemoryLimit { held, limit } => write!(
                f,
                "no room for what is put: the map holds {held} bytes, and may hold {limit}"
            ),
            Self::SpaceNameEmpty => {
                write!(f, "the name of the key space is empty; names have at least one byte")
            }
            Self::SpaceNameTooLong { len, max } => {
                write!(f, "the name of the key space has {len} bytes; at most {max} are allowed")
            }
            Self::TooManySpaces { max } => {
                write!(f, "the map allows {max} key spaces, and has as many")
            }
            Self::ForeignSpace => write!(f, "the key space belongs to another map"),
            Self::VersionInFuture { version, newest } => {
                write!(f, "version {version} does not exist yet; the newest is {newest}")
            }
            Self::VersionCollected { version, oldest } => {
                write!(
                    f,
                    "version {version} cannot be opened by number any more; the oldest that can is {oldest}"
                )
            }
            Self::SnapshotRevoked { version } => {
                write!(f, "the lease of version {version} was taken back")
            }
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::ForeignSnapshot => write!(f, "the snapshots belong to different maps"),
            Self::VersionTooHigh { version, max } => {
                write!(f, "a map cannot begin at version {version}; at {max} at most")
            }
            Self::NothingAtZero => write!(f, "version 0 is empty: nothing can be loaded into it"),
            Self::NotOlder { since, version } => {
                write!(f, "version {since} is later than {version}, not earlier")
            }
        }
    }
}

impl std::error::Error for Error {}
