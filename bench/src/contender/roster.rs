//! Who takes part, by name.

use clap::ValueEnum;

use super::{
    Art, BTree, Bytes, Concurrent, Contender, Copying, Fjall, Inline, LockedBTree, Ours,
    Persistent, Redb, SkipList, Surreal, TreeIndex, VersionedArt,
};
#[cfg(feature = "heavy")]
use super::{Lmdb, Rocks};
use crate::workload::Case;

/// The contenders, in the order of the tables' columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Roster {
    /// `epoch_store::Map`: ours
    Ours,
    /// `BTreeMap`, one thread, no lock
    Btree,
    /// `RwLock<BTreeMap>` (parking_lot)
    Rwbtree,
    /// `crossbeam_skiplist::SkipMap`
    Skipmap,
    /// `artmap::ArtMap`
    Artmap,
    /// `artmap::VersionedArtMap` with a lent clock, never pruned
    Vartmap,
    /// `surrealmx::Database`
    Surrealmx,
    /// `imbl::OrdMap` in an `ArcSwap`
    Imbl,
    /// `concread::bptree::BptreeMap`
    Concread,
    /// `scc::TreeIndex`
    Treeindex,
    /// `concurrent_map::ConcurrentMap`
    Concmap,
    /// `redb::Database` in memory, nothing durable; only where it is named
    Redb,
    /// `fjall::Database`, nothing durable; only where it is named
    Fjall,
    /// LMDB (`heed::Env`), nothing durable; only where it is named
    #[cfg(feature = "heavy")]
    Lmdb,
    /// `rocksdb::DB`, nothing durable; only where it is named
    #[cfg(feature = "heavy")]
    Rocksdb,
}

/// Something to do with a contender once its type is known.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it for contender `C`.
    fn visit<C: Contender>(self) -> Self::Output;
}

impl Roster {
    /// Everyone, ours first.
    pub const ALL: &[Roster] = &[
        Roster::Ours,
        Roster::Btree,
        Roster::Rwbtree,
        Roster::Skipmap,
        Roster::Artmap,
        Roster::Vartmap,
        Roster::Surrealmx,
        Roster::Imbl,
        Roster::Concread,
        Roster::Treeindex,
        Roster::Concmap,
        Roster::Redb,
        Roster::Fjall,
        #[cfg(feature = "heavy")]
        Roster::Lmdb,
        #[cfg(feature = "heavy")]
        Roster::Rocksdb,
    ];

    /// Those that are made for a disk: nobody compares himself with them in memory unless told to.
    pub const ON_DISK: &[Roster] = &[
        Roster::Redb,
        Roster::Fjall,
        #[cfg(feature = "heavy")]
        Roster::Lmdb,
        #[cfg(feature = "heavy")]
        Roster::Rocksdb,
    ];

    /// Those that the rows of the targets name: who takes part in `side-by-side` unless it is told otherwise.
    pub const IN_TARGETS: [Roster; 7] = [
        Roster::Ours,
        Roster::Btree,
        Roster::Rwbtree,
        Roster::Skipmap,
        Roster::Artmap,
        Roster::Vartmap,
        Roster::Surrealmx,
    ];

    /// The `named` ones, or where none is named those who take part `otherwise`; in the order of the roster.
    pub fn chosen(named: &[Roster], otherwise: &[Roster]) -> Vec<Roster> {
        let wanted = if named.is_empty() { otherwise } else { named };
        Roster::ALL.iter().filter(|one| wanted.contains(one)).copied().collect()
    }

