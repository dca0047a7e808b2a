//! Key records and their version chains: the only place where a value lives.
//!
//! *Picture.*
//! ```text
//!  Record { head ─────► VersionNode{stamp 9} ──prev──► VersionNode{stamp 4} ──prev──► null
//!           key bytes }              newest                 superseded at 9
//! ```
//! *Invariants.*
//! - I-4 A chain is strictly descending by stamp, and a node's stamp and value never change once it is linked.
//! - I-5 `head` changes only by [`RecordRef::install`], from a node with a smaller stamp to one with a greater stamp, and
//!   only the stamp after the root is ever installed.
//! - I-6 A node has one writer until the CAS that links it (private nodes: helpers never share one).
//! - I-7 A version visible at a registered stamp is not cut, and so not retired: `[stamp, newer.stamp)` of a cut
//!   version holds no registered stamp, and none can be registered there later.
//! - I-8 A cut marks the victim's `prev` first and unlinks second; a marked `prev` never changes again; whoever
//!   unlinks retires.
//! - I-37 A sealed record (`head` carries DEAD) held a lone tombstone, or nothing, when it was sealed; its head never
//!   changes again. Whoever sealed it sees to it that it leaves the list (any fold of its leaf may leave it out, and says so
//!   in the record), and, alone, takes it out of the hash and retires it.
//! - I-38 A record for which a bag has an entry is not sealed: no entry points to freed memory. A note is made before the
//!   version it is about is marked as tracked, and taken away with the entry; one made after the seal finds that version
//!   cut, and is taken back.
//!
//! *Progress.* Reading is wait-free up to the length of the chain; install and cut are lock-free.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `head-install` | Release CAS | `head-load` Acquire | a reader of the node sees its stamp, value and prev (I-4) |
//! | `link-change` | AcqRel CAS | itself, `link-load`, `cut-look`, `lease-fence` | I-38: who finds a version cut sees the notes made for it; I-35: who meets a cut finds the leases revoked that it ignored |
//! | `notes` | AcqRel RMW | itself | I-38: of two that each take away the other's obstacle one sees that both are gone |
//! | `leave-list` | Release store | `left-list` Acquire | the owner's period begins after the swap that left the record out |
//! | `head-seal` | Release CAS | `head-load` Acquire | continues what `head-install` published; I-35, as a cut: who finds a record sealed passes that on |
//!
//! Readers follow the links below the head Relaxed: what a node's `prev` leads to, now or after cuts, was linked before the
//! node itself, by a thread that had acquired it as the head; so whoever acquired the head has acquired the whole chain.
//!
//! *Reclamation.* The thread that unlinks a version retires the victim; its prev stays valid for readers already on it.
//! *Checked by* `pruners.rs`, `commit.rs`, `private_nodes.rs` in `loom-tests/tests`; `tests/oracle.rs`.

mod cut;
mod record;
mod registered;
mod version;
mod word;

pub use cut::{Cut, Kept, cut};
pub use record::{Installed, Record, RecordRef, Standing};
pub use registered::{Registered, Stamp};
pub use version::{VersionBox, VersionNode, VersionRef, retire_version};
pub use word::RecordWord;
