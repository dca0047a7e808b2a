//! A process that is killed while it commits.

use super::bed::{Bed, Row, all};
use super::disk::{Disk, DiskParent};
use crate::common::{random, rounds};
use engine::{ParentBatch, Version};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the child works; it is not set in other processes.
const PLACE: &str = "PARENT_KILLED";

const KEYS: u32 = 300;

/// This program again, with one test: the one called `child` of the same parent.
pub fn child_of<P: DiskParent>() -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let module = P::NAME.trim_end_matches("Parent").to_lowercase();
    let test = format!("{module}::child");
    [&program, &test, "--exact", "--ignored", "--nocapture"].map(str::to_owned).to_vec()
}

fn rows(version: u64) -> Vec<Row> {
    if version == 0 {
        return Vec::new();
    }
    // The values grow and shrink, so that they move.
    let value = [&version.to_be_bytes()[..], &vec![7; version as usize * 37 % 600]].concat();
    (0..KEYS).map(|key| (key.to_be_bytes().to_vec(), value.clone())).collect()
}

/// Commits for as long as it lives, and says each version that is durable.
pub fn child<P: DiskParent>() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let parent = P::open_at(Path::new(&place)).unwrap();
    let mut version = parent.durable_version().unwrap().get();
    loop {
        version += 1;
        let mut batch = ParentBatch::new(Version::from(version));
        rows(version).iter().for_each(|(key, value)| batch.put(key, value));
        parent.commit(&batch).unwrap();
        println!("\ndurable {version}");
        std::io::stdout().flush().unwrap();
    }
}

fn start<P: DiskParent>(path: &Path) -> Child {
    let command = child_of::<P>();
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]).env(PLACE, path).stdout(Stdio::piped());
    child.spawn().unwrap()
}

/// The last version that the child has called durable.
fn last_said(child: &mut Child) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok);
    let versions = said.filter_map(|line| line.strip_prefix("durable ")?.parse().ok());
    versions.last().unwrap_or(0)
}

pub fn nothing_is_lost_or_halved_when_the_process_is_killed<P: DiskParent>() {
    let mut rng = random();
    let bed = Disk::<P>::new();
    let mut before = 0;
    for _ in 0..rounds(16) {
        let mut child = start::<P>(&bed.path());
        std::thread::sleep(Duration::from_millis(rng.u64(20..300)));
        child.kill().unwrap();
        let said = last_said(&mut child).max(before);
        child.wait().unwrap();
        let snapshot = bed.open().snapshot().unwrap();
        let version = snapshot.version().get();
        assert!(version == said || version == said + 1, "{version} is there, {said} was durable");
        assert!(all(&*snapshot) == rows(version), "version {version} is not whole");
        before = version;
    }
    assert!(before > 0, "nothing was committed");
}
