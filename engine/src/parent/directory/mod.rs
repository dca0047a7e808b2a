//! The directory of a parent: whose it is, and that one at a time has it.
//!
//! *Role.* Adapters ask here before they let an engine near a directory, so that what belongs to others is left as it is,
//! and what was made halfway is not taken for something that was lost.
//!
//! ```text
//!   ledger/
//!     PARENT         four lines: that it is ours, which adapter, which format, `creating` or `ready`
//!     PARENT.lock    empty; locked for as long as the directory is open, by whatever process
//!     data.redb      the engine's own: one file, or a folder (fjall/)
//! ```
//! *Invariants.* M-1: in a directory that holds anything, and no marker of this adapter in a format that is known, nothing is
//! changed. M-2: `creating` is written before the first file of the engine, and `ready` after the last; nobody can commit
//! before that, so whoever finds `creating` may make all of it anew. M-3: once there is `ready`, files that are missing are
//! damage. The marker is replaced by renaming, so that it is the old or the new one whenever the machine stops.
//!
//! *Checked by* `tests/parents/places.rs`.

mod marker;

pub(super) use marker::Adapter;

use super::{ParentError, ParentErrorKind};
use marker::Stage;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

const MARKER: &str = "PARENT";
const NEXT_MARKER: &str = "PARENT.new";
const LOCK: &str = "PARENT.lock";

/// What is being tried, for the words of an error.
const OPEN: &str = "open a parent";

/// A directory that nobody else has, until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    adapter: Adapter,
    is_new: bool,
    lock: File,
}

impl Directory {
    /// Takes the directory, which is made if it is not there. Blocks for as long as the disk does.
    ///
    /// # Errors
    /// [`ParentErrorKind::Foreign`], [`NewerFormat`](ParentErrorKind::NewerFormat), [`InUse`](ParentErrorKind::InUse),
    /// [`Damaged`](ParentErrorKind::Damaged): a marker that cannot be understood; and those of the disk.
    pub(super) fn claim(path: &Path, adapter: Adapter) -> Result<Self, ParentError> {
        let path = std::path::absolute(path).map_err(|error| failed(error, path))?;
        if stage_of(&path, adapter)? == Stage::Empty {
            make(&path)?;
        }
        let lock = lock(&path)?;
        // Somebody may have been here in between: only now it is ours to change.
        let is_new = stage_of(&path, adapter)? != Stage::Ready;
        let directory = Self { path, adapter, is_new, lock };
        if is_new {
            directory.mark(Stage::Creating)?;
        }
        Ok(directory)
    }

    /// Whether the files of the engine have still to be made: [`ready`](Self::ready) says that they are. Those that are
    /// there are remains, and may be removed.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// From now on whatever is missing was lost.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn ready(&mut self) -> Result<(), ParentError> {
        if self.is_new {
            self.mark(Stage::Ready)?;
            self.is_new = false;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn mark(&self, stage: Stage) -> Result<(), ParentError> {
        let next = self.path.join(NEXT_MARKER);
        write_through(&next, &marker::written(self.adapter, stage))
            .and_then(|()| fs::rename(&next, self.path.join(MARKER)))
            .and_then(|()| sync_directory(&self.path))
            .map_err(|error| failed(error, &self.path))
    }
}

impl Drop for Directory {
    #[expect(clippy::incompatible_msrv, reason = "as in `lock`")]
    fn drop(&mut self) {
        // Closing the file is not enough: a process that somebody starts in this moment has it open too, until it has begun.
        // Nothing can be done if it fails, and then it is closed.
        let _ = self.lock.unlock();
    }
}

/// How far the directory has come; changes nothing.
fn stage_of(path: &Path, adapter: Adapter) -> Result<Stage, ParentError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(foreign(path, "it is no directory".into())),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stage::Empty),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(foreign(path, error.to_string()));
        }
        Err(error) => return Err(failed(error, path)),
    }
    match read_marker(&path.join(MARKER)) {
        Ok(text) => marker::read(&text, adapter)
            .map_err(|(kind, why)| ParentError::new(kind, OPEN).at(path).because(why)),
        Err(error) if error.kind() == ErrorKind::NotFound => unmarked(path),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(foreign(path, "its PARENT is a directory".into()))
        }
        Err(error) => Err(failed(error, path)),
    }
}

/// What a directory without a marker is: one that is empty, or somebody else's.
fn unmarked(path: &Path) -> Result<Stage, ParentError> {
    for entry in fs::read_dir(path).map_err(|error| failed(error, path))? {
        let name = entry.map_err(|error| failed(error, path))?.file_name();
        // What is left if the first steps were the last ones.
        if ![LOCK, NEXT_MARKER].map(OsStr::new).contains(&name.as_os_str()) {
            let why = format!("it holds {}, and no {MARKER}", Path::new(&name).display());
            return Err(foreign(path, why));
        }
    }
    Ok(Stage::Empty)
}

fn read_marker(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(marker::MAX_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

/// Makes the directory and those above it, and their entries durable.
fn make(path: &Path) -> Result<(), ParentError> {
    let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(path).map_err(|error| failed(error, path))?;
    for above in missing.into_iter().filter_map(Path::parent) {
        sync_directory(above).map_err(|error| failed(error, path))?;
    }
    Ok(())
}

#[expect(clippy::incompatible_msrv, reason = "the features that this is for need a later compiler")]
fn lock(path: &Path) -> Result<File, ParentError> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path.join(LOCK));
    let file = file.map_err(|error| failed(error, path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(ParentError::new(ParentErrorKind::InUse, OPEN).at(path))
        }
        Err(TryLockError::Error(error)) => Err(failed(error, path)),
    }
}

fn write_through(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Elsewhere a directory cannot be opened as a file, and its entries are durable without.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn failed(error: std::io::Error, path: &Path) -> ParentError {
    ParentError::io(error, OPEN).at(path)
}

fn foreign(path: &Path, why: String) -> ParentError {
    ParentError::new(ParentErrorKind::Foreign, OPEN).at(path).because(why)
}