    /// The name on the command line and in the JSON report.
    pub fn name(self) -> &'static str {
        match self {
            Roster::Ours => "ours",
            Roster::Btree => "btree",
            Roster::Rwbtree => "rwbtree",
            Roster::Skipmap => "skipmap",
            Roster::Artmap => "artmap",
            Roster::Vartmap => "vartmap",
            Roster::Surrealmx => "surrealmx",
            Roster::Imbl => "imbl",
            Roster::Concread => "concread",
            Roster::Treeindex => "treeindex",
            Roster::Concmap => "concmap",
            Roster::Redb => "redb",
            Roster::Fjall => "fjall",
            #[cfg(feature = "heavy")]
            Roster::Lmdb => "lmdb",
            #[cfg(feature = "heavy")]
            Roster::Rocksdb => "rocksdb",
        }
    }

    /// The crate it comes from, whose version the report states; `None` for the standard library.
    pub fn package(self) -> Option<&'static str> {
        match self {
            Roster::Ours => Some("epoch-store"),
            Roster::Btree | Roster::Rwbtree => None,
            Roster::Skipmap => Some("crossbeam-skiplist"),
            Roster::Artmap | Roster::Vartmap => Some("artmap"),
            Roster::Surrealmx => Some("surrealmx"),
            Roster::Imbl => Some("imbl"),
            Roster::Concread => Some("concread"),
            Roster::Treeindex => Some("scc"),
            Roster::Concmap => Some("concurrent-map"),
            Roster::Redb => Some("redb"),
            Roster::Fjall => Some("fjall"),
            #[cfg(feature = "heavy")]
            Roster::Lmdb => Some("heed"),
            #[cfg(feature = "heavy")]
            Roster::Rocksdb => Some("rocksdb"),
        }
    }

    /// What a reader of the figures has to know about it.
    pub fn caveat(self) -> &'static str {
        match self {
            Roster::Ours => "snapshots, atomic commits and collection of old versions included",
            Roster::Btree => "one thread, no lock, no versions: a limit, not a rival",
            Roster::Rwbtree => "a held read lock is its snapshot, and stops every writer",
            Roster::Skipmap => {
                "no snapshots, no atomic commits; loses keys while they are overwritten \
                 (crossbeam issue 1023)"
            }
            Roster::Artmap => "no snapshots, no atomic commits; reads here hold one epoch guard",
            Roster::Vartmap => {
                "flattered: clock lent by the harness, no register of readers, no pruning"
            }
            Roster::Surrealmx => "the direct competitor; direct calls, borrowed reads, in memory",
            Roster::Imbl => {
                "a persistent tree whose root is exchanged; one writer at a time, behind a lock"
            }
            Roster::Concread => "copy-on-write; one writer at a time",
            Roster::Treeindex => "no snapshots, no atomic commits; reads here hold one guard",
            Roster::Concmap => "no snapshots, no atomic commits; reads copy keys and values",
            Roster::Redb => {
                "made for a disk: here in memory, without durability (every 256th commit frees pages)"
            }
            Roster::Fjall => {
                "made for a disk: here without durability, all that was written in memory"
            }
            #[cfg(feature = "heavy")]
            Roster::Lmdb => {
                "made for a disk: here without durability, in a mapped file; one writer at a time"
            }
            #[cfg(feature = "heavy")]
            Roster::Rocksdb => {
                "made for a disk: here without durability, all that was written in memory, \
                 also what was overwritten"
            }
        }
    }

    /// Calls `visitor` with the type that stands for this contender in `case`.
    pub fn visit<V: Visitor>(self, case: Case, visitor: V) -> V::Output {
        match (self, case) {
            (Roster::Ours, _) => visitor.visit::<Ours>(),
            (Roster::Btree, Case::Fix) => visitor.visit::<BTree<Inline>>(),
            (Roster::Btree, Case::Prefix) => visitor.visit::<BTree<Bytes>>(),
            (Roster::Rwbtree, Case::Fix) => visitor.visit::<LockedBTree<Inline>>(),
            (Roster::Rwbtree, Case::Prefix) => visitor.visit::<LockedBTree<Bytes>>(),
            (Roster::Skipmap, Case::Fix) => visitor.visit::<SkipList<Inline>>(),
            (Roster::Skipmap, Case::Prefix) => visitor.visit::<SkipList<Bytes>>(),
            (Roster::Artmap, Case::Fix) => visitor.visit::<Art<Inline>>(),
            (Roster::Artmap, Case::Prefix) => visitor.visit::<Art<Bytes>>(),
            (Roster::Vartmap, Case::Fix) => visitor.visit::<VersionedArt<Inline>>(),
            (Roster::Vartmap, Case::Prefix) => visitor.visit::<VersionedArt<Bytes>>(),
            (Roster::Surrealmx, _) => visitor.visit::<Surreal>(),
            (Roster::Imbl, Case::Fix) => visitor.visit::<Persistent<Inline>>(),
            (Roster::Imbl, Case::Prefix) => visitor.visit::<Persistent<Bytes>>(),
            (Roster::Concread, Case::Fix) => visitor.visit::<Copying<Inline>>(),
            (Roster::Concread, Case::Prefix) => visitor.visit::<Copying<Bytes>>(),
            (Roster::Treeindex, Case::Fix) => visitor.visit::<TreeIndex<Inline>>(),
            (Roster::Treeindex, Case::Prefix) => visitor.visit::<TreeIndex<Bytes>>(),
            (Roster::Concmap, Case::Fix) => visitor.visit::<Concurrent<Inline>>(),
            (Roster::Concmap, Case::Prefix) => visitor.visit::<Concurrent<Bytes>>(),
            (Roster::Redb, _) => visitor.visit::<Redb>(),
            (Roster::Fjall, _) => visitor.visit::<Fjall>(),
            #[cfg(feature = "heavy")]
            (Roster::Lmdb, _) => visitor.visit::<Lmdb>(),
            #[cfg(feature = "heavy")]
            (Roster::Rocksdb, _) => visitor.visit::<Rocks>(),
        }
    }
}
