//! Version garbage: who looks at which chain again, and when.
//!
//! *Role.* A commit cuts the chains it wrote to right after it is published. What it must leave, because a registered
//! snapshot still sees it, is looked at again later: the record goes into a bag, the bag into one [`Backlog`].
//!
//! *Picture.*
//! ```text
//!  commit ─cut─► kept? ─► session's open bag ─full─► Backlog: [bag] ─► [bag] ─► [bag]
//!  commit, release, maintain: take the oldest bag; has a snapshot in its span gone? ─ yes ─► cut, keep what is kept
//!                                                                                  └ no ──► back to the end
//! ```
//! A bag knows the span of stamps in which its kept versions are visible, and how many registered stamps lay in it. No
//! snapshot can be registered inside the span later (it is all below root), so that number only falls, and while it
//! stands there is nothing to do: a long-lived snapshot costs one comparison per bag, not one look per record.
//!
//! *Invariants.*
//! - I-26 A record is in at most one bag: the one who turns its `queued` flag on puts it in, the one who takes it out
//!   turns the flag off *before* the chain is examined. So whoever finds the flag on can rely on a later look.
//! - I-27 A scan's judgement is made with the root loaded before the scan (I-9).
//!
//! *Progress.* The backlog is a Michael-Scott queue: lock-free. Work per call is bounded (see [`Sweeper`]).
//! *Orderings.* `queued`: AcqRel swaps, so that the chain as one thread left it is what the next one examines.
//! `backlog-*`: Release CAS, Acquire load, as in the commit queue.
//! *Checked by* `gc_flag.rs`, `backlog.rs` in `loom-tests/tests`; `tests/bounds.rs`.

mod backlog;
mod bag;
mod sweeper;

pub use backlog::Backlog;
pub use bag::Bag;
pub use sweeper::{Field, Sweeper};
