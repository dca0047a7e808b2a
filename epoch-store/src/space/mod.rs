//! Key spaces: several ordered maps in one store, under one root.
//!
//! *Role.* A [`Space`] is what is there once per ordered map: the sorted list and the hash front. All else there is one of:
//! one commit queue, one root, one set of snapshot slots. So a commit that writes to several spaces is published by one
//! CAS like any other, and a snapshot shows all spaces at one version. [`Spaces`] holds the default space inline, and the
//! named ones behind an append-only array.
//!
//! *Picture.*
//! ```text
//!   Spaces{ default: Space,                                  id 0
//!           named ─► [ ●, ●, ○, ○ ] ─► [ ○ .. ] ..           ids 1, 2, ..: filled in order, by CAS
//!                      │  └─► Named{ hash, name, Space }
//!                      └────► Named{ hash, name, Space } }
//! ```
//! *Invariants.*
//! - I-50 Slots fill in order and never change once they are filled. Whoever fills one has compared its name with those
//!   in all slots before it; so a name is in one slot, and its id is the place of that slot.
//! - I-51 A space lives as long as the store and never moves: an id, once returned, is good for ever.
//!
//! Creating a space is no commit: an empty space reads like one that does not exist yet, so there is nothing that a
//! snapshot would have to keep apart. A name that was given is never taken back.
//!
//! *Progress.* Looking up an id: wait-free. Finding or creating a name: lock-free up to the allocator (a slot lost is a
//! space that somebody else has created), and linear in the number of names: a handle keeps the id.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `space-publish` | Release CAS | `space-load` Acquire | the name, and the empty list and front behind it |
//!
//! *Reclamation.* None before the store goes. *Checked by* `key_spaces.rs` in `loom-tests/tests`; test `key_spaces`.

mod registry;

pub use registry::Spaces;

use crate::hash::Front;
use crate::list::List;

/// One ordered map: which keys exist, in order, and the short way to them.
#[derive(Debug, Default)]
pub struct Space {
    /// The keys in order.
    pub list: List,
    /// Straight from a key to its record.
    pub front: Front,
}

impl Space {
    /// Bytes of a space that nothing was put into.
    pub fn bytes_when_new() -> usize {
        size_of::<Self>() + List::bytes_when_new() + Front::bytes_when_new()
    }
}
