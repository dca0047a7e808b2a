//! A generated chain on a store that outlives the process.
//!
//! Each block is sealed with its height and a name of the chain, so that they are durable together: after a kill the store comes back at
//! the last block that was, and the next run goes on behind it. The state in the end is compared with sequential execution
//! from the beginning.

use std::path::Path;
use std::time::Instant;

use engine::{Store, Version, WriteBatch};

use super::{Findings, Options, Stored};
use crate::blocks::contender::Contender as _;
use crate::blocks::ours::{Ours, Setting};
use crate::blocks::sequential::{Ordered, Reference as _, execute};
use crate::blocks::state::Entries;
use crate::blocks::work::Pace;
use crate::blocks::workload::Plan;
use crate::program::{Outcome, Progress};
use crate::traces::final_hash;

/// Cache of the parent.
const CACHE: usize = 64 << 20;

/// Rounds a microsecond, about what machines of these days do.
const NOMINAL: f64 = 500.0;

/// Entries of a commit while the state before the first block is loaded.
const LOAD: usize = 5_000;

/// Executes what is missing of the chain.
///
/// # Errors
/// The store cannot be opened, or holds something else; a block that cannot be executed at all.
pub fn run(options: &Options, setting: Setting, findings: &mut Findings) -> Outcome {
    // What transactions compute goes into what they write: as much in every process, however fast it finds the machine.
    let plan = options.plan(Pace::fixed(NOMINAL))?;
    let path = options.store.as_deref().ok_or("--store is missing")?;
    let began = Instant::now();
    let store = options.adapter.open(path, CACHE, Store::builder())?;
    let opening = began.elapsed();
    let resumed_at = match height(&store, &plan, path)? {
        Some(height) => height,
        None => load(&store, &plan)?,
    };
    let began = Instant::now();
    let ours = go_on(store, &plan, resumed_at..options.blocks(), setting)?;
    ours.store().close()?;
    let took = began.elapsed();

    let blocks = resumed_at.max(options.blocks());
    let (hash, wanted) = (hash(&ours.entries()), hash(&sequentially(&plan, blocks)));
    if hash != wanted {
        findings.differences.push(format!("the state is {hash}, sequentially {wanted}"));
    }
    let (workload, adapter) = (plan.workload.name(), options.adapter.name());
    findings.stored = Some(Stored { workload, adapter, resumed_at, blocks, opening, took, hash });
    Ok(())
}

/// What a block is sealed with: everything that the blocks depend on, and the height.
fn tag(plan: &Plan, height: u64) -> String {
    format!(
        "{} {} {} {} {} {} height {height}",
        plan.workload.name(),
        plan.accounts,
        plan.transactions,
        plan.ballast,
        plan.seed,
        plan.micros
    )
}

/// Blocks of the chain that a store has; `None`: not even what is before the first.
fn height(store: &Store, plan: &Plan, path: &Path) -> Outcome<Option<u64>> {
    let snapshot = store.snapshot();
    let Some(found) = snapshot.metadata()? else { return Ok(None) };
    let found = String::from_utf8_lossy(&found);
    let (chain, height) = found.rsplit_once(' ').unwrap_or_default();
    match height.parse() {
        Ok(height) if found == tag(plan, height) => Ok(Some(height)),
        _ => Err(format!("{} holds another chain: {chain}", path.display()).into()),
    }
}

/// Brings the state before the first block into the store. Of a load that was cut off no block was sealed: it is done again.
fn load(store: &Store, plan: &Plan) -> Outcome<u64> {
    for entries in plan.base().chunks(LOAD) {
        let mut batch = WriteBatch::with_capacity(entries.len(), 0);
        entries.iter().for_each(|(key, value)| _ = batch.put(key, value));
        store.commit(&batch)?;
    }
    store.commit_tagged(&WriteBatch::new(), tag(plan, 0))?;
    Ok(0)
}

/// Executes these blocks. Nobody waits for the disk; how many blocks are durable is told.
fn go_on(
    store: Store,
    plan: &Plan,
    blocks: std::ops::Range<u64>,
    setting: Setting,
) -> Outcome<Ours> {
    let progress = Progress::new(blocks.clone().count());
    let mut ours = Ours::on(store, setting);
    let mut sealed: Vec<Version> = Vec::new();
    for number in blocks.clone() {
        let durable = ours.store().durable_version().unwrap_or_default();
        let count = sealed.iter().filter(|version| **version <= durable).count() as u64;
        let name = plan.workload.name();
        progress.begin(&format!("{name} block {number}, durable: {}", blocks.start + count));
        let tag = tag(plan, number + 1);
        sealed.push(ours.execute_tagged(&plan.block(number), tag.as_bytes())?);
        progress.end();
    }
    progress.finish();
    Ok(ours)
}

/// The state after so many blocks, one transaction after the other.
fn sequentially(plan: &Plan, blocks: u64) -> Entries {
    let mut state = Ordered::load(&plan.base());
    for number in 0..blocks {
        execute(&plan.block(number), &mut state);
    }
    state.entries()
}

fn hash(entries: &Entries) -> String {
    final_hash(entries.iter().map(|(key, value)| (&key[..], &value[..]))).to_string()
}
