//! A disk without room: a limit to the size of files stands for it, in a process of its own, and is lifted again.

use super::bed::{Bed, all};
use super::disk::{Disk, DiskParent};
use super::killed::child_of;
use engine::{Parent, ParentBatch, ParentErrorKind, Version};
use std::path::Path;
use std::process::Command;

/// Where the child works; it is not set in other processes.
const PLACE: &str = "PARENT_FULL_DISK";

/// For one file. A journal that is made takes most of it.
const LIMIT_KIB: usize = 66 << 10;

/// More than there is room for.
fn large(version: u64) -> ParentBatch {
    let mut batch = ParentBatch::new(Version::from(version));
    (0..700_u32).for_each(|key| batch.put(&key.to_be_bytes(), &vec![version as u8; 100_000]));
    batch
}

fn small(version: u64) -> ParentBatch {
    let mut batch = ParentBatch::new(Version::from(version));
    batch.put(b"small", &version.to_be_bytes());
    batch
}

/// There is room, from now on.
fn lift() -> bool {
    let pid = std::process::id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    lifted.is_ok_and(|status| status.success())
}

pub fn child<P: DiskParent>() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let parent = P::open_at(Path::new(&place)).unwrap();
    parent.commit(&small(1)).unwrap();
    let before = parent.snapshot().unwrap();

    let error = parent.commit(&large(2)).unwrap_err();
    assert_eq!(error.kind(), ParentErrorKind::Full, "{error}");
    // It needs the files as they were, for now.
    let error = parent.commit(&large(2)).unwrap_err();
    assert_eq!(error.kind(), ParentErrorKind::Io, "{error}");
    drop(before);
    let error = parent.commit(&large(2)).unwrap_err();
    assert_eq!(error.kind(), ParentErrorKind::Full, "{error}");
    only_the_small_one(&parent);
    // What fits can be written.
    parent.commit(&small(1)).unwrap();

    assert_eq!(parent.commit(&large(2)).unwrap_err().kind(), ParentErrorKind::Full);
    if !lift() {
        println!("not tested: the limit cannot be lifted");
        return;
    }
    parent.commit(&large(2)).unwrap();
    parent.commit(&small(3)).unwrap();
    println!("went on");
}

fn only_the_small_one(parent: &impl Parent) {
    let snapshot = parent.snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::from(1));
    assert_eq!(all(&*snapshot), [(b"small".to_vec(), 1_u64.to_be_bytes().to_vec())]);
}

pub fn it_goes_on_when_there_is_room_again<P: DiskParent>() {
    if cfg!(not(target_os = "linux")) {
        println!("not tested: limits are set otherwise here");
        return;
    }
    let bed = Disk::<P>::new();
    // A signal that is ignored stays so: what exceeds the limit gets an error then.
    let limited = format!("trap '' XFSZ; ulimit -S -f {LIMIT_KIB}; exec \"$@\"");
    let mut bash = Command::new("bash");
    bash.args(["-c", &limited, "bash"]).args(child_of::<P>()).env(PLACE, bed.path());
    let output = bash.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    if !said.contains("went on") {
        println!("{said}");
        return;
    }
    let snapshot = bed.open().snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::from(3));
    assert_eq!(all(&*snapshot).len(), 701);
    assert_eq!(snapshot.get(b"small").unwrap().unwrap(), 3_u64.to_be_bytes());
}
