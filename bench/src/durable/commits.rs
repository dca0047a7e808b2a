//! What a commit to memory costs whoever does not wait for the disk, with a parent and without.

use std::fs;
use std::thread;
use std::time::Instant;

use engine::{Store, WriteBatch};

use super::bed::{Bed, batch, load};
use super::data::draw;
use super::{Group, Limit, Options, Row, Rows};
use crate::adapter::Adapter;
use crate::measure::timing::median;
use crate::program::Outcome;

/// A shape of commits: names of the rows for its median, its mean and the time that the committing thread had a core; what it is.
struct Shape {
    ids: [&'static str; 3],
    labels: [&'static str; 3],
    /// Writes of a commit; `None`: those of a block.
    len: Option<usize>,
    /// Commits of a round.
    commits: usize,
}

const SHAPES: [Shape; 3] = [
    Shape {
        ids: ["put-p50", "put-mean", "put-cpu"],
        labels: ["put of a key that is there, p50", "the same, mean", "the same, on the core"],
        len: Some(1),
        commits: 5_000,
    },
    Shape {
        ids: ["batch-p50", "batch-mean", "batch-cpu"],
        labels: ["batch of 100 writes, p50", "the same, mean", "the same, on the core"],
        len: Some(100),
        commits: 300,
    },
    Shape {
        ids: ["block-p50", "block-mean", "block-cpu"],
        labels: ["block of 5,000 writes, p50", "the same, mean", "the same, on the core"],
        len: None,
        commits: 10,
    },
];

/// What a parent may make of the time of a commit.
const MOST: f64 = 1.2;

/// Microseconds of the commits of one shape, by round.
#[derive(Default)]
struct Samples {
    medians: Vec<f64>,
    means: Vec<f64>,
    /// Where the system tells.
    on_core: Vec<f64>,
}

impl Samples {
    /// Commits each of the batches.
    fn commit(&mut self, store: &Store, batches: &[WriteBatch]) -> Outcome {
        let mut times = Vec::with_capacity(batches.len());
        let before = on_core();
        for batch in batches {
            let begin = Instant::now();
            store.commit(batch)?;
            times.push(begin.elapsed().as_nanos() as f64 / 1e3);
        }
        let count = batches.len().max(1) as f64;
        let on_core = before.zip(on_core()).map(|(before, after)| (after - before) / 1e3 / count);
        self.on_core.extend(on_core);
        self.means.push(times.iter().sum::<f64>() / count);
        self.medians.extend(median(&mut times));
        Ok(())
    }
}

/// Measures an adapter beside a store without.
///
/// # Errors
/// Those of the store.
pub fn measure(adapter: Adapter, options: &Options, bed: &Bed, rows: &mut Rows) -> Outcome {
    let (below, _) = bed.store(adapter, Store::builder(), options.keys)?;
    let alone = Store::in_memory();
    load(&alone, options.keys)?;
    let mut rng = fastrand::Rng::with_seed(1);
    for shape in SHAPES {
        let len = shape.len.unwrap_or(options.block_len());
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        for round in 0..options.rounds {
            let mut batches = |sequence| -> Vec<WriteBatch> {
                let sequence = 1 + 2 * round + sequence;
                let block = |_| batch(&draw(&mut rng, options.keys, len, sequence));
                (0..shape.commits).map(block).collect()
            };
            let (one, other) = (batches(0), batches(1));
            // Who goes first gets a machine in another state: in turns.
            if round % 2 == 0 {
                ours.commit(&below, &one)?;
                below.flush()?;
                theirs.commit(&alone, &other)?;
            } else {
                theirs.commit(&alone, &one)?;
                ours.commit(&below, &other)?;
                below.flush()?;
            }
        }
        let samples = [
            (ours.medians, theirs.medians),
            (ours.means, theirs.means),
            (ours.on_core, theirs.on_core),
        ];
        for (at, (ours, theirs)) in samples.into_iter().enumerate() {
            rows.add(Row {
                group: Group::Commits,
                adapter,
                id: shape.ids[at],
                label: shape.labels[at],
                unit: "us",
                ours,
                beside: Some(("no parent", theirs)),
                // On a machine that is shared the last says best what a commit costs; what is asked is about the clock.
                must: (at < 2).then_some(Limit::AtMost(MOST)),
            });
        }
    }
    Ok(below.close()?)
}

/// Nanoseconds for which this thread had a core; `None` where the system does not tell.
fn on_core() -> Option<f64> {
    // The count is brought up to date when the core changes hands.
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
