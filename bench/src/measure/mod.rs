//! The measurements, one file per family of rows.
//!
//! A family is what shares a map in one state: it is generic over the contender, runs in a child
//! process that holds nothing else, and returns its figures. Values read are checked while the
//! clock runs; the check is the same few instructions for everyone.

mod bed;
mod beside;
mod cells;
mod commits;
mod findings;
mod iterators;
mod load;
mod memory;
mod mixes;
mod old_reader;
mod plan;
mod points;
mod scaling;
mod scans;
mod snapshots;
mod tail;
pub mod timing;
mod transfer;
mod writes;

pub use bed::{Bed, Streams};
pub use beside::consistency;
pub use cells::{Cell, Unit};
pub use findings::Findings;
pub use load::random as load_random;
pub use memory::{METHOD as MEMORY_METHOD, resident};
pub use plan::{COMMIT_LEN, MANY, Plan, RANGE_LEN};
pub use transfer::line_transfer;

use crate::contender::{Contender, Visitor};

/// A set of cells that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Bulk load, random order.
    Load,
    /// Gets.
    Points,
    /// Full scans and ranges.
    Scans,
    /// Overwrites of one key.
    Overwrites,
    /// Opening snapshots.
    OpenSnapshots,
    /// Two threads over one.
    Scaling,
    /// Atomic commits of many keys.
    Commits,
    /// Reads and writes mixed.
    Mixes,
    /// A scan beside a writer.
    Beside,
    /// Inserts of new keys; they change what the others count on, so they come last.
    Inserts,
    /// Bulk load, ascending.
    LoadSorted,
    /// Bytes an entry.
    Memory,
    /// One-key commits beside a big one.
    Tail,
    /// Overwrites under an old reader.
    OldReader,
    /// The longest chain under a held snapshot.
    Chain,
    /// Opening iterators over keys just written.
    Iterators,
}

/// The child process a family runs in. Families share one where the state they leave behind is
/// harmless to those after them, and have their own where the state of the allocator or of the
/// chains would speak for or against somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Job {
    /// Everything on one randomly loaded map.
    Main,
    /// The ascending load, on memory as fresh as the random load had it.
    Sorted,
    /// Resident memory.
    Memory,
    /// What makes others wait, or leaves long chains behind.
    Stalls,
}

impl Job {
    /// All of them.
    pub const ALL: [Job; 4] = [Job::Main, Job::Sorted, Job::Memory, Job::Stalls];

    /// Its name on the (hidden) command line.
    pub fn name(self) -> &'static str {
        match self {
            Job::Main => "main",
            Job::Sorted => "sorted",
            Job::Memory => "memory",
            Job::Stalls => "stalls",
        }
    }

    /// What runs in it, in this order.
    pub fn families(self) -> &'static [Family] {
        match self {
            Job::Main => &[
                Family::Points,
                Family::Scans,
                Family::Overwrites,
                Family::OpenSnapshots,
                Family::Scaling,
                Family::Commits,
                Family::Mixes,
                Family::Beside,
                Family::Inserts,
            ],
            Job::Sorted => &[Family::LoadSorted],
            Job::Memory => &[Family::Memory],
            Job::Stalls => &[Family::Tail, Family::OldReader, Family::Chain, Family::Iterators],
        }
    }

    /// Whether `family` needs this job's process.
    pub fn serves(self, family: Family) -> bool {
        self.families().contains(&family) || (self == Job::Main && family == Family::Load)
    }
}

/// Runs the `wanted` families of `job` on one contender, giving each one's findings to `report` as
/// soon as it ends: what was measured before a failure is not lost with it.
pub struct Measure<'a, F> {
    /// Which process this is.
    pub job: Job,
    /// Families to run; others are left out.
    pub wanted: &'a [Family],
    /// How much to do.
    pub plan: Plan,
    /// Where findings go.
    pub report: F,
}

impl<F: FnMut(Findings)> Visitor for Measure<'_, F> {
    type Output = ();

    fn visit<C: Contender>(mut self) {
        let streams = Streams::new(self.plan);
        match self.job {
            Job::Memory => (self.report)(memory::memory::<C>(&self.plan)),
            Job::Sorted => (self.report)(load::sorted::<C>(&self.plan, &streams)),
            Job::Main | Job::Stalls => {
                let (map, findings) = load::random::<C>(&self.plan, &streams);
                (self.report)(findings);
                let bed = Bed { map: &map, plan: self.plan, streams: &streams };
                for family in self.job.families() {
                    if self.wanted.contains(family) {
                        (self.report)(run(*family, &bed));
                    }
                }
            }
        }
    }
}

fn run<C: Contender>(family: Family, bed: &Bed<'_, C>) -> Findings {
    match family {
        Family::Points => points::points(bed),
        Family::Scans => scans::scans(bed),
        Family::Overwrites => writes::overwrites(bed),
        Family::OpenSnapshots => snapshots::open_snapshots(bed),
        Family::Scaling => scaling::scaling(bed),
        Family::Commits => commits::commits(bed),
        Family::Mixes => mixes::mixes(bed),
        Family::Beside => beside::beside_writer(bed),
        Family::Inserts => writes::inserts(bed),
        Family::Tail => tail::tail(bed),
        Family::OldReader => old_reader::old_reader(bed),
        Family::Chain => old_reader::chain(bed),
        Family::Iterators => iterators::iterators(bed),
        // These make their own maps, before any bed is there.
        Family::Load | Family::LoadSorted | Family::Memory => Findings::default(),
    }
}
