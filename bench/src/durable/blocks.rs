//! Blocks made durable: one after the other, pipelined, and by the engine below used by itself.

use std::time::Instant;

use engine::{Durability, Store};

use super::bare::Bare;
use super::bed::{Bed, batch};
use super::data::{Block, belongs, draw};
use super::{Group, Limit, Options, Row, Rows};
use crate::adapter::Adapter;
use crate::measure::timing::median;
use crate::program::Outcome;

/// Blocks of a round, for each of the three.
const BLOCKS: usize = 12;

/// How fast a store has to be beside the engine by itself.
const LEAST: f64 = 0.9;

/// Milliseconds, by round.
#[derive(Default)]
struct Samples {
    /// A block, of those that were waited for one by one: mean, median and the longest.
    each: [Vec<f64>; 3],
    /// A block, of those that were waited for together.
    pipelined: Vec<f64>,
    /// A block of the engine by itself: mean, median and the longest.
    bare: [Vec<f64>; 3],
}

/// Measures an adapter and the engine below it.
///
/// # Errors
/// Those of the store and of the engine; something else lies there in the end than was written.
pub fn measure(adapter: Adapter, options: &Options, bed: &Bed, rows: &mut Rows) -> Outcome {
    let (store, path) = bed.store(adapter, Store::builder(), options.keys)?;
    let (bare, bare_path) = bed.bare(adapter, options.keys)?;
    let mut rng = fastrand::Rng::with_seed(2);
    let mut samples = Samples::default();
    for round in 0..options.rounds {
        let blocks: Vec<Block> = (0..BLOCKS)
            .map(|_| draw(&mut rng, options.keys, options.block_len(), 1 + round))
            .collect();
        // Each of the three goes first now and then.
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => note(&mut samples.each, each(&blocks, |block| one_by_one(&store, block))?),
                1 => samples.pipelined.push(pipelined(&store, &blocks)?),
                _ => note(&mut samples.bare, each(&blocks, |block| bare.write(block))?),
            }
        }
    }
    check(&store, &*bare, options)?;
    add_rows(adapter, samples, rows);
    store.close()?;
    drop((store, bare));
    bed.remove(&path)?;
    bed.remove(&bare_path)
}

fn one_by_one(store: &Store, block: &Block) -> Outcome {
    store.commit_with(&batch(block), Durability::Durable)?;
    Ok(())
}

fn each(blocks: &[Block], mut write: impl FnMut(&Block) -> Outcome) -> Outcome<Vec<f64>> {
    let time = |block| {
        let begin = Instant::now();
        write(block)?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    };
    blocks.iter().map(time).collect()
}

/// Milliseconds a block.
fn pipelined(store: &Store, blocks: &[Block]) -> Outcome<f64> {
    let begin = Instant::now();
    let mut last = store.version();
    for block in blocks {
        last = store.commit(&batch(block))?;
    }
    store.wait_durable(last)?;
    Ok(begin.elapsed().as_secs_f64() * 1e3 / blocks.len() as f64)
}

fn note(samples: &mut [Vec<f64>; 3], mut times: Vec<f64>) {
    samples[0].push(times.iter().sum::<f64>() / times.len() as f64);
    samples[1].extend(median(&mut times));
    samples[2].push(times.into_iter().fold(0.0, f64::max));
}

/// Both have every key once, with a value that some round has given to it; and the same, as they wrote the same blocks.
fn check(store: &Store, bare: &dyn Bare, options: &Options) -> Outcome {
    let is_one = |key: &[u8], held: &[u8]| {
        (0..=options.rounds).any(|sequence| belongs(key, held, |_| sequence))
    };
    let (mut ours, mut wrong) = (Vec::new(), 0);
    for entry in store.snapshot().iter() {
        let (key, held) = entry?;
        wrong += u64::from(!is_one(&key, &held));
        ours.push(super::data::checksum(&key, &held));
    }
    let (mut place, mut differing) = (0, 0);
    bare.scan(&mut |key, held| {
        differing += u64::from(ours.get(place) != Some(&super::data::checksum(key, held)));
        place += 1;
    })?;
    if (ours.len() as u64, place, wrong, differing) != (options.keys, ours.len(), 0, 0) {
        let found = ours.len();
        return Err(format!(
            "{found} entries of ours, {place} of the engine; {wrong} wrong, {differing} differ"
        )
        .into());
    }
    Ok(())
}

fn add_rows(adapter: Adapter, samples: Samples, rows: &mut Rows) {
    let [mean, median, longest] = samples.each;
    let [bare_mean, bare_median, bare_longest] = samples.bare;
    let mut add = |id, label, ours, beside, must| {
        let beside = Some((adapter.name(), beside));
        rows.add(Row { group: Group::Blocks, adapter, id, label, unit: "ms", ours, beside, must });
    };
    let must = Some(Limit::AtLeast(LEAST));
    add("durable", "a block of 5,000, durable one by one", mean, bare_mean.clone(), must);
    add("pipelined", "the same, waited for at the end", samples.pipelined, bare_mean, must);
    add("durable-p50", "one by one, p50", median, bare_median, None);
    add("durable-max", "one by one, the longest", longest, bare_longest, None);
}
