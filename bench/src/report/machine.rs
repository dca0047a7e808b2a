//! Where and with what the figures were measured.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::measure::line_transfer;

/// The lock file the program was built from: it says which rivals are in it.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Everything a reader needs to place the figures.
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Cores the process may use.
    pub cores: usize,
    /// Operating system and architecture.
    pub system: String,
    /// The compiler that built the program.
    pub rustc: &'static str,
    /// How it was built.
    pub profile: &'static str,
    /// Level of optimisation, and flags beyond the profile's.
    pub flags: &'static str,
    /// The global allocator.
    pub allocator: String,
    /// Commit of the checkout, with `+` where files differ from it.
    pub commit: String,
    /// Threads that wanted a core in the minute before the run, where the system tells: figures of
    /// a busy machine are worth little.
    pub load: Option<f64>,
    /// Nanoseconds that a line takes from core to core before the run, at best and at worst of some probes.
    pub transfer: Option<(f64, f64)>,
    /// Seconds since 1970 when the run began.
    pub unix_time: u64,
}

impl Machine {
    /// Asks around. `allocator` is the crate of the program's global allocator.
    pub fn survey(allocator: &str) -> Machine {
        let version = package_version(allocator).unwrap_or("of unknown version");
        Machine {
            cpu: cpu_model().unwrap_or_else(|| "unknown".to_owned()),
            cores: available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            rustc: env!("BENCH_RUSTC"),
            profile: if cfg!(debug_assertions) { "with debug assertions" } else { "release" },
            flags: env!("BENCH_FLAGS"),
            allocator: format!("{allocator} {version}"),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            load: load(),
            transfer: transfer(),
            unix_time: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        }
    }
}

/// One line.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores, system, rustc, profile, flags, allocator, commit, .. } = self;
        write!(
            f,
            "{cpu} ({cores} cores), {system}, {rustc}, {profile}, {flags}, allocator {allocator}, commit {commit}"
        )?;
        match self.load {
            Some(load) => write!(f, ", load before the run {load:.1}")?,
            None => f.write_str(", load before the run unknown")?,
        }
        match self.transfer {
            Some((least, most)) => {
                write!(f, ", a line goes from one core to another in {least:.0} to {most:.0} ns")
            }
            None => Ok(()),
        }
    }
}

/// The version of a package in the lock file; the newest, where it is there more than once (a
/// rival may build on an older one of another rival).
pub fn package_version(name: &str) -> Option<&'static str> {
    let entries = LOCK.split("[[package]]").filter_map(|entry| {
        let field = |label: &str| {
            entry.lines().find_map(|line| line.strip_prefix(label)?.strip_suffix('"'))
        };
        (field("name = \"")? == name).then(|| field("version = \""))?
    });
    entries.max_by_key(|version| {
        version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>()
    })
}

fn cpu_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn transfer() -> Option<(f64, f64)> {
    const PROBES: usize = 8;
    let probes: Option<Vec<f64>> = (0..PROBES).map(|_| line_transfer()).collect();
    let probes = probes?;
    Some((
        probes.iter().copied().fold(f64::INFINITY, f64::min),
        probes.iter().copied().fold(0.0, f64::max),
    ))
}

fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

fn commit() -> Option<String> {
    let mut commit = git(&["rev-parse", "HEAD"])?;
    if git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty()) {
        commit.push('+');
    }
    Some(commit)
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_the_rivals() {
        assert!(package_version("surrealmx").is_some());
        let artmap = package_version("artmap").expect("artmap is a dependency");
        assert!(!artmap.starts_with("0.6"), "the one surrealmx builds on was taken: {artmap}");
        assert_eq!(package_version("no-such-package"), None);
    }
}
