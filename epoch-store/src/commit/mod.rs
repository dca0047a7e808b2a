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
//! *Large commits* are installed by as many threads as come:
//! ```text
//!   writes  [ chunk 0 | chunk 1 | chunk 2 | chunk 3 ]      claimed by fetch_add: whoever has a chunk links the nodes that
//!   done    [    1    |    1    |    0    |    1    ]      the owner built for it, then raises its flag
//!                                    └ its claimer sleeps: others install copies, then raise the flag
//! ```
//! Nobody starts a second pass before all chunks are claimed, and the second pass looks at flags, not at writes. A commit
//! of one chunk has neither counter nor flags: the owner has that chunk, and only a helper that publishes needs to have
//! done it all. The linearization point stays the publish.
//!
//! *Invariants.*
//! - I-21 Stamps in the queue are consecutive; a descriptor's stamp and writes never change once it is linked.
//! - I-22 Only descriptor `root + 1` is installed, and root moves to `n` only after every write of `n` is installed:
//!   a reader at `n` sees all of it, a reader below none.
//! - I-23 A helper pins before it loads root, and takes descriptors from the queue under that pin only; the owner stays
//!   pinned from its first look-up until root has reached its stamp (rule 1).
//! - I-24 Before head passes a descriptor, tail has passed it (rule 3); whoever moves head retires what it passed.
//! - I-25 One write per record in a descriptor (rule 6): "skip where the stamp is there" must not drop the last write.
//! - I-31 Each chunk has one claimer, and every chunk is claimed before the commit is published. The nodes built for a
//!   chunk belong to its claimer (a small commit: to its owner), who links or retires each of them, however late; all
//!   others install copies of their own (I-6). A flag is raised after the last write of its chunk was found or made
//!   installed, and root moves after all flags were seen.
//!
//! - I-32 A write is installed in one record: the one found by the owner, or, where that is sealed without this commit, the
//!   one that the write names in its place. The name changes only from a record that is sealed without this commit, so
//!   it is for good once the commit is installed there. Whoever names a record found or made it under a pin that lasts
//!   until root has reached the stamp (as I-23 for the owner). Nobody installs in a record but by that name; whoever
//!   made one that is not named in the end seals and removes it, unless another commit has used it.
//!
//! - I-33 A commit's spans are walked by each of its installers when every write of it is installed, before root moves: each
//!   record in a span whose newest version is a value with a smaller stamp gets a tombstone. Which records these are
//!   depends on the commits up to this one alone: all before it are published, so their records are in the list and
//!   their versions in the records; what later commits have put into the list has no version yet. An installer that is
//!   late finds this stamp or a later one wherever it could do harm.
//!
//! - I-46 A commit with a check is installed if it is admitted, and not at all if it is refused; root passes it either way.
//!   The verdict is settled by whoever comes to install it, when root is one below its stamp: refused if an
//!   admitted commit behind what its owner has validated, and before it, wrote to what it has read. Which those are was
//!   fixed when it was appended, and what they wrote is installed by then, in the records that they name: so all who judge
//!   agree. They reach those descriptors from one that its owner found in the queue under the pin that lasts until root
//!   has reached the stamp, before it loaded what it validated up to; they were retired, and their records removed, after
//!   that pin began, if at all, and so live through the pin of whoever saw root below the stamp (I-3, I-23).
//!
//! *Progress.* Lock-free up to the allocator: a failed append or publish is somebody else's success, and a stalled owner
//! or claimer is finished by others. Not fair: a large commit delays its successors by its length, which those who wait
//! share. Judging a commit costs as much as was written behind what its owner has validated: no more, but for logarithms,
//! than installing it did. A key is resolved again only after its record was sealed by somebody else's delete, or as somebody else's
//! leftover.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `queue-link` | Release CAS | `queue-next` Acquire | stamp and writes of the descriptor |
//! | `queue-tail` | Release CAS | `queue-tail-load` Acquire | the same, through the tail |
//! | `queue-head` | Release CAS | `queue-head-load` Acquire | the same, through the head |
//! | `chunk-done` | Release store | `chunk-seen` Acquire | I-31: the publisher hands on what every installer did |
//! | `write-move` | Release CAS | `write-moved` Acquire | I-32: the record named, made by another thread |
//! | `root-publish` | Release CAS | `root-load` Acquire | I-22: whoever reads stamp `n` finds every version of `n` |
//!
//! *Reclamation.* Who moves head retires descriptors. A node that was built and not linked is retired by whom it belongs to,
//! never freed at once: somebody may be copying from it. At the drop of the queue nobody is left inside a commit, so every
//! node has been linked or retired by then.
//!
//! *Checked by* `commit.rs`, `third_helper.rs`, `private_nodes.rs`, `tail_behind_root.rs`, `helper_pin.rs`, `chunks.rs`,
//! `resealed.rs`, `verdicts.rs`.

mod ahead;
mod check;
mod chunks;
mod descriptor;
mod install;
mod queue;
mod resolve;
mod span;
mod write;

pub use check::{Check, Hit, Reads};
pub use descriptor::Commit;
pub use queue::Queue;
pub use resolve::{Resolve, Resolved};
pub use span::Span;
pub use write::Write;
