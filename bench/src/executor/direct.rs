//! Figures of a block by itself, without an executor around it.

use std::hint::black_box;
use std::time::Instant;

use engine::{Block, Error, Store, Verdict, WriteBatch};

use super::Options;
use crate::blocks::work::compute;

/// Transactions before the one that scans, and what each of them writes.
const WRITERS: u32 = 1_000;
const WRITES: u32 = 10;

/// Keys that are scanned.
const SCANNED: usize = 100;

/// Validations of which a sample is the mean.
const VALIDATIONS: u32 = 200;

/// Transactions of a block that is sealed, with two writes each.
const SEALED: u32 = 10_000;

const VALUE: [u8; 32] = [7; 32];

/// Keys of 32 bytes that lie in the order of their numbers.
fn key(number: u32) -> [u8; 32] {
    let mut key = [b'k'; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key
}

/// A key that lies elsewhere than its neighbours: numbers are multiplied by an odd constant, so that none comes twice.
fn scattered(number: u32) -> [u8; 32] {
    key(number.wrapping_mul(0x9E37_79B1))
}

/// Microseconds to validate a scan of 100 keys, every other of which was written by one of 1,000 transactions with 10 writes before
/// it; a sample a round.
///
/// # Errors
/// What the engine refuses.
pub fn validate(options: &Options) -> Result<Vec<f64>, Error> {
    let store = Store::in_memory();
    let keys = WRITERS * WRITES;
    load(&store, (0..keys).map(|number| key(2 * number)))?;
    let mut samples = Vec::new();
    for round in 0..options.rounds() {
        let block = store.block(WRITERS + 1)?;
        for index in 0..WRITERS {
            let mut view = block.view(index, 1);
            for write in 0..WRITES {
                // All over the keys: neighbours have other writers.
                view.put(key(2 * (write * WRITERS + index) + 1), VALUE)?;
            }
            block.publish(view)?;
        }
        let mut view = block.view(WRITERS, 1);
        let from = compute(round, 3) as u32 % (keys - SCANNED as u32);
        let scanned = view.range(&key(2 * from)[..]..).take(SCANNED).filter(|entry| entry.is_ok());
        assert_eq!(scanned.count(), SCANNED, "every transaction below is published");
        block.publish(view)?;
        let begin = Instant::now();
        for _ in 0..VALIDATIONS {
            assert_eq!(black_box(block.validate(WRITERS)), Verdict::Valid);
        }
        samples.push(begin.elapsed().as_secs_f64() * 1e6 / f64::from(VALIDATIONS));
    }
    Ok(samples)
}

/// Nanoseconds to seal a changed key: blocks of 10,000 transactions with 2 writes over 10,000 keys, on one thread; a sample a round.
///
/// # Errors
/// What the engine refuses.
pub fn seal(options: &Options) -> Result<Vec<f64>, Error> {
    let store = Store::in_memory();
    load(&store, (0..options.ballast().max(u64::from(SEALED)) as u32).map(scattered))?;
    let blocks = Block::builder(&store);
    let mut samples = Vec::new();
    for round in 0..options.rounds() {
        let block = blocks.open(SEALED)?;
        let mut value = VALUE;
        for index in 0..SEALED {
            value[..8].copy_from_slice(&(round << 32 | u64::from(index)).to_be_bytes());
            let mut view = block.view(index, 1);
            for draw in [u64::from(index), u64::from(index) | 1 << 40] {
                view.put(scattered(compute(draw ^ round << 50, 2) as u32 % SEALED), value)?;
            }
            block.publish(view)?;
        }
        block.commit_prefix(SEALED)?;
        let begin = Instant::now();
        let sealed = block.seal()?;
        let took = begin.elapsed().as_nanos() as f64;
        samples.push(took / sealed.changed().len().max(1) as f64);
    }
    Ok(samples)
}

fn load(store: &Store, keys: impl Iterator<Item = [u8; 32]>) -> Result<(), Error> {
    let mut batch = WriteBatch::new();
    for key in keys {
        batch.put(key, VALUE);
    }
    store.commit(&batch)?;
    Ok(())
}
