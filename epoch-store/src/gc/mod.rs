//! Version garbage: who looks at which chain again, and when.
//!
//! *Role.* A commit cuts the chains it wrote to right after it is published. What it must leave, because a registered
//! snapshot still sees it, is looked at again later: an entry goes into a bag, the bag into one [`Backlog`].
//!
//! *Picture.*
//! ```text
//!  commit ─cut─► kept? ─► entry in the session's open bag ─full─► Backlog: [bag] ─► [bag] ─► [bag]
//!  commit, release, maintain: take the oldest bags; has a snapshot in its span gone? ─ yes ─► cut, keep what is kept
//!                                                                                   └ no ──► back to the end
//! ```
//! *Long chains.* A version is found by walking its chain from the newest on, so a look at a key of which many versions are
//! kept takes as many steps. Bags that are taken together share a walk, and a session that has walked past more than
//! [`STEPS_PER_LOOK`](sweeper) versions lets its next looks pass until an average look is that short again. One look may
//! be as long as a chain; what commits and releases pay on average is not.
//!
//! A bag knows the span of stamps in which its kept versions are visible, and how many registered stamps lay in it. No
//! snapshot can be registered inside the span later (it is all below root, and below every version that can be opened by
//! number), so that number only falls, and while it stands there is nothing to do: a long-lived snapshot costs one
//! comparison per bag, not one look per record. (Who tries to open a version that is not retained is seen in the span for
//! a moment; one counted too many means one look too many, later.)
//!
//! That is so only below `low` (I-34). Inside the window of retained versions a snapshot may come at any time, so there a
//! scan judges nothing and counts nothing: such a bag waits until `low` has passed its span. What is kept by a snapshot
//! and what is kept by the window go into different bags, or the one would wait for the other.
//!
//! *Invariants.*
//! - I-26 Each kept version has one entry, in one bag: whoever sets its `TRACKED` bit makes it (with a CAS on the link that
//!   a cut would mark, so a version is never noted after it was cut). The entry stays until the version is cut.
//! - I-27 A scan's judgement is made with the root loaded before the scan (I-9).
//!
//! *Progress.* The backlog is a Michael-Scott queue: lock-free. Work per call is bounded (see [`Sweeper`]), but for chains.
//! *Orderings.* `backlog-*`: Release CAS, Acquire load, as in the commit queue. The `TRACKED` bit publishes nothing.
//! *Checked by* `gc_entries.rs`, `backlog.rs` in `loom-tests/tests`; `tests/bounds.rs`.

mod backlog;
mod bag;
mod removal;
mod sweeper;

pub use backlog::Backlog;
pub use bag::{Bag, Entry};
pub use removal::Removals;
pub use sweeper::{Field, Sweeper, Written};
