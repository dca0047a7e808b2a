//! A storage engine for state that many threads read while others write it: versions, snapshots, atomic batches,
//! conditional writes and named key spaces, on top of the lock-free map of [`epoch_store`].
//!
//! ```
//! use engine::{Store, WriteBatch};
//! let store = Store::in_memory();
//! store.put("alice", "10")?;
//! let before = store.snapshot();
//!
//! let mut batch = WriteBatch::new();
//! batch.put("alice", "7").put("bob", "3");
//! store.commit(&batch)?;
//!
//! assert_eq!(store.snapshot().get("bob")?.unwrap(), "3");
//! assert_eq!(before.get("alice")?.unwrap(), "10");
//! # Ok::<(), engine::Error>(())
//! ```

#![forbid(unsafe_code)]

// A module uses only what stands above it.
mod error;
mod value;
mod batch;
mod observe;
mod shared;
mod snapshot;
mod store;
mod kv;
mod overlay;
mod transaction;

pub use batch::WriteBatch;
pub use epoch_store::{KeyRange, MAX_KEY_LEN, MAX_SPACE_NAME_LEN, MAX_VALUE_LEN, Stats, Version};
pub use error::{Conflict, ConflictKind, ConflictingKey, Error, MAX_METADATA_LEN};
pub use kv::{KvEntries, KvStore, Observed, Observer, ObserverError, Prefixed};
pub use observe::{Contention, HotKey};
pub use overlay::{Overlay, OverlayBatch, OverlayEntries, OverlayRange, OverlayView};
pub use shared::{MAX_KEY_SPACES, SlowReader};
pub use snapshot::{
    Change, ChangeSet, Changes, Cursor, Keys, Lease, LeaseRange, LeaseView, Range, Snapshot,
    SpaceView,
};
pub use store::{Builder, KeySpace, Store};
pub use transaction::{
    Isolation, Retry, Savepoint, Transaction, TransactionRange, TransactionSpace,
};
pub use value::{Key, Value};
