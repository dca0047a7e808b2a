//! The store: everything below put together, and the life of its handles.
//!
//! *Role.* One [`Store`] holds queue, spaces, slots, backlog, sessions and reclaimer. `write.rs` commits,
//! `validate.rs` does so if what was read still stands, `memory.rs` admits what there is room for, `read.rs` looks up, `scan.rs` reads ranges (`pick.rs`: what it takes from them), `sweep.rs` collects. Handles
//! ([`StoreRef`]) and snapshot slots keep it
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
mod load;
mod memory;
mod pick;
mod read;
mod resolve;
mod scan;
mod sweep;
mod validate;
mod write;

#[cfg(epoch_loom)]
pub use closing::stores_freed;
pub use closing::{OpenSlot, StoreRef};
pub use load::Loading;
pub use pick::{Changed, ChangedRow, Copied, Pick, Row, Settled, Visible};
pub use read::Located;
pub use scan::{Direction, Remaining};
pub use validate::{Overtaken, Read, Refused};

use crate::commit::Queue;
use crate::error::{Error, MAX_KEY_SPACES, MAX_SPACE_NAME_LEN};
use crate::gc::Backlog;
use crate::reclaim::Domain;
use crate::session::{Claim, Sessions};
use crate::slots::{Policy, Slots};
use crate::space::{Space, Spaces};
use crate::sync::serial_number;
use closing::Life;

/// Choices made when a map is built.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most writes in one batch.
    pub max_batch_len: usize,
    /// Most spaces with a name.
    pub max_key_spaces: usize,
    /// Bytes that the map may hold before it refuses to be put to.
    pub memory_limit: Option<u64>,
    /// How long old versions and leases stay.
    pub policy: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_batch_len: 1 << 24,
            max_key_spaces: MAX_KEY_SPACES,
            memory_limit: None,
            policy: Policy::default(),
        }
    }
}

/// See the module header. Fields are dropped in this order: sessions and backlog before the lists, of whose sealed records
/// they free those that have left, and sessions before the reclaimer whose handles they hold.
pub struct Store {
    life: Life,
    sessions: Sessions,
    /// No other store of this process has or had it.
    serial: u64,
    options: Options,
    queue: Queue,
    backlog: Backlog,
    spaces: Spaces,
    slots: Slots,
    domain: Domain,
}

impl Store {
    /// An empty store, whose commits so far came to this stamp.
    fn new(options: Options, stamp: u64) -> Self {
        Self {
            life: Life::default(),
            serial: serial_number(),
            queue: Queue::starting_at(stamp),
            spaces: Spaces::default(),
            slots: Slots::starting_at(options.policy, stamp),
            backlog: Backlog::default(),
            sessions: Sessions::default(),
            domain: Domain::default(),
            options,
        }
    }

    #[inline]
    fn claim(&self) -> Claim<'_> {
        self.sessions.claim(&self.domain)
    }

    /// What tells this store from every other one of this process.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The space that has no name.
    #[inline(always)]
    pub fn default_space(&self) -> &Space {
        self.spaces.default_space()
    }

    /// The space with an id of this store: 0 is the default one. Wait-free.
    #[inline(always)]
    pub fn space(&self, id: u32) -> &Space {
        self.spaces.get(id).expect("ids are given out for spaces that exist, and spaces stay")
    }

    /// The name of a space that has one.
    pub fn space_name(&self, id: u32) -> &str {
        self.spaces.name(id).expect("as above, and the default space is given out to nobody")
    }

    /// The id of the space with this name, which is created if there is none. Lock-free up to the allocator; linear in the
    /// number of spaces.
    ///
    /// # Errors
    /// A name of a length that is not allowed, or one space too many.
    pub fn open_space(&self, name: &str) -> Result<u32, Error> {
        if name.is_empty() {
            return Err(Error::SpaceNameEmpty);
        }
        if name.len() > MAX_SPACE_NAME_LEN {
            return Err(Error::SpaceNameTooLong { len: name.len(), max: MAX_SPACE_NAME_LEN });
        }
        let max = self.options.max_key_spaces;
        let claim = self.claim();
        let id = self.spaces.find_or_create(name, max as u32, claim.tally());
        id.ok_or(Error::TooManySpaces { max })
    }

    /// The id of the space with this name, if there is one. Wait-free; linear in the number of spaces.
    pub fn find_space(&self, name: &str) -> Option<u32> {
        self.spaces.find(name)
    }

    /// The ids of all spaces that have a name, in the order in which they were created.
    pub fn named_spaces(&self) -> impl Iterator<Item = u32> {
        self.spaces.named_ids()
    }

    /// The newest visible stamp. Wait-free.
    #[inline]
    pub fn published(&self) -> u64 {
        self.queue.published()
    }
    /// Notes which version is the newest now, for what is retained by age.
    pub fn note_age(&self) {
        self.slots.note_age(self.queue.root());
    }
}
