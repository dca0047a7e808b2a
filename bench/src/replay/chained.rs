//! Traces of real blocks as one chain over one store, with snapshots of older blocks held open and read meanwhile.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use engine::{Snapshot, Store, WriteBatch};

use super::recorded::{Check, begin, note, player, unplayed};
use super::{Findings, Held, Options};
use crate::blocks::contender::{Contender, Sequential};
use crate::blocks::ours::{Ours, Setting};
use crate::blocks::sequential::{Reference, Strings};
use crate::blocks::state::State;
use crate::blocks::work::Pace;
use crate::program::{Outcome, Progress};
use crate::traces::{FinalHash, Trace, Transfers, expected, final_hash};

/// Most snapshots that are held: the oldest is dropped for a new one.
const HELD: usize = 16;

/// How long the reader rests between two snapshots: it is to be there, not to take a core.
const REST: Duration = Duration::from_millis(2);

/// Replays the traces as one chain, in each of the ways.
///
/// # Errors
/// A block that cannot be executed at all.
pub fn run(
    traces: &[Trace],
    options: &Options,
    pace: Pace,
    setting: Setting,
    findings: &mut Findings,
) -> Outcome {
    findings.blocks = traces.iter().map(begin).collect();
    let progress = Progress::new(traces.len() * options.transfers().len());
    let mut held = Held::default();
    for transfers in options.transfers() {
        let older = Older::default();
        let mut ours = Ours::new(setting);
        let outcome = thread::scope(|scope| {
            let reader = scope.spawn(|| older.read_until_done());
            let done = Done(&older);
            let outcome =
                chain(traces, *transfers, options, pace, &mut ours, &older, &progress, findings);
            drop(done);
            let read = reader.join().expect("the reader of older blocks died");
            outcome.map(|()| read)
        });
        let (readings, wrong) = outcome?;
        held.readings += readings;
        // Once more, with nobody at work: what is held is what it was.
        let snapshots = older.snapshots();
        held.snapshots = held.snapshots.max(snapshots.len());
        let wrong = wrong.into_iter().chain(snapshots.iter().filter_map(Old::wrong));
        findings.differences.extend(wrong);
    }
    findings.held = Some(held);
    progress.finish();
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the state of one chain, taken apart by the caller")]
fn chain(
    traces: &[Trace],
    transfers: Transfers,
    options: &Options,
    pace: Pace,
    ours: &mut Ours,
    older: &Older,
    progress: &Progress,
    findings: &mut Findings,
) -> Outcome {
    let mut sequential = Sequential(Strings::load(&[]));
    for (place, trace) in traces.iter().enumerate() {
        progress.begin(&format!("block {}, transfers {}", trace.block, transfers.name()));
        let player = player(trace, transfers, options, pace);
        let wanted = expected(trace, transfers);
        prepare(trace, ours.store(), &mut sequential.0)?;
        let mut played = unplayed(trace, transfers, options.workers());
        let check = Check { player: &player, wanted: &wanted, transfers };

        let done = sequential.execute(&player)?;
        let mut differing = check.reads(&done.outs, "sequential", findings);
        note(&mut played.sequential, done);

        let done = ours.execute(&player)?;
        differing += check.reads(&done.outs, "ours", findings);
        note(&mut played.ours, done);

        let old = Old::new(trace, ours.store().snapshot(), wanted.end);
        differing += check.end(old.hash(), "ours", findings);
        older.push(old);
        let block = &mut findings.blocks[place];
        block.differing += differing;
        block.played.push(played);
        progress.end();
    }
    Ok(())
}

/// Makes the keys of a block what they were on the chain before it.
fn prepare(trace: &Trace, store: &Store, sequential: &mut Strings) -> Outcome {
    let mut batch = WriteBatch::new();
    for (key, value) in trace.keys.iter().zip(&trace.before) {
        let Ok(()) = match value {
            Some(value) => {
                batch.put(key, value);
                sequential.put(key, value)
            }
            None => {
                batch.delete(key);
                sequential.delete(key)
            }
        };
    }
    store.commit(&batch)?;
    Ok(())
}

/// The state after a block, held.
#[derive(Clone)]
struct Old {
    block: u64,
    snapshot: Snapshot,
    keys: Vec<Box<[u8]>>,
    end: FinalHash,
}

impl Old {
    fn new(trace: &Trace, snapshot: Snapshot, end: FinalHash) -> Old {
        let mut keys = trace.keys.clone();
        keys.sort_unstable();
        Old { block: trace.block, snapshot, keys, end }
    }

    /// The hash of the block's keys, as the snapshot has them.
    fn hash(&self) -> FinalHash {
        let values: Vec<_> =
            self.keys.iter().map(|key| self.snapshot.get(key).ok().flatten()).collect();
        let entries = self.keys.iter().zip(&values);
        final_hash(entries.filter_map(|(key, value)| Some((&key[..], &value.as_ref()?[..]))))
    }

    fn wrong(&self) -> Option<String> {
        let hash = self.hash();
        let is_wrong = hash != self.end;
        is_wrong.then(|| {
            format!("block {}: its snapshot has turned into {hash}, was {}", self.block, self.end)
        })
    }
}

/// The older blocks.
#[derive(Default)]
struct Older {
    held: Mutex<Vec<Old>>,
    is_done: AtomicBool,
}

impl Older {
    fn push(&self, old: Old) {
        let mut held = self.held.lock().expect("nothing panics under this lock");
        held.push(old);
        if held.len() > HELD {
            held.remove(0);
        }
    }

    fn snapshots(&self) -> Vec<Old> {
        self.held.lock().expect("nothing panics under this lock").clone()
    }

    /// Reads one snapshot after the other, each whole, until the chain is at its end. How many, and what was wrong.
    fn read_until_done(&self) -> (u64, Vec<String>) {
        let (mut readings, mut wrong) = (0, Vec::new());
        while !self.is_done.load(Ordering::Relaxed) {
            for old in self.snapshots() {
                wrong.extend(old.wrong());
                readings += 1;
                thread::sleep(REST);
                if self.is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
            thread::sleep(REST);
        }
        wrong.truncate(10);
        (readings, wrong)
    }
}

/// Stops the reader, also when the chain panics: the scope would wait for it for ever.
struct Done<'a>(&'a Older);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.is_done.store(true, Ordering::Relaxed);
    }
}
