//! Commits: the queue is the log, the root says how much of it is in.
//!
//! *Picture.*
//! ```text
//!   head (lags)          root = 7                 tail (may lag)
//!     ▼                     │                       ▼
//!   [5] ──next──► [6] ──► [7] ──► [8] ──► [9] ──► null
//!    published, visible          ordered, not visible
//! ```
//! *Protocol.* order: append a descriptor, its stamp is its predecessor's plus one. install: put a version in front of
//! the chain of each record, skipped where one with this stamp is there. publish: CAS root from `n-1` to `n`: the
//! linearization point of the commit. Whoever waits for an unpublished predecessor finishes it (after a short spin).
//!
//! *Invariants.*
//! - I-21 Stamps in the queue are consecutive; a descriptor's stamp and writes never change once it is linked.
//! - I-22 Only descriptor `root + 1` is installed, and root moves to `n` only after every write of `n` is installed:
//!   a reader at `n` sees all of it, a reader below none.
//! - I-23 A helper pins before it loads root, and takes descriptors from the queue under that pin only; the owner stays
//!   pinned from its first look-up until root has reached its stamp (rule 1).
//! - I-24 Before head passes a descriptor, tail has passed it (rule 3); whoever moves head retires what it passed.
//! - I-25 One write per record in a descriptor (rule 6): "skip where the stamp is there" must not drop the last write.
//! - I-6 applies: the owner installs the nodes it built, a helper installs copies of its own; a node that lost is retired.
//!
//! *Progress.* Lock-free up to the allocator: a failed append or publish is somebody else's success, and a stalled owner
//! is finished by others. Not fair: a large commit delays its successors by its length.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `queue-link` | Release CAS | `queue-next` Acquire | stamp and writes of the descriptor |
//! | `queue-tail` | Release CAS | `queue-tail-load` Acquire | the same, through the tail |
//! | `queue-head` | Release CAS | `queue-head-load` Acquire | the same, through the head |
//! | `root-publish` | Release CAS | `root-load` Acquire | I-22: whoever reads stamp `n` finds every version of `n` |
//!
//! *Checked by* `commit.rs`, `third_helper.rs`, `private_nodes.rs`, `tail_behind_root.rs`, `helper_pin.rs`.

mod descriptor;
mod queue;

pub use descriptor::{Commit, Write};
pub use queue::Queue;
