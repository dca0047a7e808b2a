//! What the commit of a transaction checks.

/// What a transaction is kept apart from, when others commit beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// Committed transactions have the effect that they would have one after the other, in the order of their versions.
    /// One that only reads never conflicts, and stands at the version of its snapshot.
    ///
    /// A commit is refused if another one has written since to a key that was read, or anything into a range that was read.
    /// Writing a key without reading it depends on nothing and conflicts with nothing.
    #[default]
    Serializable,
    /// All reads are of one version, and no two transactions that overlap write the same key: of those the first to commit
    /// goes through (unless it has left the key as absent as it was). Two that read what the other writes, and write
    /// different keys, both go through (*write skew*), but for keys read by
    /// [`Transaction::get_for_update`](crate::Transaction::get_for_update) or a conditional operation.
    ///
    /// Costs no memory for reads.
    Snapshot,
}
