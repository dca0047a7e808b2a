//! Layers of uncommitted writes over a snapshot of a store, or over one another.
//!
//! *Picture.* All layers over one base are a *family*. They share one [`epoch_store::Map`], the family's map, in which each
//! has the keys that begin with its number:
//!
//! ```text
//! Overlay (frame 2) ──► Layer 3 ─┐ parent             family map                          store
//! Overlay (frame 1) ──► Layer 2 ─┤                    0 1        generation of the base   hidden: mark of the family
//! Overlay (root)    ──► Layer 1 ─┴► Family ──► state  1 alice    tombstone
//!                                       │             2 bob      value "3"
//!                                       └► base: a snapshot of the store, and its generation
//! ```
//!
//! A snapshot of the family's map shows all layers at one moment, however deep the stack; with the base that fits it, it is
//! a [view](OverlayView): what an iterator keeps, and what nobody changes any more. A read goes from the top down: the
//! first layer with an entry for the key answers, with a value or a tombstone, and the base answers last.
//!
//! *Moving a nested layer down* is one commit to the family's map: its entries become entries of its parent, and those
//! that a snapshot saw, and nothing newer, are deleted. It depends on a marker that each such commit writes, so that of
//! two threads that flush one layer at once, one finds the other's work and starts again.
//!
//! *Moving the root down* changes two maps, in steps that any thread can finish for one that sleeps. The family's state goes
//! through three phases, each entered by one exchange of a pointer:
//!
//! ```text
//! Settled(g, base)                   1. choose: a snapshot `seen` of the family's map and what the root holds there
//!   └► Started(g, base, seen)        2. commit that to the store, and mark(family) = g + 1, unless the mark was written
//!        ├► Settled(g, base)         2' or, if the store refuses that: call it off, by writing the mark alone
//!        └► Stored(.., next base)    3. `next base`: a snapshot of the store opened after 2
//!             └► Settled(g + 1)      4. before this: one commit to the family's map, {generation = g + 1, delete what
//!                                       `seen` saw of the root}, unless the generation was written
//! ```
//!
//! A store may refuse what it took a moment ago, and what it refuses now it may take later: so a flush that was refused has to
//! be called off, or a helper that slept could bring it into the store when its entries are old, and a batch that
//! never fits would be in the way of all that come after. The mark decides: 2 and 2' are commits that write it and
//! depend on it, as it was before the flush began, so exactly one of them is made. If the store refuses both (it is closed,
//! or has no room for a few bytes), the flush stays begun: the next one tries both again, and nothing else depends on it.
//!
//! *Invariants.*
//! - O-1. The generation in the family's map is `g + 1` exactly in snapshots that include the commit of step 4. That commit
//!   is made in the phase `Stored(g)` or later, and before `Settled(g + 1)`.
//! - O-2. A view pairs a snapshot of the family's map with the base of the generation in it. The state is loaded after the
//!   snapshot was opened. By O-1 the snapshot can then be ahead of the state only in the phase `Stored`, where it says
//!   itself which of the two bases it needs; it can be behind it only if it is older than `since`, a version of the
//!   family's map noted after step 4, and then another is opened.
//! - O-3. One of the commits of 2 and 2' at most is made, once, and that of 4 is made at most once: each depends on the key
//!   that it writes, as it was before the phase began. Whoever finds the key written goes on to the next step; who was too late for the phase finds the state changed, and does nothing with what it found. That of 4 is
//!   never refused: a family's map has no limits.
//! - O-4. What the root shows does not change with 1 to 3 (views still use the old base), and in step 4 only by what others
//!   committed to the store since the old base: the entries that go are in the next base, what was written to the root after
//!   `seen` stays on top.
//! - O-5. An entry of a layer is never deleted but by the two moves and by the end of the layer: a delete is a tombstone that
//!   is put. So what `seen` saw of a key is either its newest entry, or covered by one that stays.
//!
//! *Progress.* Reads never wait: a view is tried again only when a flush ended in between. Writes are commits to the family's
//! map. A flush is lock-free: it is tried again only because another flush of the same layer went through, and a flusher
//! that sleeps in any step stops neither readers, nor writers, nor other flushers, who finish its steps and then take
//! their own.
//!
//! *Empty layers.* A frame of a virtual machine costs a number and an allocation, and is skipped by reads: [`layer`].
//!
//! *Checked by* `tests/overlays.rs` (against a model), `tests/overlay_threads.rs` (exact views beside writers and flushes),
//! `tests/overlay_parked.rs` (flushers, readers and deleters stopped at each of their steps), `tests/overlay_refused.rs`
//! (stores that refuse a flush), [`flush`]'s own tests (orders of its steps), and the example `cachekv_race`.

mod batch;
mod entry;
mod layer;
mod family;
mod flush;
mod merge;
mod view;
mod entries;
mod handle;

pub use batch::OverlayBatch;
pub use entries::OverlayEntries;
pub use handle::Overlay;
pub use merge::OverlayRange;
pub use view::{OverlayView, successor_of_prefix};
