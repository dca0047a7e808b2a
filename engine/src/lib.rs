//! A storage engine for state that many threads read while others write it: versions, snapshots, atomic batches,
//! transactions, overlays and named key spaces, on top of the lock-free map of [`epoch_store`].
//!
//! *What it is.* An ordered store of byte keys in memory, for the state of transaction executors, ledgers, schedulers, game
//! worlds: wherever a `RwLock<BTreeMap>` stands and readers and writers wait for each other. A [`Snapshot`] is one version for
//! as long as it is held; a [`WriteBatch`] is one step; a [`Transaction`] commits if what it read still stands; an [`Overlay`] is
//! a layer of writes that may come down, or be dropped. Nothing locks in a store that lives in memory, so all of it can be called from
//! asynchronous tasks (`examples/async_tokio.rs` says what is better not, there and with a parent).
//!
//! *Where it lives.* In memory; and, if it is given a [`Parent`], on a disk below: commits get there in the background, in the order of
//! their versions, and are there again when the store is opened; what memory has no room for is read from there.
//!
//! *What it is not.* It is no database: no queries, no types, one process. It is no cache: nothing that was committed is dropped. A single thread that needs no snapshots is better served by a `BTreeMap`.
//!
//! ```
//! use engine::{Error, Store, WriteBatch};
//! let store = Store::in_memory(); // clones are handles to the same store
//! store.put("alice", "10")?;
//! let before = store.snapshot();
//!
//! let mut batch = WriteBatch::new();
//! batch.put("alice", "7").put("bob", "3");
//! store.commit(&batch)?; // seen whole or not at all
//! assert_eq!(before.get("alice")?.unwrap(), "10"); // a snapshot never changes
//!
//! store.transact(|transaction| { // run again, if others were faster
//!     let bob = transaction.get("bob")?.map_or(vec![], |value| value.to_vec());
//!     transaction.put("carol", bob)?;
//!     transaction.delete("bob")
//! })?;
//!
//! let draft = store.overlay(); // uncommitted writes, shared by threads
//! draft.delete_range("a".."c")?;
//! assert_eq!((draft.iter().count(), store.snapshot().len()?), (1, 2));
//! draft.flush()?; // one commit
//! assert_eq!(store.snapshot().first()?.unwrap().1, "3");
//! # Ok::<(), Error>(())
//! ```
//!
//! # What is promised
//!
//! | | |
//! |---|---|
//! | [`Snapshot`], [`Cursor`], iterators | exactly the commits up to one version, whole, for as long as they are held; opening is wait-free, reading never waits |
//! | a commit | one atomic, linearizable step with a [`Version`]; lock-free up to the allocator |
//! | [`insert_if_absent`](Store::insert_if_absent), [`compare_and_set`](Store::compare_and_set), [`update`](Store::update) | reading and writing one key are one atomic step |
//! | [`Transaction`] | serializable, phantoms included, or snapshot isolation ([`Isolation`]); nothing is locked, and of two in each other's way one goes through |
//! | [`Overlay`] | each read and each iterator sees one moment of all layers; [`flush`](Overlay::flush) is one step, beside writers and other flushes, and loses nothing |
//! | [`Executor`] | the outcome of running transactions one after the other, on many threads; each is run a bounded number of times |
//! | durability | with a [`Parent`], a commit that was waited for is there after a crash; of all others a prefix by version, whole |
//! | memory | a reader keeps the versions that it sees and no others; who holds on for too long is told of ([`Builder::on_slow_reader`]), or reads by a [`Lease`] that is taken back |
//! | bad input | an [`Error`] with a type; nothing half applied, no panic |
//!
//! # Where to begin
//!
//! - *The store*: [`Store`], [`Builder`], [`KeySpace`]; [`WriteBatch`]; [`Stats`], [`Contention`], [`HotKey`].
//! - *Reading*: [`Snapshot`], [`SpaceView`], [`Range`], [`Cursor`], [`ChangeSet`], [`Lease`]; what they yield: [`Key`], [`Value`].
//! - *Backups*: [`Snapshot::export`], [`Builder::import`], [`verify_backup`]; [`Exported`], [`BackupProgress`], [`BackupFault`]. What a parent
//!   has kept, without opening a store: [`Stored`], [`StoredSpace`], [`StoredRange`], [`Verified`].
//! - *State that survives*: [`Builder::parent`], [`Parent`], [`MemoryParent`], `RedbParent`, `FjallParent`; [`Durability`], [`Store::wait_durable`],
//!   [`Overflow`], [`Builder::memory_budget`].
//! - *Transactions*: [`Store::transact`], [`Transaction`], [`Savepoint`], [`Retry`]; [`Conflict`].
//! - *Layers*: [`Overlay`], [`OverlayView`], [`OverlayBatch`].
//! - *Blocks of transactions that run at once*: [`Block`], [`View`], [`Verdict`], [`Sealed`]; [`MergeOp`].
//! - *Running them*: [`Executor`], [`execute_block`], [`TxnLogic`]; [`Executed`], [`TransactionError`], [`ExecutionStats`]; [`CancelHandle`].
//! - *Applications of chains*: [`KvStore`], kept by snapshots, overlays and views; [`Prefixed`], [`Observed`].
//!
//! Programs that show each: `engine/examples`.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `tracing`: spans of commits, flushes and collection; events of conflicts, retries and slow readers. Reads are not traced.
//! - `metrics`: `Store::publish_metrics` hands counters and gauges to the recorder of the host, when it is called.
//! - `redb`, `fjall`: parents that keep a store on a disk, by these engines. They need Rust 1.90.
//! - `fault-injection`: a parent that fails when it is told to, for tests. Not for production.
//! - `pause-points`: named stops inside the protocols, for tests. Not for production.

