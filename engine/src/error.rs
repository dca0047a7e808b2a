//! What can go wrong, and the conflicts of transactions.

mod abort;
mod backup;
mod block_conflict;
mod merge;

pub use abort::Abort;
pub use backup::BackupFault;
pub use block_conflict::BlockConflict;
pub use merge::MergeError;

use crate::parent::ParentError;
use epoch_store::Version;
use std::fmt;
use std::sync::Arc;

/// The longest metadata of a commit, in bytes.
pub const MAX_METADATA_LEN: usize = 1 << 10;

/// A request that was refused. Nothing of it was applied.
///
/// ```
/// use engine::{Error, Store};
/// let refused = Store::in_memory().put("", "v").unwrap_err();
/// assert!(matches!(refused, Error::Map(epoch_store::Error::EmptyKey)));
/// assert!(!refused.is_conflict());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the map below refused: a key or value that cannot be stored, a batch or a map that would be too large, a
    /// version that is not kept.
    #[error(transparent)]
    Map(epoch_store::Error),
    /// A transaction read something that was written before it could commit. Run it again from its beginning.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// A write to a store that was closed.
    #[error("the store is closed")]
    Closed,
    /// A name of a key space that begins with a NUL byte: those are the engine's own.
    #[error("names of key spaces that begin with a NUL byte are reserved")]
    ReservedSpaceName,
    /// A savepoint that was rolled back over, released, or set by another transaction.
    #[error("the savepoint is not there any more")]
    NoSuchSavepoint,
    /// A write through something that can only be read.
    #[error("this view of the store can only be read")]
    ReadOnly,
    /// Metadata longer than [`MAX_METADATA_LEN`].
    #[error("the metadata has {len} bytes; at most {max} are allowed")]
    MetadataTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A transaction that met a conflict each time it was run.
    #[error("the transaction met a conflict in each of {attempts} attempts")]
    RetriesExhausted {
        /// How often it was run.
        attempts: u32,
    },
    /// What a view of a block has refused.
    #[error(transparent)]
    Abort(Box<Abort>),
    /// A transaction of a block that was to be committed, and has not been published, or has read what is not there any
    /// more.
    #[error("transaction {index} was not published, or what it has read is not there any more")]
    NotValid {
        /// Its index.
        index: u32,
        /// What it would find different now.
        conflicts: Vec<BlockConflict>,
    },
    /// A transaction of a block that was to be committed, and of which a merge cannot be made.
    #[error("transaction {index} cannot be committed: {error}")]
    NotMerged {
        /// Its index.
        index: u32,
        /// Why.
        error: MergeError,
    },
    /// A block of more transactions than an executor can run.
    #[error("a block of {transactions} transactions; at most {max} can be run")]
    BlockTooLarge {
        /// How many it has.
        transactions: usize,
        /// The most allowed.
        max: usize,
    },
    /// A block that was to be run, and of which transactions are committed, or left out, already.
    #[error("the block is in use")]
    BlockInUse,
    /// What the parent of the store could not do.
    #[error(transparent)]
    Parent(Arc<ParentError>),
    /// A commit that is made, and seen by everybody, and is not durable: the parent has failed. It is tried again, by itself
    /// and by [`Store::flush`](crate::Store::flush), as long as the store is open.
    #[error("version {version} is committed, and not durable{}", because(.cause))]
    NotDurable {
        /// Its version.
        version: Version,
        /// Why the parent has failed; `None`: the store was closed or dropped meanwhile.
        cause: Option<Arc<ParentError>>,
    },
    /// A commit that would bring what is not durable yet beyond
    /// [`Builder::undurable_limit`](crate::Builder::undurable_limit).
    #[error("{undurable} bytes are not durable yet; at most {limit} may be{}", because(.cause))]
    UndurableLimit {
        /// Bytes that are not durable.
        undurable: u64,
        /// The most allowed.
        limit: u64,
        /// Why the parent fails, if it does.
        cause: Option<Arc<ParentError>>,
    },
    /// A block whose transactions could not read what the parent has: nothing of it counts.
    #[error("the block could not be run: {0}")]
    Unread(Arc<Error>),
    /// Durability was asked of a store without a parent.
    #[error("the store has no parent to make anything durable")]
    NoParent,
    /// A backup that is not what an export has written. Nothing of it was taken.
    #[error("the backup is damaged at byte {offset}: {fault}")]
    DamagedBackup {
        /// How many bytes come before the fault: where the frame begins in which it lies, or where bytes are missing.
        offset: u64,
        /// What is wrong.
        fault: BackupFault,
    },
    /// A backup that could not be read or written, for what the other side of the stream says.
    #[error("cannot {action} byte {offset} of the backup: {error}")]
    BackupIo {
        /// What was tried: to read, or to write.
        action: &'static str,
        /// How many bytes went through before.
        offset: u64,
        /// What came in between.
        error: std::io::Error,
    },
    /// A backup was to be brought into a parent that something was committed to before. It was left as it is.
    #[error("a backup needs a parent that has nothing yet; this one is at version {version}")]
    NotEmpty {
        /// The version that it has come to.
        version: Version,
    },
    /// What an observer of reads and writes refused: gas that ran out, say.
    #[error("refused by the observer: {0}")]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether running the same work again, on a newer snapshot, may succeed.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let mut transaction = store.transaction();
    /// transaction.get_for_update("k")?;
    /// store.put("k", "somebody else's")?;
    /// assert!(transaction.commit().unwrap_err().is_conflict());
    /// assert!(!store.put("", "no key").unwrap_err().is_conflict());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// The end of a message.
