//! A lock-free, multi-version ordered map of byte keys: O(1) snapshots, atomic batches, iterators that no writer
//! disturbs.
//!
//! *What it is for.* State of transaction executors, and any place where a `RwLock<BTreeMap>` stands today: readers take
//! a [`Snapshot`] and read or iterate at that version for as long as they like; writers commit batches; neither waits
//! for the other.
//!
//! ```
//! use epoch_store::Map;
//! let map = Map::new();
//! map.put(b"k", b"v")?;
//! let snapshot = map.snapshot();
//! assert_eq!(snapshot.get(b"k").unwrap(), b"v");
//! # Ok::<(), epoch_store::Error>(())
//! ```
//!
//! *How it works* is told in the header of each module, and as a whole in `DESIGN.md`: key records with version chains,
//! a sorted list of leaves, a hash front, a queue of commits whose published length is the root, snapshot
//! slots, and epoch reclamation behind one seam.
//!
//! *What is promised about progress.* Opening a snapshot is wait-free. Reads and iteration never wait. Writes are lock-free
//! up to the allocator. A snapshot or iterator that sleeps keeps its own versions and nothing else; a thread that is
//! killed in the middle of an operation stops the freeing of memory (not the progress of others).
//!
//! *What a write guard gave and this does only if asked:* a commit checks what its writer has read if it is told what that was
//! ([`Map::commit_if`]), and not otherwise.
//!
//! # Coming from `RwLock<BTreeMap<Vec<u8>, Vec<u8>>>`
//!
//! | there | here |
//! |---|---|
//! | `write().insert(k, v)`, `.remove(k)` | `put(k, v)`, `delete(k)`: they return a version, not the old value |
//! | several writes under one guard | one `WriteBatch`, one `commit` |
//! | `read().get(k)`, `.contains_key(k)` | `let s = map.snapshot()`, then `s.get(k)`, `s.contains(k)` |
//! | `.range(a..b)`, `.iter()`, `.rev()` | the same on a snapshot, about the default space (a named one: `s.space(&space)?`); any range whose two ends are of one type that is bytes, also `..` (for byte strings of two lengths `&b"a"[..]..&b"bb"[..]`) |
//! | `.len()` | `map.stats().live_keys`: now, all key spaces together; a snapshot's own count is `.iter().count()`, which walks it |
//! | `.retain(..)` or `.drain(..)` of a range | `map.delete_range(a..b)`, also in a batch; under an open snapshot that sees them the deleted keys stay until it is dropped and what it kept is collected: by later writes, or by `map.maintain()` at once |
//! | all keys with a prefix | `s.prefix(p)` |
//! | what changed since version `v` | a map built with `Map::builder().retain_versions(n)`, then `map.changes_since(v)`: it walks all keys of a space, however few changed; `.iter()` and `.range(..)` of it are about the default space, `.range_in(&space, ..)` about another |
//! | a reader that may hold on for too long | `map.lease()`, whose reads copy, and `map.revoke_older_than(v)`; or a map built with `Map::builder().revoke_leases_after(n)`, which does so as it collects garbage |
//! | `.get(k).cloned()`; a function that returns `Option<&[u8]>` | `s.get(k).map(\|v\| v.to_vec())`; it returns `Option<Value<'_>>` and takes the snapshot |
//! | several maps under one lock, kept in step | one map with key spaces: `map.key_space(name)`, `batch.put_in(&space, k, v)`, `snapshot.space(&space)` |
//! | a page after the last key of the one before | `s.range((Bound::Excluded(last), Bound::Unbounded)).take(n)` |
//! | a queue: `.pop_first()` | `s.first()`, then `delete`. `first` passes what is deleted and still kept: under an old snapshot, or with retained versions, remember the last key that was popped and use `s.range((Bound::Excluded(last), Bound::Unbounded))` |
//! | integer keys | `to_be_bytes()`: big-endian bytes sort as the numbers do |
//! | *read, compute, write* under a write guard | read at a snapshot `s`, name what was read (`let mut reads = ReadSet::at(&s); reads.key(k).range(a..b);`), and `map.commit_if(&batch, &reads)`: it commits if nothing of it was written since, else `Error::Conflict` names what was, and nothing is applied; read again and retry. The `engine` has transactions that keep the set themselves |

// A module uses only what stands above it.
mod sync;
mod place;
mod crew;
mod tally;
mod reclaim;
mod chain;
mod slots;
mod list;
mod hash;
mod space;
mod commit;
mod gc;
mod session;
mod version;
mod error;
mod key_range;
mod batch;
mod stats;
mod store;
mod key_space;
mod snapshot;
mod read_set;
mod map;
#[doc(hidden)]
pub mod block;

pub use batch::WriteBatch;
#[doc(hidden)]
pub use batch::{Step, WriteOp};
#[doc(hidden)]
pub use crew::{Crew, Member, Payload};
pub use error::{Conflict, ConflictingKey, Error, ReadKind};
pub use error::{
    MAX_FIRST_VERSION, MAX_KEY_LEN, MAX_KEY_SPACES, MAX_SPACE_NAME_LEN, MAX_VALUE_LEN,
};
pub use key_range::KeyRange;
pub use key_space::KeySpace;
pub use map::{Builder, Loader, Map};
#[doc(hidden)]
pub use place::Place;
pub use read_set::ReadSet;
pub use snapshot::{
    Change, ChangeSet, Changes, Key, Lease, LeaseRange, LeaseView, Range, Snapshot, SpaceView,
    Value,
};
pub use stats::{Stats, Survey};
#[cfg(feature = "pause-points")]
pub use sync::with_pauses;
pub use version::Version;

/// The atomics of this crate, for crates that keep to the same rule: none that goes past the facade.
#[doc(hidden)]
pub mod atomics {
    pub use crate::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    pub use crate::sync::{fence_at, ordering, relax, seeded, serial_number, thread_hint};
    pub use crate::{__mutant as mutant, __ord as ord};
}

/// `ord!` of `crate::sync`, for the crates above.
#[doc(hidden)]
#[macro_export]
macro_rules! __ord {
    ($site:literal, $ordering:ident) => {
        $crate::atomics::ordering($site, $crate::atomics::Ordering::$ordering)
    };
}

/// `mutant!` of `crate::sync`, for the crates above.
#[doc(hidden)]
#[macro_export]
macro_rules! __mutant {
    ($name:literal) => {
        $crate::atomics::seeded($name)
    };
}

/// The protocols as the models see them: in a build with `--cfg epoch_loom` only.
#[cfg(epoch_loom)]
pub mod internals {
    macro_rules! reach {
        ($($module:ident),*) => {
            $(
                #[allow(missing_docs, reason = "documented where it is defined")]
                pub mod $module {
                    pub use crate::$module::*;
                }
            )*
        };
    }
    reach!(
        sync, place, crew, tally, reclaim, chain, slots, list, hash, space, commit, gc, session,
        store
    );
}
