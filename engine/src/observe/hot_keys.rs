//! Which keys conflicts are about, in a table that does not grow.
//!
//! *How it works.* A key belongs to one row of [`WAYS`] places, by its hash. If it is in the row, it is counted. If it is not,
//! and a place is free, it takes that. Otherwise the key of the row that was counted least loses one, and at zero its place:
//! the scheme of Misra and Gries ("Finding repeated elements", 1982), row by row. A key that has more conflicts than the rest of
//! its row together stays, whatever else comes by; those that come once each wear each other out. So a count is never too
//! large, and may be too small.
//!
//! *Progress.* A place is a pointer that is swapped, and a note is given up after a few lost swaps: wait-free but for the
//! allocator. That loses a count, or lets two threads enter a key twice, which is added up when it is read.

use crate::ConflictingKey;
use arc_swap::ArcSwapOption;
use epoch_store::atomics::{AtomicU64, Ordering};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

const ROWS: usize = 16;
const WAYS: usize = 4;

/// A key that many conflicts were about, from [`Store::hottest_keys`](crate::Store::hottest_keys).
///
/// ```
/// # let store = engine::Store::in_memory();
/// store.put("counter", "1")?;
/// for _ in 0..3 {
///     let mut transaction = store.transaction();
///     transaction.get_for_update("counter")?;
///     store.put("counter", "somebody else's")?;
///     transaction.commit().unwrap_err();
/// }
/// let hottest = &store.hottest_keys()[0];
/// assert_eq!((&hottest.space, &hottest.key[..], hottest.conflicts), (&None, &b"counter"[..], 3));
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HotKey {
    /// The name of its key space; `None`: the default one.
    pub space: Option<String>,
    /// The key.
    pub key: Vec<u8>,
    /// How many conflicts named it, at least, since the store was opened.
    pub conflicts: u64,
}

/// See the module header. Accesses to counts are relaxed: they are figures, and guard nothing.
#[derive(Debug, Default)]
pub struct HotKeys {
    rows: [[ArcSwapOption<Entry>; WAYS]; ROWS],
    /// Keyed, so that nobody can choose keys that all fall into one row.
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry {
    key: ConflictingKey,
    count: AtomicU64,
}

impl HotKeys {
    /// Notes a conflict about `key`.
    pub fn note(&self, key: &ConflictingKey) {
        let hash = self.hasher.hash_one((&key.space, &key.key));
        let row = &self.rows[hash as usize % ROWS];
        // Each try that fails has found another thread's entry in its place: as many as there are places are enough.
        for _ in 0..=WAYS {
            if note_in(row, key) {
                return;
            }
        }
    }

    /// All keys in the table, most conflicts first.
    pub fn hottest(&self) -> Vec<HotKey> {
        let mut counts = HashMap::<(Option<String>, Vec<u8>), u64>::new();
        for place in self.rows.iter().flatten() {
            if let Some(entry) = &*place.load() {
                let key = (entry.key.space.clone(), entry.key.key.clone());
                *counts.entry(key).or_default() += entry.count.load(Ordering::Relaxed);
            }
        }
        let keys = counts.into_iter();
        let keys = keys.map(|((space, key), conflicts)| HotKey { space, key, conflicts });
        let mut keys: Vec<HotKey> = keys.filter(|key| key.conflicts > 0).collect();
        keys.sort_by(|a, b| {
            let by = |hot: &HotKey| Reverse(hot.conflicts);
            by(a).cmp(&by(b)).then_with(|| (&a.space, &a.key).cmp(&(&b.space, &b.key)))
        });
        keys
    }
}

/// One try. Whether the note was made; not, if another thread was faster.
fn note_in(row: &[ArcSwapOption<Entry>; WAYS], key: &ConflictingKey) -> bool {
    let mut least: Option<(u64, Arc<Entry>)> = None;
    for place in row {
        let Some(entry) = place.load_full() else {
            return put(place, &None, key);
        };
        if entry.key == *key {
            entry.count.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let count = entry.count.load(Ordering::Relaxed);
        if least.as_ref().is_none_or(|(lowest, _)| count < *lowest) {
            least = Some((count, entry));
        }
    }
    let Some((count, entry)) = least else { return true };
    if count > 0 {
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        return entry.count.compare_exchange(count, count - 1, success, failure).is_ok();
    }
    let place =
        row.iter().find(|place| place.load().as_ref().is_some_and(|e| Arc::ptr_eq(e, &entry)));
    place.is_some_and(|place| put(place, &Some(entry), key))
}

/// Puts a new entry where `seen` was. Whether it was still there.
fn put(place: &ArcSwapOption<Entry>, seen: &Option<Arc<Entry>>, key: &ConflictingKey) -> bool {
    let entry = Entry { key: key.clone(), count: AtomicU64::new(1) };
    let found = place.compare_and_swap(seen, Some(Arc::new(entry)));
    found.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr)
}

#[cfg(test)]
mod tests {
    use super::{HotKeys, ROWS, WAYS, note_in};
    use crate::ConflictingKey;