fn because(cause: &Option<Arc<ParentError>>) -> String {
    cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"))
}

impl From<ParentError> for Error {
    fn from(error: ParentError) -> Self {
        Self::Parent(Arc::new(error))
    }
}

impl From<epoch_store::Error> for Error {
    fn from(error: epoch_store::Error) -> Self {
        match error {
            epoch_store::Error::Conflict(conflict) => Self::Conflict(Box::new((*conflict).into())),
            error => Self::Map(error),
        }
    }
}

/// How a transaction's reads were overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConflictKind {
    /// A key that it read was written.
    ReadWrite,
    /// Keys that it was to write were written by another, under snapshot isolation.
    WriteWrite,
    /// Something was put into, changed in or deleted from a range that it read.
    Phantom,
}

/// A key that another commit wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConflictingKey {
    /// The name of its key space; `None`: the default one.
    pub space: Option<String>,
    /// The key.
    pub key: Vec<u8>,
}

/// Why a transaction could not commit: what others wrote after its snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The version that the transaction read at.
    pub since: Version,
    /// In which way: [`WriteWrite`](ConflictKind::WriteWrite) if all of the keys are ones that the transaction writes,
    /// under snapshot isolation; else [`ReadWrite`](ConflictKind::ReadWrite) if one of them was read by itself; else
    /// [`Phantom`](ConflictKind::Phantom).
    pub kind: ConflictKind,
    /// The keys, each once, 64 at most. They are found when the transaction is refused: a key that was put and deleted
    /// again meanwhile may be missing, and there are none if that is true of all.
    pub keys: Vec<ConflictingKey>,
}

impl From<epoch_store::Conflict> for Conflict {
    fn from(conflict: epoch_store::Conflict) -> Self {
        let point = conflict.keys.iter().any(|key| key.read == epoch_store::ReadKind::Key);
        let kind = if point { ConflictKind::ReadWrite } else { ConflictKind::Phantom };
        let mut keys: Vec<ConflictingKey> = Vec::with_capacity(conflict.keys.len());
        for key in conflict.keys {
            let key = ConflictingKey { space: key.space, key: key.key };
            // One that was read by itself and in a range is named for both. They are few.
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Self { since: conflict.since, kind, keys }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ConflictKind::ReadWrite => "keys that were read",
            ConflictKind::WriteWrite => "keys that were written",
            ConflictKind::Phantom => "ranges that were read",
        };
        write!(f, "others wrote to {what} after version {}", self.since)?;
        for (at, key) in self.keys.iter().take(3).enumerate() {
            write!(
                f,
                "{} {:?}",
                if at == 0 { ":" } else { "," },
                key.key.escape_ascii().to_string()
            )?;
        }
        if self.keys.len() > 3 {
            write!(f, " and {} more", self.keys.len() - 3)?;
        }
        Ok(())
    }
}

impl std::error::Error for Conflict {}
