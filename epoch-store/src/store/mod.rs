//! The store: everything below put together, and the life of its handles.
//!
//! *Role.* One [`Store`] holds queue, list, hash front, slots, backlog, sessions and reclaimer. `write.rs` commits,
//! `read.rs` looks up, `scan.rs` reads ranges, `sweep.rs` collects. Handles ([`StoreRef`]) and snapshot slots keep it
//! alive.
//!
//! *Life* (rule 27). Snapshots count nothing: the slot that a snapshot holds keeps the store alive. When the last handle
//! goes, it tells every open slot so; the last clone in each of them counts down, and whoever comes to zero frees the
//! store. A store is also freed at once if no snapshot is open.
//!
//! - I-30 The store is freed when there is neither a handle nor an open slot, by exactly one thread, and nobody touches
//!   it after it has given up its handle or slot.
//!
//! *Orderings.* `handles-drop`, `open-count`: AcqRel RMWs, as in a reference count: every use happens before the free.
//! *Checked by* `closing.rs` in `loom-tests/tests`; `tests/lifetimes.rs`.

mod closing;
mod read;
mod scan;
mod sweep;
mod write;

#[cfg(epoch_loom)]
pub use closing::stores_freed;
pub use closing::{OpenSlot, StoreRef};
pub use scan::{Direction, Remaining, Row};

use crate::commit::Queue;
use crate::gc::Backlog;
use crate::hash::Front;
use crate::list::List;
use crate::reclaim::Domain;
use crate::session::{Claim, Sessions};
use crate::slots::Slots;
use closing::Life;

/// Choices made when a map is built.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most writes in one batch.
    pub max_batch_len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_batch_len: 1 << 24 }
    }
}

/// See the module header. Fields are dropped in this order: sessions before the reclaimer whose handles they hold.
pub struct Store {
    life: Life,
    options: Options,
    queue: Queue,
    list: List,
    front: Front,
    slots: Slots,
    backlog: Backlog,
    sessions: Sessions,
    domain: Domain,
}

impl Store {
    fn new(options: Options) -> Self {
        Self {
            life: Life::default(),
            options,
            queue: Queue::default(),
            list: List::default(),
            front: Front::default(),
            slots: Slots::default(),
            backlog: Backlog::default(),
            sessions: Sessions::default(),
            domain: Domain::default(),
        }
    }

    #[inline]
    fn claim(&self) -> Claim<'_> {
        self.sessions.claim(&self.domain)
    }

    /// The newest visible stamp. Wait-free.
    #[inline]
    pub fn published(&self) -> u64 {
        self.queue.published()
    }
}
