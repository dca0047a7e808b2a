//! Whether a store holds exactly what some number of batches make.

use crate::batches::{NAMES, NUMBER, PLACES, State, key};
use crate::child::TWINS;
use crate::place::Spaces;
use engine::{Error, Snapshot, Store};
use std::collections::BTreeMap;

/// The last that a child has said: a number, and the version of its commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acknowledged {
    pub number: u64,
    pub version: u64,
}

/// What a store holds.
struct Found {
    entries: [BTreeMap<Vec<u8>, Vec<u8>>; PLACES],
    twins: [Option<Vec<u8>>; 2],
    metadata: Option<Vec<u8>>,
}

/// Compares a store with what the batches that it says that it holds would have made, beginning with those of `state`, which is
/// brought there.
///
/// # Errors
/// What is wrong with it.
pub fn check(
    store: &Store,
    spaces: Spaces,
    state: &mut State,
    said: Acknowledged,
) -> Result<(), String> {
    let (version, durable) = (store.version(), store.durable_version());
    if durable != Some(version) {
        return Err(format!("it is opened at {version}, and durable up to {durable:?}"));
    }
    if version.get() < said.version {
        return Err(format!("version {} was acknowledged; {version} is there", said.version));
    }
    let found = find(store, spaces).map_err(|error| error.to_string())?;
    let number = key(spaces, 0, NUMBER);
    let n = found.entries[0].get(number.as_bytes()).map_or(0, |bytes| number_of(bytes));
    if n < said.number {
        return Err(format!("batch {} was acknowledged; {n} is the last there", said.number));
    }
    if n < state.n {
        return Err(format!("batch {} was there before; {n} is the last there now", state.n));
    }
    state.go_on(n);
    for (place, expected) in state.entries.iter().enumerate() {
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(k, v)| (as_in(spaces, place, k), v.clone())).collect();
        let is_mine =
            |k: &[u8]| spaces == Spaces::Several || k.starts_with(&as_in(spaces, place, b""));
        let at = if spaces == Spaces::One { 0 } else { place };
        let there = found.entries[at].iter().filter(|(k, _)| is_mine(k));
        let there: BTreeMap<_, _> = there.map(|(k, v)| (k.clone(), v.clone())).collect();
        if there != expected {
            return Err(format!(
                "after batch {n}, place {place}: {}",
                difference(&there, &expected)
            ));
        }
    }
    if found.metadata != state.metadata {
        return Err(format!("after batch {n}, the metadata are {:?}", found.metadata));
    }
    if found.twins[0] != found.twins[1] {
        return Err(format!("half of a commit: {:?}", found.twins));
    }
    Ok(())
}

fn as_in(spaces: Spaces, place: usize, own: &[u8]) -> Vec<u8> {
    key(spaces, place, std::str::from_utf8(own).expect("keys are text")).into()
}

fn number_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(u64::MAX, u64::from_be_bytes)
}

fn find(store: &Store, spaces: Spaces) -> Result<Found, Error> {
    let snapshot = store.snapshot();
    let mut entries: [BTreeMap<_, _>; PLACES] = Default::default();
    let mut twins = [None, None];
    entries[0] = rows(&snapshot, store, None)?;
    if spaces == Spaces::Several {
        for (place, name) in NAMES.iter().enumerate() {
            let mut rows = rows(&snapshot, store, Some(name))?;
            twins[place] = rows.remove(TWINS[place].as_bytes());
            entries[place + 1] = rows;
        }
    }
    let metadata = snapshot.metadata()?.map(|bytes| bytes.to_vec());
    Ok(Found { entries, twins, metadata })
}

/// The entries of a space, found in two ways that have to agree: as a range, and each by its key.
fn rows(
    snapshot: &Snapshot,
    store: &Store,
    space: Option<&str>,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
    let mut rows = BTreeMap::new();
    match space {
        None => {
            for entry in snapshot {
                let (key, value) = entry?;
                assert_eq!(snapshot.get(&key)?.as_ref(), Some(&value));
                rows.insert(key.to_vec(), value.to_vec());
            }
        }
        Some(name) => {
            let view = snapshot.space(&store.key_space(name)?)?;
            for entry in view.iter() {
                let (key, value) = entry?;
                assert_eq!(view.get(&key)?.as_ref(), Some(&value));
                rows.insert(key.to_vec(), value.to_vec());
            }
        }
    }
    Ok(rows)
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// The first keys that differ.
fn difference(there: &Rows, expected: &Rows) -> String {
    let keys = there.keys().chain(expected.keys().filter(|key| !there.contains_key(*key)));
    let shown = |value: Option<&Vec<u8>>| match value {
        None => "nothing".into(),
        Some(value) => format!("that of {}", value.get(..8).map_or(0, number_of)),
    };
    let differ = keys.filter(|key| there.get(*key) != expected.get(*key));
    let words = differ.take(5).map(|key| {
        let (is, should) = (shown(there.get(key)), shown(expected.get(key)));
        format!("{} is {is}, and should be {should}", key.escape_ascii())
    });
    words.collect::<Vec<_>>().join("; ")
}
