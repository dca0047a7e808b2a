//! `engine stat`.

use super::{line, print};
use crate::arguments::Stat;
use crate::failure::Failure;
use crate::place;
use engine::{Error, StoredSpace};

/// Tells what a store holds.
pub fn stat(stat: &Stat) -> Result<(), Failure> {
    let opened = place::open(&stat.dir)?;
    let stored = &opened.stored;
    let failed = |error| Failure::at(&stat.dir, error);
    let metadata = stored.metadata().map_err(failed)?;
    print(|output| {
        line(output, format_args!("engine\t{}", opened.adapter))?;
        line(output, format_args!("version\t{}", stored.version()))?;
        if let Some(metadata) = &metadata {
            line(output, format_args!("metadata\t{}", stat.writing.show(metadata)))?;
        }
        for space in std::iter::once(stored.default_space()).chain(stored.key_spaces()) {
            let (entries, bytes) = size(space).map_err(failed)?;
            let name = space.name().map_or_else(
                || "default space".into(),
                |name| format!("space {}", stat.writing.show(name.as_bytes())),
            );
            line(output, format_args!("{name}\t{entries} entries\t{bytes} bytes"))?;
        }
        Ok(())
    })
}

/// Entries, and bytes of their keys and values.
fn size(space: StoredSpace<'_>) -> Result<(u64, u64), Error> {
    space.range(..).try_fold((0, 0), |(entries, bytes), entry| {
        let (key, value) = entry?;
        Ok((entries + 1, bytes + (key.len() + value.len()) as u64))
    })
}