#![forbid(unsafe_code)]

// A module uses only what stands above it.
mod parent;
mod error;
mod value;
mod batch;
mod observe;
mod durable;
mod below;
mod shared;
mod snapshot;
mod store;
mod overlay;
mod backup;
mod stored;
mod kv;
mod transaction;
mod block;
mod executor;

pub use backup::{BackupProgress, Exported, verify_backup};
pub use batch::WriteBatch;
pub use block::{
    Block, BlockBuilder, ChangedKeys, Delta, MergeId, MergeOp, MergeOutcome, Sealed, Verdict, View,
    ViewRange, ViewStore,
};
pub use durable::{Durability, Overflow, Resumed};
pub use epoch_store::{KeyRange, MAX_KEY_LEN, MAX_SPACE_NAME_LEN, MAX_VALUE_LEN, Stats, Version};
pub use error::{
    Abort, BackupFault, BlockConflict, Conflict, ConflictKind, ConflictingKey, Error,
    MAX_METADATA_LEN, MergeError,
};
pub use executor::{
    BlockRun, CancelHandle, Ended, Executed, ExecutionStats, Executor, ExecutorBuilder, Limit,
    TransactionError, TxnLogic, execute_block,
};
pub use kv::{KvEntries, KvStore, Observed, Observer, ObserverError, Prefixed};
pub use observe::{Contention, HotKey};
pub use overlay::{Overlay, OverlayBatch, OverlayEntries, OverlayRange, OverlayView};
#[cfg(feature = "fault-injection")]
pub use parent::{Fault, Faults, FaultyParent};
#[cfg(feature = "fjall")]
pub use parent::{FjallOptions, FjallParent};
pub use parent::{
    MemoryParent, Parent, ParentBatch, ParentError, ParentErrorKind, ParentRange, ParentSnapshot,
};
#[cfg(feature = "redb")]
pub use parent::{RedbOptions, RedbParent};
pub use shared::{MAX_KEY_SPACES, SlowReader};
pub use snapshot::{
    Change, ChangeSet, Changes, Cursor, Keys, Lease, LeaseRange, LeaseView, Range, Snapshot,
    SpaceView,
};
pub use store::{Builder, KeySpace, Store};
pub use stored::{Stored, StoredRange, StoredSpace, Verified};
pub use transaction::{
    Isolation, Retry, Savepoint, Transaction, TransactionRange, TransactionSpace,
};
pub use value::{Key, Value};

/// The protocols as the models see them: in a build with `--cfg epoch_loom` only.
#[cfg(epoch_loom)]
pub mod internals {
    /// The scheduler of the executor.
    #[allow(missing_docs, reason = "documented where it is defined")]
    pub mod scheduler {
        pub use crate::executor::scheduler::*;
    }

    /// The journal of commits on their way to a parent.
    #[allow(missing_docs, reason = "documented where it is defined")]
    pub mod durable {
        pub use crate::durable::parts::*;
    }
}

/// The programs of the README, run with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
