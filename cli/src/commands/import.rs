//! `engine import`.

use super::verify::verify_file;
use super::{is_stream, tell};
use crate::arguments::Import;
use crate::failure::Failure;
use crate::place::Adapter;
use crate::progress::Progress;
use engine::{Error, FjallParent, RedbParent, Store};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Makes a store from a backup.
pub fn import(import: &Import) -> Result<(), Failure> {
    let store = if is_stream(&import.file) {
        read(import, io::stdin().lock())?
    } else {
        // What is damaged makes no directory.
        verify_file(&import.file)?;
        let file = File::open(&import.file);
        read(import, file.map_err(|error| Failure::of_file(&import.file, &error))?)?
    };
    let version = store.version();
    store.close().map_err(|error| Failure::at(&import.dir, error))?;
    tell(format_args!("imported version {version} into {}", import.dir.display()));
    Ok(())
}

fn read(import: &Import, from: impl Read) -> Result<Store, Failure> {
    let (dir, builder) = (&import.dir, Store::builder());
    let failed = |error| Failure::at(dir, error);
    let builder = match import.engine {
        Adapter::Redb => RedbParent::open(dir).map(|parent| builder.parent(parent)),
        Adapter::Fjall => FjallParent::open(dir).map(|parent| builder.parent(parent)),
    };
    let builder = builder.map_err(|error| failed(error.into()))?;
    let progress = Progress::new("importing");
    let store = builder.import(from, |so_far| progress.show(so_far));
    store.map_err(|error| Failure::at(place_of(&error, import), error))
}

/// What an error is about.
fn place_of<'a>(error: &Error, import: &'a Import) -> &'a Path {
    match error {
        Error::DamagedBackup { .. } | Error::BackupIo { .. } => &import.file,
        _ => &import.dir,
    }
}
