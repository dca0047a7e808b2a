//! The storage rows of the targets: one entry a row, with the figures asked for in each key case.

use super::{Basis, Demand};
use crate::contender::Roster;
use crate::contender::Roster::{Artmap, Btree, Rwbtree, Surrealmx, Vartmap};
use crate::measure::{Cell, Family, Plan};
use crate::workload::Case;

/// One row of the table.
pub struct Row {
    /// Its name for `--only`.
    pub id: &'static str,
    /// What it is, for readers.
    pub label: String,
    /// What it shows.
    pub cell: Cell,
    /// Whom our ratio is given to.
    pub reference: Option<Roster>,
    /// What the work is accepted on. Empty for rows that are shown for the rows around them.
    pub must: Vec<Demand>,
    /// What would make it the best in the field.
    pub aim: Vec<Demand>,
}

impl Row {
    fn new(id: &'static str, label: impl Into<String>, cell: Cell) -> Row {
        Row { id, label: label.into(), cell, reference: None, must: Vec::new(), aim: Vec::new() }
    }

    fn beside(mut self, rival: Roster) -> Row {
        self.reference = Some(rival);
        self
    }

    fn must(mut self, demand: Demand) -> Row {
        self.must.push(demand);
        self
    }

    fn aim(mut self, demand: Demand) -> Row {
        self.aim.push(demand);
        self
    }

    /// Everything that has to be measured for this row.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        let demands = self.must.iter().chain(&self.aim);
        let bases = demands.flat_map(|demand| match demand.basis {
            Basis::Own(other) => [Some(demand.cell), Some(other)],
            Basis::Rival(_) | Basis::Itself => [Some(demand.cell), None],
        });
        std::iter::once(self.cell).chain(bases.flatten()).map(Cell::family)
    }
}

/// All rows for the case of `plan`, in the order of the targets.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let case = plan.case;
    let mut rows = point_rows(case);
    rows.extend(load_rows(case));
    rows.extend(scan_rows(case));
    rows.extend(beside_rows());
    rows.extend(opening_rows(plan));
    rows.extend(commit_rows(case));
    rows.extend(memory_rows(plan));
    rows.extend(scaling_rows());
    rows.extend(waiting_rows(plan));
    rows
}

/// Picks the figure of the case.
fn of(case: Case, fix: f64, prefix: f64) -> f64 {
    match case {
        Case::Fix => fix,
        Case::Prefix => prefix,
    }
}

fn point_rows(case: Case) -> Vec<Row> {
    use Cell::{Get, GetMany, Insert, Miss, Overwrite};
    vec![
        Row::new("get", "get in a held snapshot, uniform", Get)
            .beside(Btree)
            .must(Demand::at_most(Get, of(case, 0.45, 0.3), Btree))
            .aim(Demand::at_most(Get, of(case, 0.6, 0.4), Artmap)),
        Row::new("get-many", "get_many of 16, per key", GetMany)
            .beside(Btree)
            .must(Demand::at_most(GetMany, of(case, 0.15, 0.1), Btree))
            .aim(Demand::no_more(GetMany, 60.0)),
        Row::new("miss", "get, miss", Miss)
            .beside(Btree)
            .must(Demand::at_most(Miss, 0.25, Btree))
            .aim(Demand::at_most(Miss, 0.5, Artmap)),
        Row::new("overwrite", "overwrite of one key = one commit", Overwrite)
            .beside(Rwbtree)
            .must(Demand::at_most(Overwrite, of(case, 1.8, 1.0), Rwbtree))
            .must(Demand::at_most(Overwrite, 0.4, Surrealmx))
            .aim(Demand::at_most(Overwrite, 0.8, Vartmap)),
        Row::new("insert", "insert of a new random key = one commit", Insert)
            .beside(Rwbtree)
            .must(Demand::at_most(Insert, of(case, 2.0, 1.3), Rwbtree))
            .must(Demand::at_most(Insert, 1.0, Surrealmx))
            .aim(Demand::at_most(Insert, 1.0, Artmap)),
    ]
}

