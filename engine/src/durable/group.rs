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
    let bytes = entries.clone().map(Entry::weight).sum::<u64>() as usize;
    let count = entries.clone().map(Entry::count).sum();
    let writes = entries.flat_map(Entry::writes);
    let mut batch = ParentBatch::with_capacity(version, count, bytes);
    if has_ranges {
        with_ranges(writes, parent)?.iter().for_each(|(key, value)| add(&mut batch, key, *value));
    } else {
        of_keys(writes, count).iter().for_each(|write| add(&mut batch, write.key, write.value));
    }
    Ok(batch)
}

fn add(batch: &mut ParentBatch, key: &[u8], value: Option<&[u8]>) {
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
}

/// A write to one key, and its first bytes as a number that orders as they do: most comparisons need no more, and stay out of
/// the log.
struct Write<'a> {
    first: u128,
    key: &'a [u8],
    value: Option<&'a [u8]>,
    /// Its place among all: of two to one key the later one counts.
    place: usize,
}

impl<'a> Write<'a> {
    fn new(place: usize, key: &'a [u8], value: Option<&'a [u8]>) -> Self {
        let mut first = [0; 16];
        let len = key.len().min(first.len());
        first[..len].copy_from_slice(&key[..len]);
        Self { first: u128::from_be_bytes(first), key, value, place }
    }
}

/// Without ranges: a sort that needs no memory of its own.
fn of_keys<'a>(writes: impl Iterator<Item = Logged<'a>>, count: usize) -> Vec<Write<'a>> {
    let mut changes: Vec<Write<'a>> = Vec::with_capacity(count);
    for write in writes {
        if let Logged::Write(key, value) = write {
            changes.push(Write::new(changes.len(), key, value));
        }
    }
    changes.sort_unstable_by(|a, b| {
        let by_key = a.first.cmp(&b.first).then_with(|| a.key.cmp(b.key));
        by_key.then(a.place.cmp(&b.place))
    });
    changes.dedup_by(|later, earlier| {
        let is_same = later.first == earlier.first && later.key == earlier.key;
        if is_same {
            earlier.value = later.value;
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
