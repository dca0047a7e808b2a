//! `engine scan`.

use super::{line, print, space};
use crate::arguments::Scan;
use crate::failure::Failure;
use crate::place;
use engine::{StoredRange, StoredSpace};
use std::ops::Bound;

/// Prints entries in key order.
pub fn scan(scan: &Scan) -> Result<(), Failure> {
    let range = Range::of(scan)?;
    let opened = place::open(&scan.dir)?;
    let entries = range.of_space(space(&opened.stored, scan.space.as_deref(), &scan.dir)?);
    if scan.reverse { show(scan, entries.rev()) } else { show(scan, entries) }
}

/// Which keys.
enum Range {
    Prefix(Vec<u8>),
    Bounds(Bound<Vec<u8>>, Bound<Vec<u8>>),
}

impl Range {
    fn of(scan: &Scan) -> Result<Self, Failure> {
        let read =
            |text: &Option<String>| text.as_ref().map(|text| scan.writing.read(text)).transpose();
        if let Some(prefix) = read(&scan.prefix)? {
            return Ok(Self::Prefix(prefix));
        }
        let from = read(&scan.from)?.map_or(Bound::Unbounded, Bound::Included);
        let to = read(&scan.to)?.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(Self::Bounds(from, to))
    }

    fn of_space(self, space: StoredSpace<'_>) -> StoredRange<'_> {
        match self {
            Self::Prefix(prefix) => space.prefix(prefix),
            Self::Bounds(from, to) => space.range((from, to)),
        }
    }
}

fn show(
    scan: &Scan,
    entries: impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), engine::Error>>,
) -> Result<(), Failure> {
    print(|output| {
        for entry in entries.take(scan.limit.unwrap_or(usize::MAX)) {
            let (key, value) = entry.map_err(|error| Failure::at(&scan.dir, error))?;
            let (key, value) = (scan.writing.show(&key), scan.writing.show(&value));
            line(output, format_args!("{key}\t{value}"))?;
        }
        Ok(())
    })
}
