//! `engine verify`.

use super::{is_stream, line, print};
use crate::arguments::Verify;
use crate::failure::Failure;
use crate::place;
use crate::progress::Progress;
use engine::{Exported, Verified, verify_backup};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a store or a backup to its end.
pub fn verify(verify: &Verify) -> Result<(), Failure> {
    let path = &verify.path;
    if path.is_dir() {
        let Verified { version, entries, bytes, key_spaces, .. } = verify_store(path)?;
        let what = format!("{entries} entries, {bytes} bytes, {key_spaces} key spaces");
        return print(|output| line(output, format_args!("store\tversion {version}\t{what}")));
    }
    let exported =
        if is_stream(path) { read(io::stdin().lock(), path)? } else { verify_file(path)? };
    let Exported { version, entries, bytes, key_spaces, checksum, .. } = exported;
    let what = format!("{entries} entries, {bytes} bytes, {key_spaces} key spaces");
    print(|output| {
        line(output, format_args!("backup\tversion {version}\t{what}\tchecksum {checksum:08x}"))
    })
}

/// Reads a backup to its end.
pub fn verify_file(path: &Path) -> Result<Exported, Failure> {
    read(File::open(path).map_err(|error| Failure::of_file(path, &error))?, path)
}

fn read(from: impl Read, path: &Path) -> Result<Exported, Failure> {
    let progress = Progress::new("verifying");
    let exported = verify_backup(io::BufReader::new(from), |so_far| progress.show(so_far));
    exported.map_err(|error| Failure::at(path, error))
}

fn verify_store(dir: &Path) -> Result<Verified, Failure> {
    let opened = place::open(dir)?;
    let progress = Progress::new("verifying");
    let verified = opened.stored.verify(|so_far| progress.show(so_far));
    verified.map_err(|error| Failure::at(dir, error))
}
