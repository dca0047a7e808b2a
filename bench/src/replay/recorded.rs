//! Traces of real blocks, each by itself.

use super::{Block, Course, Findings, Options, Played};
use crate::blocks::contender::{Contender, Done, Sequential};
use crate::blocks::ours::{Ours, Setting};
use crate::blocks::sequential::{Reference, Strings};
use crate::blocks::state::Entries;
use crate::blocks::work::Pace;
use crate::program::{Outcome, Progress};
use crate::traces::player::{Player, Seen};
use crate::traces::{Expected, FinalHash, Trace, Transfers, dependencies, expected, final_hash};

/// Replays each of the traces, in each of the ways.
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
    let progress = Progress::new(traces.len());
    let mut ours = Ours::new(setting);
    for trace in traces {
        progress.begin(&format!("block {}", trace.block));
        let mut block = begin(trace);
        for transfers in options.transfers() {
            let player = player(trace, *transfers, options, pace);
            let played = play(&player, *transfers, options, &mut ours, &mut block, findings)?;
            block.played.push(played);
        }
        findings.blocks.push(block);
        progress.end();
    }
    progress.finish();
    Ok(())
}

/// What is known of a block before it is replayed.
pub fn begin(trace: &Trace) -> Block {
    let (number, gas) = (trace.block, trace.gas);
    let transactions = trace.transactions.len();
    Block { number, transactions, gas, played: Vec::new(), differing: 0 }
}

/// The block as something to execute.
pub fn player<'a>(
    trace: &'a Trace,
    transfers: Transfers,
    options: &Options,
    pace: Pace,
) -> Player<'a> {
    // Of so many units of gas at once, for rounds are whole.
    const MUCH: f64 = 1e5;
    let rounds = f64::from(pace.rounds(options.ns_per_gas * MUCH)) / MUCH;
    Player::new(trace, transfers, rounds)
}

/// Nothing is known yet of how this block goes.
pub fn unplayed(trace: &Trace, transfers: Transfers, workers: usize) -> Played {
    let found = dependencies(trace, transfers);
    Played {
        transfers: transfers.name(),
        bound: found.bound(workers),
        least_gas: found.least_gas(workers),
        sequential: Course { who: "sequential", ..Course::default() },
        ours: Course { who: "ours", ..Course::default() },
    }
}

fn play(
    player: &Player<'_>,
    transfers: Transfers,
    options: &Options,
    ours: &mut Ours,
    block: &mut Block,
    findings: &mut Findings,
) -> Outcome<Played> {
    let trace = player.trace();
    let wanted = expected(trace, transfers);
    let base = player.base();
    let mut played = unplayed(trace, transfers, options.workers());
    for _ in 0..options.repetitions() {
        let mut sequential = Sequential(Strings::load(&base));
        let done = sequential.execute(player)?;
        let check = Check { player, wanted: &wanted, transfers };
        block.differing += check.reads(&done.outs, "sequential", findings);
        block.differing += check.end(hash(&sequential.entries()), "sequential", findings);
        note(&mut played.sequential, done);

        ours.load(&base)?;
        let done = ours.execute(player)?;
        block.differing += check.reads(&done.outs, "ours", findings);
        block.differing += check.end(hash(&ours.entries()), "ours", findings);
        note(&mut played.ours, done);
    }
    Ok(played)
}

/// Adds a block to a course.
pub fn note<Out>(course: &mut Course, done: Done<Out>) {
    course.blocks.push(done.took);
    course.figures.add(&done.figures);
}

fn hash(entries: &Entries) -> FinalHash {
    final_hash(entries.iter().map(|(key, value)| (&key[..], &value[..])))
}

/// What a replay is compared with.
pub struct Check<'a> {
    /// The block.
    pub player: &'a Player<'a>,
    /// What has to be found.
    pub wanted: &'a Expected,
    /// The way in which it is replayed.
    pub transfers: Transfers,
}

impl Check<'_> {
    /// Counts the transactions that, when they last ran, saw something else than they should have.
    pub fn reads(&self, outs: &[Seen], who: &str, findings: &mut Findings) -> u64 {
        let differing = self.player.differing(outs, self.wanted);
        if let Some(first) = differing.first() {
            let count = differing.len();
            self.tell(
                findings,
                who,
                &format!("{count} transactions read something else, first {first}"),
            );
        }
        differing.len() as u64
    }

    /// Counts 1 if the state after the block is another.
    pub fn end(&self, hash: FinalHash, who: &str, findings: &mut Findings) -> u64 {
        if hash == self.wanted.end {
            return 0;
        }
        self.tell(findings, who, &format!("ends in {hash}, should in {}", self.wanted.end));
        1
    }

    fn tell(&self, findings: &mut Findings, who: &str, what: &str) {
        let (block, transfers) = (self.player.trace().block, self.transfers.name());
        findings.differences.push(format!("block {block}, transfers {transfers}: {who}: {what}"));
    }
}