fn load_rows(case: Case) -> Vec<Row> {
    use Cell::{LoadRandom, LoadSorted};
    vec![
        Row::new("load-random", "bulk load by 1,000, random, per entry", LoadRandom)
            .beside(Btree)
            .must(Demand::at_most(LoadRandom, of(case, 2.0, 1.3), Btree))
            .aim(Demand::at_most(LoadRandom, 1.0, Artmap)),
        Row::new("load-sorted", "bulk load by 1,000, sorted, per entry", LoadSorted)
            .beside(Btree)
            .must(Demand::at_most(LoadSorted, 1.0, Btree))
            .aim(Demand::at_most(LoadSorted, 1.0, Artmap)),
    ]
}

fn scan_rows(case: Case) -> Vec<Row> {
    use Cell::{Range, Scan, ScanBack};
    vec![
        Row::new("scan", "full scan, per entry", Scan)
            .beside(Rwbtree)
            .must(Demand::at_most(Scan, of(case, 1.4, 0.8), Rwbtree))
            .aim(Demand::at_most(Scan, of(case, 0.9, 0.5), Rwbtree)),
        Row::new("scan-back", "full scan backwards, per entry", ScanBack)
            .beside(Rwbtree)
            .must(Demand::at_most_own(ScanBack, 1.3, Scan))
            // The target says "= forward"; 5 % is what the clock can tell apart.
            .aim(Demand::at_most_own(ScanBack, 1.05, Scan)),
        Row::new("range", "range of 100 from a random key", Range)
            .beside(Rwbtree)
            .must(Demand::at_most(Range, of(case, 1.7, 1.0), Rwbtree))
            .aim(Demand::at_most(Range, 0.7, Rwbtree)),
    ]
}

fn beside_rows() -> Vec<Row> {
    use Cell::{BesideScan, BesideScanAlone, BesideWriter, BesideWriterAlone};
    vec![
        Row::new("beside-scan", "scan beside a writer: scan, per entry", BesideScan)
            .beside(Rwbtree)
            .must(Demand::at_most_own(BesideScan, 1.3, BesideScanAlone))
            .aim(Demand::at_most_own(BesideScan, 1.1, BesideScanAlone)),
        Row::new("beside-scan-alone", "... that scan alone", BesideScanAlone).beside(Rwbtree),
        Row::new("beside-writer", "scan beside a writer: writer", BesideWriter)
            .beside(Rwbtree)
            .must(Demand::at_least_own(BesideWriter, 0.8, BesideWriterAlone))
            .aim(Demand::at_least_own(BesideWriter, 0.95, BesideWriterAlone)),
        Row::new("beside-writer-alone", "... that writer alone", BesideWriterAlone).beside(Rwbtree),
    ]
}

fn opening_rows(plan: &Plan) -> Vec<Row> {
    use Cell::{OpenFirst, OpenGrowth, OpenMany, SnapshotBeside, SnapshotQuiet};
    let (few, many) = plan.iterator_sizes();
    vec![
        Row::new("snapshot-quiet", "snapshot open + drop, quiet", SnapshotQuiet).beside(Surrealmx),
        Row::new("snapshot-beside", "snapshot open + drop, writer running", SnapshotBeside)
            .beside(Surrealmx)
            .must(Demand::no_more(SnapshotBeside, 20.0))
            .aim(Demand::no_more(SnapshotBeside, 8.0)),
        Row::new("iterator-open", format!("iterator open over {many} keys just written"), OpenMany)
            .beside(Rwbtree)
            .must(Demand::no_more(OpenMany, 3.0))
            .aim(Demand::no_more(OpenMany, 1.0)),
        Row::new("iterator-growth", format!("... {many} keys over {few} keys"), OpenGrowth)
            .must(Demand::no_more(OpenGrowth, 2.0)),
        Row::new("iterator-first", "... the very first one", OpenFirst).beside(Rwbtree),
    ]
}

