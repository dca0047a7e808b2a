//! The process that is killed.

use crate::batches::{self, Kind, NAMES, NUMBER, Write, kind};
use crate::place::{DiskParent, Mode, Spaces};
use crate::watchdog::Watchdog;
use engine::{Durability, Error, KeySpace, Store, Transaction, WriteBatch};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the child works, and how; they are not set in other processes.
const PLACE: &str = "CRASH_PLACE";
const MODE: &str = "CRASH_MODE";

/// Of an acknowledgement: `durable NUMBER VERSION`.
const SAYS: &str = "durable ";

/// Keys that another thread writes meanwhile, always both to the same number.
pub const TWINS: [&str; 2] = ["left twin", "right twin"];

/// Starts this program again, with one test.
pub fn start(test: &str, path: &Path, mode: Mode) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program);
    child.args([test, "--exact", "--ignored", "--nocapture"]);
    child.env(PLACE, path).env(MODE, mode.to_words());
    // It is silent when it is killed; what it says otherwise is for whoever reads the failure.
    child.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The number and the version of an acknowledgement.
pub fn acknowledged(line: &str) -> Option<(u64, u64)> {
    let (number, version) = line.strip_prefix(SAYS)?.split_once(' ')?;
    Some((number.parse().ok()?, version.parse().ok()?))
}

/// Commits for as long as it lives.
pub fn run<P: DiskParent>() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let mode: Mode = std::env::var(MODE).unwrap().parse().unwrap();
    // Whoever started it may have gone.
    let watchdog = Watchdog::new("the child", Duration::from_secs(60));
    let writer = Writer::new(mode.open::<P>(Path::new(&place)).unwrap(), mode.spaces);
    if mode.spaces == Spaces::Several {
        let (store, spaces) = (writer.store.clone(), writer.spaces.clone());
        std::thread::spawn(move || write_twins(&store, &spaces));
    }
    let mut n = writer.last();
    // Behind what the test harness has begun to say.
    println!();
    loop {
        n += 1;
        writer.commit(n).unwrap();
        watchdog.alive();
    }
}

/// So that commits of several threads share batches of the parent.
fn write_twins(store: &Store, spaces: &[KeySpace; 2]) {
    let snapshot = store.snapshot();
    let left = snapshot.space(&spaces[0]).unwrap().get(TWINS[0]).unwrap();
    let mut number = left.map_or(0, |bytes| u64::from_be_bytes(bytes.as_ref().try_into().unwrap()));
    drop(snapshot);
    loop {
        number += 1;
        let mut batch = WriteBatch::new();
        for (space, key) in spaces.iter().zip(TWINS) {
            batch.put_in(space, key, number.to_be_bytes());
        }
        store.commit(&batch).unwrap();
        std::thread::sleep(Duration::from_micros(200));
    }
}

struct Writer {
    store: Store,
    in_spaces: Spaces,
    spaces: [KeySpace; 2],
}

impl Writer {
    fn new(store: Store, in_spaces: Spaces) -> Self {
        let spaces = NAMES.map(|name| store.key_space(name).unwrap());
        Self { store, in_spaces, spaces }
    }

    /// The number of the last batch that is there.
    fn last(&self) -> u64 {
        let snapshot = self.store.snapshot();
        let last = snapshot.get(self.key(0, NUMBER)).unwrap();
        last.map_or(0, |bytes| u64::from_be_bytes(bytes.as_ref().try_into().unwrap()))
    }

    fn key(&self, place: usize, key: &str) -> String {
        batches::key(self.in_spaces, place, key)
    }

    /// The key space of a place; `None`: the default one.
    fn space(&self, place: usize) -> Option<&KeySpace> {
        match self.in_spaces {
            Spaces::One => None,
            Spaces::Several => place.checked_sub(1).map(|place| &self.spaces[place]),
        }
    }

    /// Commits batch `n`, and acknowledges it if it is one whose durability is waited for.
    fn commit(&self, n: u64) -> Result<(), Error> {
        let is_durable = batches::is_durable(n);
        let version = match kind(n) {
            Kind::Batch if is_durable => {
                self.store.commit_with(&self.batch(n), Durability::Durable)?
            }
            Kind::Batch => self.store.commit(&self.batch(n))?,
            Kind::Tagged => self.store.commit_tagged(&self.batch(n), n.to_be_bytes())?,
            Kind::Transaction => self.transact(n)?,
        };
        if is_durable {
            self.store.wait_durable(version)?;
            assert!(self.store.durable_version().unwrap() >= version);
            let said = format!("{SAYS}{n} {version}\n");
            // In one piece, past every buffer. Nobody listens any more: then this is over.
            std::io::stdout().lock().write_all(said.as_bytes()).unwrap();
        }
        Ok(())
    }

    fn batch(&self, n: u64) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for write in batches::writes(n) {
            match write {
                Write::Put(place, key, value) => match self.space(place) {
                    None => batch.put(self.key(place, &key), value),
                    Some(space) => batch.put_in(space, self.key(place, &key), value),
                },
                Write::Delete(place, key) => match self.space(place) {
                    None => batch.delete(self.key(place, &key)),
                    Some(space) => batch.delete_in(space, self.key(place, &key)),
                },
                Write::DeleteRange(place, from, to) => {
                    let range = self.key(place, &from)..self.key(place, &to);
                    match self.space(place) {
                        None => batch.delete_range(range),
                        Some(space) => batch.delete_range_in(space, range),
                    }
                }
            };
        }
        batch
    }

    fn transact(&self, n: u64) -> Result<engine::Version, Error> {
        loop {
            let mut transaction = self.store.transaction();
            self.write_in(&mut transaction, n)?;
            match transaction.commit() {
                // Keys that it has read were evicted.
                Err(error) if error.is_conflict() => {}
                result => return result,
            }
        }
    }

    fn write_in(&self, transaction: &mut Transaction, n: u64) -> Result<(), Error> {
        // What it reads was written by the batch before, and is in memory, or is not any more.
        let before = transaction.get(self.key(0, NUMBER))?.map(|value| value.to_vec());
        assert_eq!(before, (n > 1).then(|| (n - 1).to_be_bytes().to_vec()));
        for write in batches::writes(n) {
            match write {
                Write::Put(place, key, value) => match self.space(place) {
                    None => transaction.put(self.key(place, &key), value)?,
                    Some(space) => transaction.space(space)?.put(self.key(place, &key), value)?,
                },
                Write::Delete(place, key) => match self.space(place) {
                    None => transaction.delete(self.key(place, &key))?,
                    Some(space) => transaction.space(space)?.delete(self.key(place, &key))?,
                },
                Write::DeleteRange(place, from, to) => {
                    let range = self.key(place, &from)..self.key(place, &to);
                    match self.space(place) {
                        None => _ = transaction.delete_range(range)?,
                        Some(space) => _ = transaction.space(space)?.delete_range(range)?,
                    }
                }
            }
        }
        Ok(())
    }
}
