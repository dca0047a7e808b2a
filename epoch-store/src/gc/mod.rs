//! Version garbage: who looks at which chain again, and when.
//!
//! *Role.* A commit cuts the chains it wrote to right after it is published. What it must leave, because a registered
//! snapshot still sees it, is looked at again when that snapshot has gone: an entry goes into a bag, and the bag onto the
//! pile of the snapshot's slot (`slots`), where it costs nobody anything. A scan that finds the snapshot gone moves the
//! pile to the [`Backlog`], and from there sessions take what is ripe, a few bags at a time.
//!
//! *Picture.*
//! ```text
//!  commit ─cut─► kept? ─► seen by a snapshot ─► entry in a bag ─► pile of the snapshot's slot ─snapshot gone─► ripe
//!                     └─► too young to judge ─► entry in a bag ─► young ─judged by now─► ripe
//!  commit, release, maintain: take the oldest ripe bags ─► cut; what another snapshot keeps waits for that one
//! ```
//! No snapshot can be registered later at a stamp that a scan has judged (it is all below root, and below every version that
//! can be opened by number), so what keeps a version only becomes less. An entry waits for the newest stamp that keeps
//! its version: a long-lived snapshot beside many short ones costs one look per entry and short one that kept it, and
//! none while it stays.
//!
//! That is so only below `low` (I-34). Inside the window of retained versions a snapshot may come at any time, so there a
//! scan judges nothing: such an entry waits in the order of stamps until `low` has passed its span.
//!
//! *Long chains.* A version is found by walking its chain from the newest on, so a look at a key of which many versions are
//! kept takes as many steps. Bags that are taken together share a walk, and a session that has walked past more than
//! [`STEPS_PER_LOOK`](sweeper) versions lets its next looks pass until an average look is that short again. One look may
//! be as long as a chain; what commits and releases pay on average is not.
//!
//! *Invariants.*
//! - I-26 Each kept version has one entry, in one bag: whoever sets its `TRACKED` bit makes it (with a CAS on the link that
//!   a cut would mark, so a version is never noted after it was cut). The entry stays until the version is cut.
//! - I-27 A scan's judgement is made with the root loaded before the scan (I-9).
//!
//! *Progress.* The backlog is made of Michael-Scott queues: lock-free. Work per call is bounded (see [`Sweeper`]), but for chains.
//! *Orderings.* `backlog-*`: Release CAS, Acquire load, as in the commit queue. The `TRACKED` bit publishes nothing.
//! *Checked by* `gc_entries.rs`, `backlog.rs` in `loom-tests/tests`; `tests/bounds.rs`.

mod fifo;
mod backlog;
mod removal;
mod sweeper;

pub use backlog::Backlog;
pub use fifo::Fifo;
pub use removal::{Removals, finish_all};
pub use sweeper::{Field, Sweeper, Written};
