//! Reads of what is in memory, and of what was evicted.

use std::time::Instant;

use engine::{Snapshot, Store};

use super::bare;
use super::bed::{Bed, CACHE, load};
use super::data::{Key, checksum, key};
use super::{Group, Limit, Options, Row, Rows};
use crate::adapter::Adapter;
use crate::program::Outcome;

/// Gets of a round.
const GETS: usize = 100_000;

/// More than all keys take.
const ROOMY: u64 = 64 << 30;

/// How fast reads from memory have to be beside a store that has nothing else.
const LEAST_ABOVE: f64 = 0.9;
/// How fast reads from the parent have to be beside the engine by itself.
const LEAST_BELOW: f64 = 0.8;

/// Nanoseconds by round, ours and of what it is compared with.
type Pair = (Vec<f64>, Vec<f64>);

/// Measures an adapter.
///
/// # Errors
/// Those of the store and of the engine; they have read something else than each other.
pub fn measure(adapter: Adapter, options: &Options, bed: &Bed, rows: &mut Rows) -> Outcome {
    let mut add = |id, label, (ours, theirs): Pair, beside, least| {
        let (beside, must) = (Some((beside, theirs)), Some(Limit::AtLeast(least)));
        rows.add(Row { group: Group::Reads, adapter, id, label, unit: "ns", ours, beside, must });
    };
    let builder = Store::builder().memory_budget(ROOMY);
    let (store, path) = bed.store(adapter, builder, options.keys)?;
    let above = in_memory(&store, options)?;
    add("get-memory", "get of a key in memory", above, "no parent", LEAST_ABOVE);
    store.close()?;
    drop(store);

    // Opened anew, it has nothing in memory.
    let store = adapter.open(&path, CACHE, Store::builder().memory_budget(ROOMY))?;
    let (bare, bare_path) = bed.bare(adapter, options.keys)?;
    drop(bare);
    let bare = bare::open(adapter, &bare_path, CACHE)?;
    let gets = evicted_gets(&store, &*bare, options)?;
    add("get-below", "get of an evicted key", gets, adapter.name(), LEAST_BELOW);
    let scans = evicted_scans(&store, &*bare, options)?;
    add("scan-below", "scan of evicted keys, an entry", scans, adapter.name(), LEAST_BELOW);
    store.close()?;
    drop((store, bare));
    bed.remove(&path)?;
    bed.remove(&bare_path)
}

fn in_memory(store: &Store, options: &Options) -> Outcome<Pair> {
    let alone = Store::in_memory();
    load(&alone, options.keys)?;
    let pair = |keys: &[Key], is_first| -> Outcome<_> {
        if is_first {
            let ours = gets(&store.snapshot(), keys)?;
            Ok((ours, gets(&alone.snapshot(), keys)?))
        } else {
            let theirs = gets(&alone.snapshot(), keys)?;
            Ok((gets(&store.snapshot(), keys)?, theirs))
        }
    };
    rounds(options, pair)
}

fn evicted_gets(store: &Store, bare: &dyn bare::Bare, options: &Options) -> Outcome<Pair> {
    let theirs = |keys: &[Key]| {
        let mut sum = 0;
        let begin = Instant::now();
        bare.gets(keys, &mut |held| sum = look(sum, held))?;
        Outcome::Ok((nanos(begin, keys.len()), sum))
    };
    rounds(options, |keys, is_first| {
        if is_first {
            let ours = gets(&store.snapshot(), keys)?;
            Ok((ours, theirs(keys)?))
        } else {
            let theirs = theirs(keys)?;
            Ok((gets(&store.snapshot(), keys)?, theirs))
        }
    })
}

fn evicted_scans(store: &Store, bare: &dyn bare::Bare, options: &Options) -> Outcome<Pair> {
    let ours = || {
        let (snapshot, mut sum, begin) = (store.snapshot(), 0, Instant::now());
        for entry in snapshot.iter() {
            let (key, held) = entry?;
            sum = look(look(sum, &key), &held);
        }
        Outcome::Ok((nanos(begin, options.keys as usize), sum))
    };
    let theirs = || {
        let (mut sum, begin) = (0, Instant::now());
        bare.scan(&mut |key, held| sum = look(look(sum, key), held))?;
        Outcome::Ok((nanos(begin, options.keys as usize), sum))
    };
    rounds(options, |_, is_first| {
        if is_first {
            let ours = ours()?;
            Ok((ours, theirs()?))
        } else {
            let theirs = theirs()?;
            Ok((ours()?, theirs))
        }
    })
}

/// Nanoseconds a get, and a sum over what was found.
fn gets(snapshot: &Snapshot, keys: &[Key]) -> Outcome<(f64, u64)> {
    let (mut sum, begin) = (0, Instant::now());
    for key in keys {
        if let Some(held) = snapshot.get(key)? {
            sum = look(sum, &held);
        }
    }
    Ok((nanos(begin, keys.len()), sum))
}

/// Two times, each with a sum over what was read.
type Both = ((f64, u64), (f64, u64));

/// Asks for both times once a round: whose turn is first is told. The first round warms caches up, and does not count.
fn rounds(options: &Options, pair: impl Fn(&[Key], bool) -> Outcome<Both>) -> Outcome<Pair> {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut samples = Pair::default();
    for round in 0..=options.rounds {
        let numbers = (0..GETS.min(options.keys as usize)).map(|_| rng.u64(0..options.keys));
        let keys: Vec<Key> = numbers.map(key).collect();
        let ((ours, one), (theirs, other)) = pair(&keys, round % 2 == 0)?;
        if one != other || one == 0 {
            return Err(format!("what was read differs: {one:x}, {other:x}").into());
        }
        if round > 0 {
            samples.0.push(ours);
            samples.1.push(theirs);
        }
    }
    Ok(samples)
}

/// Takes notice of bytes, at little cost: of the first and the last eight.
fn look(sum: u64, bytes: &[u8]) -> u64 {
    let end = bytes.len().saturating_sub(8);
    sum.wrapping_mul(31).wrapping_add(checksum(&bytes[..8.min(bytes.len())], &bytes[end..]))
}

fn nanos(begin: Instant, count: usize) -> f64 {
    begin.elapsed().as_nanos() as f64 / count as f64
}
