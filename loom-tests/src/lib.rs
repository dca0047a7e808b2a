//! The harness of the models: runs them, counts what they explored, and sees that their mutants die.
//!
//! A *model* is a small program over the real protocol code of `epoch-store`, or of the executor of `engine`, explored by loom in every interleaving up
//! to its bound. A *mutant* is the same model with one ordering weakened or one step left out (`EPOCH_MUTANT`), run as a
//! child process that must fail: it shows that the model would notice.
//!
//! Models exist only in a build with `--cfg epoch_loom`; `ci/loom.sh` has the whole command.

#[cfg(epoch_loom)]
mod harness;
#[cfg(epoch_loom)]
mod ledger;
#[cfg(epoch_loom)]
mod shelf;
#[cfg(epoch_loom)]
mod world;

#[cfg(epoch_loom)]
pub use harness::{Actor, Model, actor, mutants_die, race};
#[cfg(epoch_loom)]
pub use ledger::{Beds, Block, Ledger, Script};
#[cfg(epoch_loom)]
pub use shelf::{Listed, Shelf};
#[cfg(epoch_loom)]
pub use world::{Chains, NoneSealed, Outcome, World, pin, record};