fn commit_rows(case: Case) -> Vec<Row> {
    use Cell::{Commits, CommitsTwo, MixEven, MixReads};
    vec![
        Row::new("commits", "atomic commits of 100 random keys, 1 thread", Commits)
            .beside(Rwbtree)
            .must(Demand::at_least(Commits, of(case, 1.2, 1.8), Rwbtree))
            .aim(Demand::at_least(Commits, 2.5, Rwbtree)),
        Row::new("commits-two", "atomic commits of 100 random keys, 2 threads", CommitsTwo)
            .beside(Rwbtree)
            .must(Demand::at_least_own(CommitsTwo, 1.5, Commits))
            .aim(Demand::at_least_own(CommitsTwo, 1.9, Commits)),
        Row::new("mix-95-5", "zipf 0.99, 95/5, 2 threads", MixReads)
            .beside(Rwbtree)
            .must(Demand::at_least(MixReads, 1.0, Rwbtree))
            .must(Demand::at_least(MixReads, 2.0, Surrealmx))
            .aim(Demand::at_least(MixReads, 1.0, Artmap)),
        Row::new("mix-50-50", "zipf 0.99, 50/50, 2 threads", MixEven)
            .beside(Rwbtree)
            .must(Demand::at_least(MixEven, 1.0, Rwbtree))
            .must(Demand::at_least(MixEven, 2.0, Surrealmx))
            .aim(Demand::at_least(MixEven, 1.0, Artmap)),
    ]
}

fn memory_rows(plan: &Plan) -> Vec<Row> {
    use Cell::{Chain, MemoryLoaded, MemoryOverwritten};
    let overwrites = plan.chain_overwrites();
    vec![
        Row::new("memory-loaded", "bytes per entry, loaded", MemoryLoaded)
            .beside(Btree)
            .must(Demand::no_more(MemoryLoaded, of(plan.case, 150.0, 190.0)))
            .aim(Demand::no_more(MemoryLoaded, of(plan.case, 105.0, 140.0))),
        Row::new("memory-overwritten", "bytes per entry, each overwritten once", MemoryOverwritten)
            .beside(Btree)
            .must(Demand::at_most_own(MemoryOverwritten, 1.1, MemoryLoaded)),
        Row::new("chain", format!("versions kept: {overwrites} overwrites, one snapshot"), Chain)
            .beside(Surrealmx)
            .must(Demand::no_more(Chain, 3.0)),
    ]
}

fn scaling_rows() -> Vec<Row> {
    use Cell::{GetsScale, LineTransfer, PutsScale, ScansScale};
    vec![
        Row::new("gets-scale", "2 threads over 1: gets", GetsScale)
            .beside(Surrealmx)
            .must(Demand::no_less(GetsScale, 1.6))
            .aim(Demand::no_less(GetsScale, 1.95)),
        Row::new("scans-scale", "2 threads over 1: scans", ScansScale)
            .beside(Surrealmx)
            .must(Demand::no_less(ScansScale, 1.5))
            .aim(Demand::no_less(ScansScale, 1.9)),
        Row::new("puts-scale", "2 threads over 1: one-key commits, disjoint", PutsScale)
            .beside(Surrealmx)
            .must(Demand::no_less(PutsScale, 1.3))
            .aim(Demand::no_less(PutsScale, 1.6)),
        Row::new("line-transfer", "... a cache line from core to core just then", LineTransfer),
    ]
}

fn waiting_rows(plan: &Plan) -> Vec<Row> {
    use Cell::{OldReaderGrowth, OldReaderLate, Tail, TailCommit, TailMax, TailRaw};
    let (big, old) = (plan.big_commit(), plan.old_reader_overwrites());
    vec![
        Row::new("tail", format!("p99.9 of one-key commits beside one of {big}"), Tail)
            .beside(Surrealmx)
            .must(Demand::no_more(Tail, 10_000.0))
            .aim(Demand::no_more(Tail, 1_000.0)),
        Row::new("tail-raw", "... not corrected for coordinated omission", TailRaw)
            .beside(Surrealmx),
        Row::new("tail-max", "... the longest of them", TailMax).beside(Surrealmx),
        Row::new("tail-commit", "... the big commit", TailCommit).beside(Surrealmx),
        Row::new(
            "old-reader",
            format!("overwrite under an old reader, {old}th over first"),
            OldReaderGrowth,
        )
        .beside(Surrealmx)
        .must(Demand::no_more(OldReaderGrowth, 1.5))
        .aim(Demand::no_more(OldReaderGrowth, 1.1)),
        Row::new("old-reader-late", format!("... the {old}th overwrite"), OldReaderLate)
            .beside(Surrealmx),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_demand_is_on_something_measured() {
        for case in [Case::Fix, Case::Prefix] {
            let plan = Plan { case, keys: 1_000_000, cell: Duration::ZERO, round: 0 };
            let rows = rows(&plan);
            let ids: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
            assert_eq!(ids.len(), rows.len());
            assert!(rows.iter().all(|row| row.families().count() > 0));
        }
    }
}
