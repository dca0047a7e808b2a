//! The quantities that are measured, each by one family.

use super::Family;

/// How a quantity is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds an operation.
    Nanos,
    /// Microseconds.
    Micros,
    /// Millions of operations a second, all threads together.
    Mops,
    /// Thousands of commits a second, all threads together.
    Kps,
    /// Bytes an entry.
    Bytes,
    /// A plain number.
    Count,
    /// One measurement over another.
    Times,
}

impl Unit {
    /// The name behind a figure.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Nanos => "ns",
            Unit::Micros => "us",
            Unit::Mops => "Mops",
            Unit::Kps => "k/s",
            Unit::Bytes => "B",
            Unit::Count => "",
            Unit::Times => "x",
        }
    }
}

macro_rules! cells {
    ($($(#[$doc:meta])* $cell:ident = $name:literal, $family:ident, $unit:ident;)*) => {
        /// One measured quantity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Cell {
            $($(#[$doc])* $cell,)*
        }

        impl Cell {
            /// All of them.
            pub const ALL: &[Cell] = &[$(Cell::$cell),*];

            /// The name between parent and child process, and in the JSON report.
            pub fn name(self) -> &'static str {
                match self { $(Cell::$cell => $name,)* }
            }

            /// Who measures it.
            pub fn family(self) -> Family {
                match self { $(Cell::$cell => Family::$family,)* }
            }

            /// How it is printed.
            pub fn unit(self) -> Unit {
                match self { $(Cell::$cell => Unit::$unit,)* }
            }
        }
    };
}

cells! {
    /// Point get in a held view, uniform.
    Get = "get_ns", Points, Nanos;
    /// `get_many` of 16 keys, per key.
    GetMany = "get_many_ns", Points, Nanos;
    /// Get of a key that does not exist, in a held view.
    Miss = "miss_ns", Points, Nanos;
    /// Overwrite of one key, uniform.
    Overwrite = "overwrite_ns", Overwrites, Nanos;
    /// Insert of a new random key.
    Insert = "insert_ns", Inserts, Nanos;
    /// Load in batches of 1,000, random order, per entry.
    LoadRandom = "load_random_ns", Load, Nanos;
    /// Load in batches of 1,000, ascending, per entry.
    LoadSorted = "load_sorted_ns", LoadSorted, Nanos;
    /// Full scan, per entry.
    Scan = "scan_ns", Scans, Nanos;
    /// Full scan in descending order, per entry.
    ScanBack = "scan_back_ns", Scans, Nanos;
    /// Range of 100 from a random key, per range.
    Range = "range_us", Scans, Micros;
    /// Full scan alone, right before `BesideScan`, per entry.
    BesideScanAlone = "beside_scan_alone_ns", Beside, Nanos;
    /// One overwriting writer alone.
    BesideWriterAlone = "beside_writer_alone_mops", Beside, Mops;
    /// Full scan beside that writer, per entry.
    BesideScan = "beside_scan_ns", Beside, Nanos;
    /// The writer beside the scan.
    BesideWriter = "beside_writer_mops", Beside, Mops;
    /// Opening and dropping a snapshot, nobody writing.
    SnapshotQuiet = "snapshot_quiet_ns", OpenSnapshots, Nanos;
    /// Opening and dropping a snapshot beside an overwriting writer.
    SnapshotBeside = "snapshot_beside_ns", OpenSnapshots, Nanos;
    /// Opening an iterator, and its first entry, over a few keys of which one was just written.
    OpenFew = "iterator_few_us", Iterators, Micros;
    /// The same over many keys.
    OpenMany = "iterator_many_us", Iterators, Micros;
    /// `OpenMany` over `OpenFew`.
    OpenGrowth = "iterator_growth", Iterators, Times;
    /// Opening the first iterator after many keys were written.
    OpenFirst = "iterator_first_us", Iterators, Micros;
    /// Atomic commits of 100 random keys, 1 thread.
    Commits = "commits_100_kps", Commits, Kps;
    /// Atomic commits of 100 random keys, 2 threads.
    CommitsTwo = "commits_100_two_kps", Commits, Kps;
    /// Zipf mix of 95 % reads, 2 threads.
    MixReads = "mix_95_5_mops", Mixes, Mops;
    /// Zipf mix of 50 % reads, 2 threads.
    MixEven = "mix_50_50_mops", Mixes, Mops;
    /// Resident memory an entry after the load.
    MemoryLoaded = "memory_loaded_bytes", Memory, Bytes;
    /// Resident memory an entry after one overwrite of each key.
    MemoryOverwritten = "memory_overwritten_bytes", Memory, Bytes;
    /// Versions on the longest chain under one held snapshot.
    Chain = "chain_versions", Chain, Count;
    /// Overwrites done for `Chain`.
    ChainOverwrites = "chain_overwrites", Chain, Count;
    /// Gets of 1 thread, right before those of 2.
    GetsOne = "gets_one_mops", Scaling, Mops;
    /// Gets of 2 threads.
    GetsTwo = "gets_two_mops", Scaling, Mops;
    /// `GetsTwo` over `GetsOne`.
    GetsScale = "gets_scale", Scaling, Times;
    /// Entries scanned by 1 thread, right before those by 2.
    ScansOne = "scans_one_mops", Scaling, Mops;
    /// Entries scanned by 2 threads.
    ScansTwo = "scans_two_mops", Scaling, Mops;
    /// `ScansTwo` over `ScansOne`.
    ScansScale = "scans_scale", Scaling, Times;
    /// One-key commits of 1 thread, right before those of 2.
    PutsOne = "puts_one_mops", Scaling, Mops;
    /// One-key commits of 2 threads on disjoint keys.
    PutsTwo = "puts_two_mops", Scaling, Mops;
    /// `PutsTwo` over `PutsOne`.
    PutsScale = "puts_scale", Scaling, Times;
    /// A cache line from one core to another: no contender's doing.
    LineTransfer = "line_transfer_ns", Scaling, Nanos;
    /// 99.9th percentile of one-key commits beside a big commit, corrected for coordinated omission.
    Tail = "tail_us", Tail, Micros;
    /// The same percentile of the commits that were made, uncorrected.
    TailRaw = "tail_raw_us", Tail, Micros;
    /// The longest one-key commit beside the big commit.
    TailMax = "tail_max_us", Tail, Micros;
    /// How long the big commit took.
    TailCommit = "tail_commit_us", Tail, Micros;
    /// First overwrites of one key under an old reader.
    OldReaderFirst = "old_reader_first_ns", OldReader, Nanos;
    /// Overwrites of that key after many versions.
    OldReaderLate = "old_reader_late_ns", OldReader, Nanos;
    /// `OldReaderLate` over `OldReaderFirst`.
    OldReaderGrowth = "old_reader_growth", OldReader, Times;
}

impl Cell {
    /// Its name without the unit: `scan` for `scan_ns`.
    pub fn short_name(self) -> &'static str {
        let name = self.name();
        let units = ["_ns", "_us", "_mops", "_kps", "_bytes"];
        units.iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name)
    }

    /// The cell of that name.
    pub fn from_name(name: &str) -> Option<Cell> {
        Cell::ALL.iter().copied().find(|cell| cell.name() == name)
    }
}
