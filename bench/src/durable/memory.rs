//! Four times as much data as memory is allowed: whether all of it is right, and what the process takes.
//!
//! In a process of its own, whose memory is nobody else's. It takes its resident memory as it began, loads, overwrites some, and
//! says what it takes then and what it took at most; then it verifies every entry.

use std::env::current_exe;
use std::fs;
use std::process::Command;

use engine::{Overflow, Store};
use serde_json::{Value as Json, json};

use super::bed::{Bed, batch};
use super::data::{KEY_LEN, VALUE_LEN, all, belongs, checksum, key, value};
use super::{Group, Limit, Options, Row, Rows};
use crate::adapter::Adapter;
use crate::program::Outcome;

/// Cache of the parent: small beside the budget.
const CACHE: usize = 8 << 20;
/// Bytes that may be on their way to the parent.
const UNDURABLE: u64 = 4 << 20;
/// Data over the budget.
const TIMES: u64 = 4;
/// Every so many keys is written a second time.
const AGAIN: u64 = 8;
/// Resident memory over the budget.
const MOST: f64 = 1.3;
/// Entries of the data, for each key that was asked for: with 200,000 keys a budget of 64 MiB.
const ENTRIES: f64 = (TIMES * (64 << 20)) as f64 / (KEY_LEN + VALUE_LEN) as f64 / 200_000.0;

/// Runs the child, and judges what it says.
///
/// # Errors
/// The child cannot be run, or has found something wrong.
pub fn measure(adapter: Adapter, options: &Options, bed: &Bed, rows: &mut Rows) -> Outcome {
    let path = bed.fresh("budget")?;
    let entries = (options.keys as f64 * ENTRIES) as u64;
    let budget = entries * (KEY_LEN + VALUE_LEN) as u64 / TIMES;
    let output = Command::new(current_exe()?)
        .args(["--child", &budget.to_string(), "--adapter", adapter.name()])
        .args(["--keys", &entries.max(1_000).to_string(), "--dir"])
        .arg(&path)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let said: Json = serde_json::from_slice(&output.stdout)?;
    let mib = |name: &str| said[name].as_f64().unwrap_or(f64::NAN) / f64::from(1 << 20);
    let mut add = |id, label, ours: f64, must| {
        let beside = Some(("budget", vec![budget as f64 / f64::from(1 << 20)]));
        let (group, unit, ours) = (Group::Memory, "MiB", vec![ours]);
        rows.add(Row { group, adapter, id, label, unit, ours, beside, must });
    };
    let base = mib("base");
    let must = Some(Limit::AtMost(MOST));
    add(
        "resident",
        "4x the budget: resident at the end, less at the start",
        mib("rss") - base,
        must,
    );
    add("resident-most", "the most that was resident, less at the start", mib("most") - base, must);
    add("resident-raw", "the most that was resident, as it is", mib("most"), None);
    add("resident-start", "resident at the start", base, None);
    add("counted", "what the store counts at the end", mib("counted"), None);
    add("counted-most", "the most that the store counted", mib("counted_most"), None);
    bed.remove(&path)
}

/// The work of the child.
///
/// # Errors
/// Those of the store; it does not have what was written.
pub fn child(options: &Options, budget: u64) -> Outcome {
    let base = status("VmRSS:")?;
    let adapter = options.adapters()[0];
    let path = options.dir.as_deref().ok_or("a directory is needed")?;
    let builder = Store::builder().memory_budget(budget).undurable_limit(UNDURABLE, Overflow::Wait);
    let store = adapter.open(path, CACHE, builder)?;
    let mut counted_most = 0;
    for block in all(options.keys, 5_000, 1) {
        store.commit(&batch(&block))?;
        counted_most = counted_most.max(store.stats().bytes);
    }
    for block in all(options.keys / AGAIN, 5_000, 2) {
        let again = block.iter().map(|(key, _)| number(key) * AGAIN);
        let block = again.map(|number| (key(number), value(number, 2))).collect();
        store.commit(&batch(&block))?;
    }
    store.flush()?;
    let counted = store.stats().bytes;
    let rss_before = status("VmRSS:")?;
    verify(&store, options.keys)?;
    let (rss, most) = (status("VmRSS:")?, status("VmHWM:")?);
    println!(
        "{}",
        json!({
            "base": base, "rss": rss_before.max(rss), "most": most, "counted": counted, "counted_most": counted_most,
        })
    );
    Ok(store.close()?)
}

fn number(key: &[u8; KEY_LEN]) -> u64 {
    key.last_chunk().map_or(0, |tail| u64::from_be_bytes(*tail))
}

/// Each entry once, in order, each what was written last to it; by gets too.
fn verify(store: &Store, keys: u64) -> Outcome {
    let sequence = |number: u64| {
        let is_again = number.is_multiple_of(AGAIN) && number / AGAIN < keys / AGAIN;
        if is_again { 2 } else { 1 }
    };
    let snapshot = store.snapshot();
    let (mut count, mut sum, mut last) = (0, 0_u64, Vec::new());
    for entry in snapshot.iter() {
        let (key, held) = entry?;
        if *last >= *key || !belongs(&key, &held, sequence) {
            return Err(format!("entry {count} is wrong").into());
        }
        count += 1;
        sum = sum.wrapping_add(checksum(&key, &held));
        last.clear();
        last.extend_from_slice(&key);
    }
    let written = (0..keys).map(|number| checksum(&key(number), &value(number, sequence(number))));
    if (count, sum) != (keys, written.fold(0, u64::wrapping_add)) {
        return Err(format!("{count} of {keys} entries, or another checksum").into());
    }
    for number in (0..keys).step_by(1 + keys as usize / 1_000) {
        let held = snapshot.get(key(number))?;
        if held.is_none_or(|held| !belongs(&key(number), &held, sequence)) {
            return Err(format!("the value of key {number} is wrong").into());
        }
    }
    Ok(())
}

/// Bytes that the system has noted of this process.
fn status(label: &str) -> Outcome<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: u64 = kib.ok_or("the system does not tell")?.trim().parse()?;
    Ok(kib * 1_024)
}
