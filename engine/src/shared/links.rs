//! How snapshots keep what they share with their store, without a line that all of them write.
//!
//! Opening a snapshot of the map writes no line that another thread writes. With one reference count for all snapshots of a
//! store that would be lost: each opening and each drop would write it. So there are several [`Link`]s to what is
//! shared, each with a count on a line of its own, and a thread takes always the same one. Two threads may share a link
//! where there are more of them than links: slower, and just as right.
//!
//! ```text
//! Store ──> Links ══> Link, Link, Link, ...  ──> Shared
//!                       ^                          ^
//! Snapshot ─────────────┘          Store ──────────┘
//! ```
//!
//! The way back from a link to all of them is weak: a snapshot does not keep the links that it does not use.

use super::Shared;
use epoch_store::atomics::thread_hint;
use std::cell::Cell;
use std::sync::{Arc, Weak};

/// Links of a store.
const LINKS: usize = 16;

/// A reference to what is shared, to be counted by the snapshots of some threads. Aligned to two lines, which processors
/// fetch together.
#[repr(align(128))]
pub struct Link {
    shared: Arc<Shared>,
    all: Weak<Links>,
}

impl Link {
    /// What is shared.
    #[inline]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// All links of the store; new ones, if no handle has kept them.
    pub fn all(&self) -> Arc<Links> {
        self.all.upgrade().unwrap_or_else(|| Links::new(&self.shared))
    }
}

/// All links of a store.
pub struct Links {
    links: [Arc<Link>; LINKS],
}

impl Links {
    /// Links to `shared`.
    pub fn new(shared: &Arc<Shared>) -> Arc<Self> {
        let link = |all: &Weak<Self>| Arc::new(Link { shared: shared.clone(), all: all.clone() });
        Arc::new_cyclic(|all| Self { links: std::array::from_fn(|_| link(all)) })
    }

    /// The one that this thread counts. Wait-free.
    #[inline]
    pub fn mine(&self) -> Arc<Link> {
        self.links[place_of_thread()].clone()
    }
}

/// Threads take the links in turn, as they come for the first time.
#[inline]
fn place_of_thread() -> usize {
    thread_local! {
        static PLACE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    PLACE.get().unwrap_or_else(|| {
        let place = thread_hint() % LINKS;
        PLACE.set(Some(place));
        place
    })
}
