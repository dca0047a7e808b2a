//! `engine export`.

use super::{is_stream, tell};
use crate::arguments::Export;
use crate::failure::Failure;
use crate::place;
use crate::progress::Progress;
use engine::{Exported, Stored};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a backup of a store.
pub fn export(export: &Export) -> Result<(), Failure> {
    let opened = place::open(&export.dir)?;
    let (stored, path) = (&opened.stored, &export.file);
    let exported = if is_stream(path) {
        write(stored, io::stdout().lock(), path)?
    } else if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        // A pipe or a device, which is not to be replaced.
        let file = File::options().write(true).open(path);
        write(stored, file.map_err(|error| Failure::of_file(path, &error))?, path)?
    } else {
        write_file(stored, path)?
    };
    tell(format_args!("exported version {}: {} entries", exported.version, exported.entries));
    Ok(())
}

/// Beside the file first: what has the name of the backup is whole.
fn write_file(stored: &Stored, path: &Path) -> Result<Exported, Failure> {
    let beside = beside(path);
    let failed = |error: io::Error| Failure::of_file(path, &error);
    let file = File::create(&beside).map_err(failed)?;
    let result = write(stored, &file, path).and_then(|exported| {
        file.sync_all().and_then(|()| fs::rename(&beside, path)).map_err(failed)?;
        sync_directory_of(path).map_err(failed)?;
        Ok(exported)
    });
    if result.is_err() {
        // The first error is the one to tell of.
        let _ = fs::remove_file(&beside);
    }
    result
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Elsewhere a directory cannot be opened as a file, and its entries are durable without.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    if cfg!(unix) { File::open(directory.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}

fn write(stored: &Stored, to: impl Write, path: &Path) -> Result<Exported, Failure> {
    let progress = Progress::new("exporting");
    let exported = stored.export(to, |so_far| progress.show(so_far));
    exported.map_err(|error| Failure::at(path, error))
}
