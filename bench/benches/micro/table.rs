//! Rows that every contender may take part in.

use bench::contender::{Contender, Roster, Snapshots, Visitor};
use bench::measure::{COMMIT_LEN, MANY, Plan, RANGE_LEN, Streams};
use criterion::{Criterion, Throughput};

use crate::turn::Turn;
use crate::{points, scans, snapshots, writes};

/// Who takes part: the map most programs start with, and those that come closest.
const CONTENDERS: [Roster; 5] =
    [Roster::Ours, Roster::Rwbtree, Roster::Artmap, Roster::Vartmap, Roster::Surrealmx];

/// A row.
#[derive(Clone, Copy)]
enum Row {
    Get,
    GetMany,
    Miss,
    Overwrite,
    Insert,
    CommitOne,
    CommitMany,
    Scan,
    ScanBack,
    Range,
    Open,
    Snapshot,
}

const ROWS: [Row; 12] = [
    Row::Get,
    Row::GetMany,
    Row::Miss,
    Row::Overwrite,
    Row::Insert,
    Row::CommitOne,
    Row::CommitMany,
    Row::Scan,
    Row::ScanBack,
    Row::Range,
    Row::Open,
    Row::Snapshot,
];

/// Measures all rows for everyone.
pub fn measure(criterion: &mut Criterion, plan: Plan, streams: &Streams) {
    for row in ROWS {
        let mut group = criterion.benchmark_group(row.name());
        if let Some(elements) = row.elements(&plan) {
            group.throughput(Throughput::Elements(elements as u64));
        }
        for contender in CONTENDERS {
            let turn = Turn { plan, streams, name: contender.name(), group: &mut group };
            contender.visit(plan.case, Asked { row, turn });
        }
        group.finish();
    }
}

impl Row {
    fn name(self) -> &'static str {
        match self {
            Row::Get => "get",
            Row::GetMany => "get-many-16",
            Row::Miss => "miss",
            Row::Overwrite => "overwrite",
            Row::Insert => "insert",
            Row::CommitOne => "commit-1",
            Row::CommitMany => "commit-100",
            Row::Scan => "scan",
            Row::ScanBack => "scan-back",
            Row::Range => "range-100",
            Row::Open => "iterator-open",
            Row::Snapshot => "snapshot",
        }
    }

    /// Keys of one operation, where it has many.
    fn elements(self, plan: &Plan) -> Option<usize> {
        match self {
            Row::GetMany => Some(MANY),
            Row::CommitMany => Some(COMMIT_LEN),
            Row::Scan | Row::ScanBack => Some(plan.keys),
            Row::Range => Some(RANGE_LEN),
            _ => None,
        }
    }

    /// Whether `C` promises what the row is about: who does not has no figure.
    fn is_for<C: Contender>(self) -> bool {
        match self {
            Row::CommitOne | Row::CommitMany => C::ATOMIC_COMMITS,
            Row::Snapshot => C::SNAPSHOTS != Snapshots::None,
            _ => true,
        }
    }
}

/// A row that waits for the contender's type.
struct Asked<'t, 'c> {
    row: Row,
    turn: Turn<'t, 'c>,
}

impl Visitor for Asked<'_, '_> {
    type Output = ();

    fn visit<C: Contender>(self) {
        if !self.row.is_for::<C>() {
            return;
        }
        match self.row {
            Row::Get => points::get::<C>(self.turn),
            Row::GetMany => points::get_many::<C>(self.turn),
            Row::Miss => points::miss::<C>(self.turn),
            Row::Overwrite => writes::overwrite::<C>(self.turn),
            Row::Insert => writes::insert::<C>(self.turn),
            Row::CommitOne => writes::commit_one::<C>(self.turn),
            Row::CommitMany => writes::commit_many::<C>(self.turn),
            Row::Scan => scans::scan::<C>(self.turn),
            Row::ScanBack => scans::scan_back::<C>(self.turn),
            Row::Range => scans::range::<C>(self.turn),
            Row::Open => scans::open::<C>(self.turn),
            Row::Snapshot => snapshots::open::<C>(self.turn),
        }
    }
}
