//! Calling the program, and places for it to work in.

use engine::{FjallParent, RedbParent, Store, WriteBatch};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How a call has ended.
pub struct Ended {
    pub status: i32,
    pub bytes: Vec<u8>,
    pub output: String,
    pub error: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("no signal"),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            bytes: output.stdout,
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.args(arguments);
    command
}

pub fn run(arguments: &[&str]) -> Ended {
    command(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// With some input.
pub fn run_with(arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // It may end before it has read everything.
    let _ = pipe.write_all(input);
    drop(pipe);
    child.wait_with_output().unwrap().into()
}

/// Gives it some time.
pub fn run_and_kill(arguments: &[&str], after: Duration) {
    let mut child = command(arguments).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    // It may have ended.
    let _ = child.kill();
    child.wait().unwrap();
}

/// Reads a little of what it prints.
#[cfg(unix)]
pub fn run_and_stop_reading(arguments: &[&str]) -> Ended {
    let mut command = command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 100]).unwrap();
    drop(output);
    child.wait_with_output().unwrap().into()
}

/// A question that is not answered: nothing is printed, and the error has these words.
pub fn is_refused(ended: &Ended, words: &[&str]) {
    assert_eq!((ended.status, ended.output.as_str()), (2, ""), "{}", ended.error);
    for word in words {
        assert!(ended.error.contains(word), "{:?} does not say {word:?}", ended.error);
    }
}

/// A directory that goes when this does.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a store that has a bit of everything.
    pub fn with_store(adapter: &str) -> Self {
        let place = Self::new();
        let store = open(adapter, place.dir().as_ref());
        let mut batch = WriteBatch::new();
        batch.put("a", "1").put("aa", "2").put("b", "tab\there").put("empty", "");
        store.commit(batch.put(b"\xff\x00", "binary")).unwrap();
        store.key_space("accounts").unwrap().put("alice", "10").unwrap();
        store.commit_tagged(&WriteBatch::new(), b"block 7\0").unwrap();
        store.close().unwrap();
        place
    }

    /// With more than a pipe holds, or is given to a parent at once.
    pub fn with_large_store() -> Self {
        let place = Self::new();
        let store = open("redb", place.dir().as_ref());
        for number in 0..20 {
            store.put(format!("key {number}"), vec![b'v'; 1_000_000]).unwrap();
        }
        store.close().unwrap();
        place
    }

    /// Of the store.
    pub fn dir(&self) -> String {
        self.path("store")
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

fn open(adapter: &str, dir: &Path) -> Store {
    let builder = Store::builder();
    let builder = match adapter {
        "redb" => builder.parent(RedbParent::open(dir).unwrap()),
        _ => builder.parent(FjallParent::open(dir).unwrap()),
    };
    builder.open().unwrap()
}
