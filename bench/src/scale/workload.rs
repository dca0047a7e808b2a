//! What is asked of the contenders, by 1, 2, 4, ... threads at once.

use clap::ValueEnum;

use crate::measure::COMMIT_LEN;

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Workload {
    /// Point gets in a held view, uniform
    Gets,
    /// Zipf mix, 95 % gets of the newest value and 5 % one-key commits
    MixReads,
    /// Zipf mix, half gets and half one-key commits
    MixEven,
    /// One-key commits, each thread on keys of its own
    Puts,
    /// Atomic commits of 100 keys, which may meet
    Commits,
    /// Reading a key and writing what comes of it, with no other write in between; Zipf, so that threads meet
    Updates,
    /// Full scans, each in a new view
    Scans,
    /// Full scans by all threads but one, which overwrites
    Beside,
    /// Opening and dropping snapshots
    Snapshots,
}

impl Workload {
    /// All of them, in the order they are measured: those that leave the map as it was come first.
    pub const ALL: [Workload; 9] = [
        Workload::Gets,
        Workload::Scans,
        Workload::Snapshots,
        Workload::MixReads,
        Workload::MixEven,
        Workload::Puts,
        Workload::Commits,
        Workload::Updates,
        Workload::Beside,
    ];

    /// The name on the command line and in the JSON report.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Gets => "gets",
            Workload::MixReads => "mix-reads",
            Workload::MixEven => "mix-even",
            Workload::Puts => "puts",
            Workload::Commits => "commits",
            Workload::Updates => "updates",
            Workload::Scans => "scans",
            Workload::Beside => "beside",
            Workload::Snapshots => "snapshots",
        }
    }

    /// The workload of that name.
    pub fn from_name(name: &str) -> Option<Workload> {
        Workload::ALL.into_iter().find(|one| one.name() == name)
    }

    /// A title for people.
    pub fn title(self) -> &'static str {
        match self {
            Workload::Gets => "Point gets, uniform",
            Workload::MixReads => "Zipf mix, 95 % gets and 5 % commits",
            Workload::MixEven => "Zipf mix, 50 % gets and 50 % commits",
            Workload::Puts => "One-key commits of disjoint keys",
            Workload::Commits => "Atomic commits of 100 keys",
            Workload::Updates => "Updates of keys that all threads want",
            Workload::Scans => "Full scans",
            Workload::Beside => "Full scans beside one writer",
            Workload::Snapshots => "Snapshots opened and dropped",
        }
    }

    /// What the title leaves open.
    pub fn detail(self) -> &'static str {
        match self {
            Workload::Gets => "each thread in a view that it holds",
            Workload::MixReads | Workload::MixEven => {
                "skew 0.99; gets of the newest value, all threads on the same keys"
            }
            Workload::Puts => "overwrites; no two threads write the same key",
            Workload::Commits => "overwrites of uniform keys; threads may write the same keys",
            Workload::Updates => {
                "a key is read and overwritten, with no write in between; Zipf, skew 0.99"
            }
            Workload::Scans => "nobody writes; a new view for each scan",
            Workload::Beside => "1 thread: the scan alone; from 2 on one of them overwrites",
            Workload::Snapshots => "nobody writes; only contenders whose view is a snapshot",
        }
    }

    /// What is counted.
    pub fn unit(self) -> &'static str {
        match self {
            Workload::Gets | Workload::MixReads | Workload::MixEven => {
                "million operations a second"
            }
            Workload::Updates => "thousand updates a second",
            Workload::Puts | Workload::Commits => "thousand commits a second",
            Workload::Scans | Workload::Beside => "million entries a second",
            Workload::Snapshots => "million snapshots a second",
        }
    }

    /// Units that one operation is, on a map of so many keys.
    pub fn units(self, keys: usize) -> f64 {
        match self {
            Workload::Gets | Workload::MixReads | Workload::MixEven | Workload::Snapshots => 1e-6,
            Workload::Puts | Workload::Commits | Workload::Updates => 1e-3,
            Workload::Scans | Workload::Beside => keys as f64 / 1e6,
        }
    }

    /// One operation, in words.
    pub fn operation(self) -> String {
        match self {
            Workload::Gets => "a get".to_owned(),
            Workload::MixReads | Workload::MixEven => "a get or a commit".to_owned(),
            Workload::Puts => "a commit of one key".to_owned(),
            Workload::Commits => format!("a commit of {COMMIT_LEN} keys"),
            Workload::Updates => "an update, with what it did in vain".to_owned(),
            Workload::Scans | Workload::Beside => "a full scan".to_owned(),
            Workload::Snapshots => "opening and dropping one".to_owned(),
        }
    }
}

/// The numbers of threads to measure with where none are given: 1 and its doublings up to `cores`, `cores` itself, and twice
/// as many.
pub fn ladder(cores: usize) -> Vec<usize> {
    let doublings = std::iter::successors(Some(1), |threads| Some(threads * 2));
    let mut threads: Vec<usize> = doublings.take_while(|threads| *threads < cores).collect();
    threads.extend([cores, cores * 2]);
    threads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_ends_with_all_cores_and_twice_as_many() {
        assert_eq!(ladder(1), [1, 2]);
        assert_eq!(ladder(2), [1, 2, 4]);
        assert_eq!(ladder(12), [1, 2, 4, 8, 12, 24]);
        assert_eq!(ladder(64), [1, 2, 4, 8, 16, 32, 64, 128]);
    }

    #[test]
    fn names_lead_back() {
        for workload in Workload::ALL {
            assert_eq!(Workload::from_name(workload.name()), Some(workload));
            let on_the_command_line = Workload::from_str(workload.name(), false);
            assert_eq!(on_the_command_line, Ok(workload));
        }
    }
}