    fn key(name: impl ToString) -> ConflictingKey {
        ConflictingKey { space: None, key: name.to_string().into_bytes() }
    }

    #[test]
    fn counts_are_exact_while_there_is_room() {
        let keys = HotKeys::default();
        for (name, times) in [("a", 3), ("b", 1), ("c", 2)] {
            (0..times).for_each(|_| keys.note(&key(name)));
        }
        let in_a_space = ConflictingKey { space: Some("s".to_owned()), key: b"a".to_vec() };
        keys.note(&in_a_space);
        let found = keys.hottest();
        let found: Vec<_> =
            found.iter().map(|hot| (hot.space.as_deref(), &hot.key[..], hot.conflicts)).collect();
        let none = None;
        assert_eq!(found[..2], [(none, &b"a"[..], 3), (none, &b"c"[..], 2)]);
        assert_eq!(found[2..], [(none, &b"b"[..], 1), (Some("s"), &b"a"[..], 1)]);
    }

    #[test]
    fn a_hot_key_stays_among_a_flood_of_cold_ones_and_the_table_does_not_grow() {
        let keys = HotKeys::default();
        for round in 0..10_000 {
            keys.note(&key(format!("cold {round}")));
            if round % 4 == 0 {
                keys.note(&key("hot"));
            }
        }
        let found = keys.hottest();
        assert!(found.len() <= ROWS * WAYS);
        assert_eq!(found[0].key, b"hot");
        assert!(found[0].conflicts <= 2_500, "a count is never too large");
        assert!(found[0].conflicts > 1_000, "{}", found[0].conflicts);
    }

    #[test]
    fn a_key_takes_the_place_of_another_after_as_many_notes_and_not_before() {
        let row = Default::default();
        for name in ["a", "b", "c", "d"] {
            (0..3).for_each(|_| assert!(note_in(&row, &key(name))));
        }
        let is_there = |name: &str| {
            let mut places = row.iter().map(|place| place.load_full());
            places.any(|entry| entry.is_some_and(|entry| entry.key == key(name)))
        };
        for _ in 0..3 {
            assert!(note_in(&row, &key("new")));
            assert!(!is_there("new") && ["a", "b", "c", "d"].iter().all(|name| is_there(name)));
        }
        assert!(note_in(&row, &key("new")));
        assert!(is_there("new") && !is_there("a"));
    }

    #[test]
    fn a_key_that_becomes_hot_later_gets_in() {
        let keys = HotKeys::default();
        for round in 0..1_000 {
            keys.note(&key(round));
        }
        (0..1_000).for_each(|_| keys.note(&key("hot")));
        assert_eq!(keys.hottest()[0].key, b"hot");
    }

    #[test]
    fn threads_that_note_the_same_key_lose_no_more_than_they_race_for() {
        let keys = HotKeys::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| keys.note(&key("hot"))));
            }
        });
        let found = keys.hottest();
        assert_eq!((found.len(), found[0].conflicts), (1, 4_000));
    }
}
