//! Files that were cut off or written over: an error with a type, or a version that was committed, whole. Never a panic.

use super::bed::{Bed, Row};
use super::disk::{Disk, DiskParent};
use crate::common::{random, rounds};
use engine::{ParentBatch, ParentError, ParentErrorKind, Version};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::ops::Bound::Unbounded;
use std::path::{Path, PathBuf};

/// What each version holds: every key has the number of the version, so that no two can be mixed unseen.
struct Made {
    versions: u64,
    keys: u32,
    value_len: usize,
}

impl Made {
    fn batch(&self, version: u64) -> ParentBatch {
        let mut batch = ParentBatch::new(Version::from(version));
        for (key, value) in self.rows(version) {
            batch.put(&key, &value);
        }
        batch
    }

    fn rows(&self, version: u64) -> Vec<Row> {
        if version == 0 {
            return Vec::new();
        }
        let value = [&version.to_be_bytes()[..], &vec![version as u8; self.value_len]].concat();
        (0..self.keys).map(|key| (key.to_be_bytes().to_vec(), value.clone())).collect()
    }

    fn fill<P: DiskParent>(&self, parent: &P) {
        (1..=self.versions).for_each(|version| parent.commit(&self.batch(version)).unwrap());
    }

    /// Whether it was opened with a version that was made. Reads may fail; what they say is right.
    fn check<P: DiskParent>(&self, path: &Path) -> Result<Version, ParentError> {
        let snapshot = P::open_at(path)?.snapshot()?;
        let rows = snapshot.range(Unbounded, Unbounded).collect::<Result<Vec<_>, _>>()?;
        let version = snapshot.version();
        assert!(version.get() <= self.versions, "{version}");
        assert!(rows == self.rows(version.get()), "version {version} is not whole");
        for (key, value) in rows {
            assert_eq!(snapshot.get(&key)?, Some(value));
        }
        Ok(version)
    }

    /// The same, of files that somebody has changed.
    fn survives<P: DiskParent>(&self, path: &Path, what: &str) {
        let result = self.check::<P>(path);
        let foreseen = match &result {
            Ok(_) => true,
            Err(error) => {
                use ParentErrorKind::{Damaged, Foreign, Mismatch, NewerFormat};
                // What it says of itself may be what was changed.
                matches!(error.kind(), Damaged | Foreign | Mismatch | NewerFormat)
            }
        };
        assert!(foreseen, "{what}: {result:?}");
        println!(
            "{what}: {}",
            result.map_or_else(|error| error.to_string(), |v| format!("version {v}"))
        );
    }
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A copy that leaves out the zeros at the end of a file, of which a journal can have many.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
            continue;
        }
        let bytes = fs::read(&from).unwrap();
        let mut file = File::create(&to).unwrap();
        file.write_all(&bytes[..filled(&bytes)]).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
    }
}

/// The length without zeros at the end.
fn filled(bytes: &[u8]) -> usize {
    let chunks = bytes.chunks(4096).rposition(|chunk| chunk.iter().any(|&byte| byte != 0));
    let chunk = chunks.map_or(0, |chunk| chunk * 4096);
    bytes[chunk..].iter().rposition(|&byte| byte != 0).map_or(0, |last| chunk + last + 1)
}

/// Each file of the directory, cut off at some lengths.
fn cut_off<P: DiskParent>(made: &Made, image: &Path, lengths: impl Fn(u64) -> Vec<u64>) {
    for file in files(image) {
        let name = file.strip_prefix(image).unwrap();
        let whole = filled(&fs::read(&file).unwrap()) as u64;
        for length in lengths(whole) {
            let place = tempfile::tempdir().unwrap();
            copy(image, place.path());
            let cut = OpenOptions::new().write(true).open(place.path().join(name)).unwrap();
            cut.set_len(length).unwrap();
            drop(cut);
            made.survives::<P>(
                place.path(),
                &format!("{} cut to {length} of {whole}", name.display()),
            );
        }
    }
}

fn some_lengths(whole: u64) -> Vec<u64> {
    let mut lengths =
        vec![0, 1, whole / 3, whole / 2, whole.saturating_sub(9), whole.saturating_sub(1)];
    // Whole pages, which look more like what a file system leaves.
    lengths.extend([4096, whole / 2 / 4096 * 4096].into_iter().filter(|&length| length < whole));
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

const SMALL: Made = Made { versions: 12, keys: 60, value_len: 200 };

pub fn files_that_were_cut_off<P: DiskParent>() {
    let bed = Disk::<P>::new();
    SMALL.fill(&bed.open());
    // Once more, since an opening may rewrite what a creation has left.
    assert_eq!(SMALL.check::<P>(&bed.path()).unwrap().get(), SMALL.versions);
    cut_off::<P>(&SMALL, &bed.path(), some_lengths);
}

pub fn files_that_were_cut_off_while_it_was_open<P: DiskParent>() {
    let bed = Disk::<P>::new();
    let parent = bed.open();
    SMALL.fill(&parent);
    let image = tempfile::tempdir().unwrap();
    copy(&bed.path(), image.path());
    // Nothing was being written: that is what a machine leaves that stops here.
    let unchanged = tempfile::tempdir().unwrap();
    copy(image.path(), unchanged.path());
    assert_eq!(SMALL.check::<P>(unchanged.path()).unwrap().get(), SMALL.versions);
    cut_off::<P>(&SMALL, image.path(), some_lengths);
}

pub fn files_that_were_written_over<P: DiskParent>() {
    let mut rng = random();
    let bed = Disk::<P>::new();
    SMALL.fill(&bed.open());
    assert_eq!(SMALL.check::<P>(&bed.path()).unwrap().get(), SMALL.versions);
    for file in files(&bed.path()) {
        let name = file.strip_prefix(bed.path()).unwrap().to_path_buf();
        let whole = fs::metadata(&file).unwrap().len();
        for _ in 0..if whole == 0 { 0 } else { rounds(20) } {
            let place = tempfile::tempdir().unwrap();
            copy(&bed.path(), place.path());
            let mut over = OpenOptions::new().write(true).open(place.path().join(&name)).unwrap();
            let (at, length) = (rng.u64(..whole), [1, 8, 500, 5_000][rng.usize(..4)]);
            over.seek(SeekFrom::Start(at)).unwrap();
            let noise: Vec<u8> = (0..length.min(whole - at)).map(|_| rng.u8(..)).collect();
            over.write_all(&noise).unwrap();
            drop(over);
            let what =
                format!("{} with {} bytes over {at} of {whole}", name.display(), noise.len());
            SMALL.survives::<P>(place.path(), &what);
        }
    }
}

/// So much that files are written in the background.
pub fn files_of_a_large_one<P: DiskParent>() {
    const LARGE: Made = Made { versions: 9, keys: 40, value_len: 250_000 };
    let bed = Disk::<P>::new();
    LARGE.fill(&bed.open());
    assert_eq!(LARGE.check::<P>(&bed.path()).unwrap().get(), LARGE.versions);
    cut_off::<P>(&LARGE, &bed.path(), |whole| vec![0, whole / 2, whole.saturating_sub(1)]);
}
