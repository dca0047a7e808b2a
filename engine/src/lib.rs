//! The storage engine's front door.
//!
//! This version consists of the core, [`epoch_store`], whose types are re-exported here: an ordered map of byte keys with
//! O(1) snapshots and atomic batches. Transactions, overlays, block state and durable parents are built on top of it in
//! this crate; what is not here yet is not promised.
//!
//! ```
//! use engine::{Map, WriteBatch};
//! let map = Map::new();
//! let mut batch = WriteBatch::new();
//! batch.put(b"alice", b"7").put(b"bob", b"3");
//! map.commit(&batch)?;
//! assert_eq!(map.snapshot().iter().count(), 2);
//! # Ok::<(), engine::Error>(())
//! ```

#![forbid(unsafe_code)]

pub use epoch_store::{
    Builder, Change, ChangeSet, Changes, Error, Key, KeyRange, KeySpace, Lease, LeaseRange,
    LeaseView, MAX_KEY_LEN, MAX_KEY_SPACES, MAX_SPACE_NAME_LEN, MAX_VALUE_LEN, Map, Range,
    Snapshot, SpaceView, Stats, Survey, Value, Version, WriteBatch,
};
