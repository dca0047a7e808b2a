//! A disk without room, under a store: a limit to the size of files stands for it, in a process of its own, and is lifted again.
//!
//! It differs from faults that are made up in that the engine below does not go on by itself: it has to be opened anew, which a
//! store must not stand in the way of that reads from it all the time.

use crate::ground::{not_durable, until, watchdog};
use engine::{Overflow, Parent, ParentError, ParentErrorKind, Store, WriteBatch};
use std::path::Path;
use std::process::Command;

/// Where the child works; it is not set in other processes.
const PLACE: &str = "FAULTS_FULL_DISK";
/// For one file. A journal that is made takes most of it.
const LIMIT_KIB: usize = 66 << 10;

const KEYS: u32 = 1_000;
const VALUE: usize = 100_000;

/// There is room, from now on.
fn lift() -> bool {
    let pid = std::process::id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    lifted.is_ok_and(|status| status.success())
}

pub fn child() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (name, budget) = place.rsplit_once(' ').unwrap();
    match name.rsplit_once('/').unwrap().1 {
        #[cfg(feature = "redb")]
        "redb" => fill(name, budget, |path| engine::RedbParent::open(path)),
        #[cfg(feature = "fjall")]
        "fjall" => fill(name, budget, |path| engine::FjallParent::open(path)),
        other => panic!("no adapter {other}"),
    }
}

/// Writes until the disk is full, and somewhat more; then there is room.
fn fill<P: Parent>(path: &str, budget: &str, open: impl Fn(&Path) -> Result<P, ParentError>) {
    let _watchdog = watchdog("a full disk");
    let path = Path::new(path);
    let builder = Store::builder().parent(open(path).unwrap());
    let builder = match budget.parse() {
        // All that is written here may wait: what is refused beyond a bound is another test's.
        Ok(bytes) => builder.memory_budget(bytes).undurable_limit(1 << 30, Overflow::Wait),
        Err(_) => builder,
    };
    let store = builder.open().unwrap();
    store.put("small", "kept").unwrap();
    store.flush().unwrap();
    // In one piece: an engine with a journal begins a new file between smaller ones.
    let mut batch = WriteBatch::new();
    for key in 0..KEYS {
        batch.put(key.to_be_bytes(), vec![key as u8; VALUE]);
    }
    let version = store.commit(&batch).unwrap();
    let told = not_durable(store.flush().unwrap_err());
    // The background of the engine may have met it first.
    assert!([ParentErrorKind::Full, ParentErrorKind::Io].contains(&told.1), "{told:?}");
    assert!(told.0 >= version);
    until("what is in memory can be read", || {
        let snapshot = store.snapshot();
        snapshot.get((KEYS - 1).to_be_bytes()).unwrap().is_some()
    });
    if !lift() {
        println!("not tested: the limit cannot be lifted");
        return;
    }
    until("it goes on", || store.flush().is_ok());
    check(&store);
    store.close().unwrap();
    drop(store);
    check(&Store::builder().parent(open(path).unwrap()).open().unwrap());
    println!("went on");
}

fn check(store: &Store) {
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("small").unwrap().unwrap(), "kept");
    for key in 0..KEYS {
        let value = snapshot.get(key.to_be_bytes()).unwrap().unwrap();
        assert!(value.len() == VALUE && value.iter().all(|byte| *byte == key as u8));
    }
}

pub fn stores_go_on_when_there_is_room_again() {
    if cfg!(not(target_os = "linux")) {
        println!("not tested: limits are set otherwise here");
        return;
    }
    let names: [&str; _] = [
        #[cfg(feature = "redb")]
        "redb",
        #[cfg(feature = "fjall")]
        "fjall",
    ];
    for name in names {
        for budget in ["all", "2000000"] {
            let place = tempfile::tempdir().unwrap();
            let path = format!("{}/{name} {budget}", place.path().display());
            // A signal that is ignored stays so: what exceeds the limit gets an error then.
            let limited = format!("trap '' XFSZ; ulimit -S -f {LIMIT_KIB}; exec \"$@\"");
            let program = std::env::current_exe().unwrap();
            let mut bash = Command::new("bash");
            bash.args(["-c", &limited, "bash"]).arg(program).env(PLACE, path);
            bash.args(["a_full_disk::child", "--exact", "--ignored", "--nocapture"]);
            let output = bash.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}, {budget}: {said}\n{errors}");
            assert!(said.contains("went on") || said.contains("not tested"), "{said}");
        }
    }
}
