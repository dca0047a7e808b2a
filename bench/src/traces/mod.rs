//! Storage-access traces of real blocks: loaded and checked, replayed one transaction after the other, and as [jobs](player).
//!
//! A trace says of each transaction of a block which keys it read and what it wrote, so that a block can be replayed without
//! the virtual machine that it was for. The format is in `bench/README.md`.

mod load;
mod trace;
mod sequential;
mod dependencies;
pub mod player;

pub use dependencies::{Dependencies, dependencies};
pub use load::{TraceError, load, load_folder};
pub use sequential::{Expected, expected};
pub use trace::{Digest, FinalHash, Trace, Transaction, final_hash};

/// How plain transfers are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfers {
    /// As they stand: the recipient is read and written.
    Plain,
    /// As additions to the recipient, who is not read.
    Added,
}

impl Transfers {
    /// Both.
    pub const ALL: [Transfers; 2] = [Transfers::Plain, Transfers::Added];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Transfers::Plain => "plain",
            Transfers::Added => "added",
        }
    }
}

#[cfg(test)]
mod tests;
