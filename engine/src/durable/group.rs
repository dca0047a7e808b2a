//! One batch for the parent from the commits of many threads.

use super::entry::{Entry, Logged};
use crate::Version;
use crate::parent::{Parent, ParentBatch, ParentError};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

/// What is to become of a key.
type Change<'a> = (Cow<'a, [u8]>, Option<&'a [u8]>);

/// All writes of commits that are sorted by their versions, in key order, each key once.
///
/// Takes time proportional to the writes, and sorts them. A deleted range is asked of the parent: it is deleted key by key.
///
/// # Errors
/// Whatever keeps the parent from reading.
pub fn batch<'a>(
    version: Version,
    entries: impl Iterator<Item = &'a Entry> + Clone,
    parent: &dyn Parent,
) -> Result<ParentBatch, ParentError> {
    let has_ranges = entries.clone().any(Entry::has_ranges);
    let writes = entries.flat_map(Entry::writes);
    let changes = if has_ranges { with_ranges(writes, parent)? } else { of_keys(writes) };
    let mut batch = ParentBatch::new(version);
    for (key, value) in changes {
        match value {
            Some(value) => batch.put(&key, value),
            None => batch.delete(&key),
        }
    }
    Ok(batch)
}

/// Without ranges: a sort that does not part writes to one key, of which the last counts.
fn of_keys<'a>(writes: impl Iterator<Item = Logged<'a>>) -> Vec<Change<'a>> {
    let mut changes: Vec<Change<'a>> = Vec::new();
    for write in writes {
        if let Logged::Write(key, value) = write {
            changes.push((key.into(), value));
        }
    }
    changes.sort_by(|a, b| a.0.cmp(&b.0));
    changes.dedup_by(|later, earlier| {
        let is_same = later.0 == earlier.0;
        if is_same {
            earlier.1 = later.1;
        }
        is_same
    });
    changes
}

/// With ranges, which delete what was written before them, here or in the parent.
fn with_ranges<'a>(
    writes: impl Iterator<Item = Logged<'a>>,
    parent: &dyn Parent,
) -> Result<Vec<Change<'a>>, ParentError> {
    let below = parent.snapshot()?;
    let mut changes: BTreeMap<Cow<'a, [u8]>, Option<&'a [u8]>> = BTreeMap::new();
    for write in writes {
        match write {
            Logged::Write(key, value) => _ = changes.insert(key.into(), value),
            Logged::DeleteRange(from, to) if from < to => {
                let bounds = (Bound::Included(from), Bound::Excluded(to));
                for (_, value) in changes.range_mut::<[u8], _>(bounds) {
                    *value = None;
                }
                for entry in below.range(bounds.0, bounds.1) {
                    changes.insert(entry?.0.into(), None);
                }
            }
            Logged::DeleteRange(..) => {}
        }
    }
    Ok(changes.into_iter().collect())
}
