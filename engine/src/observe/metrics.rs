//! Counters and gauges, with the feature `metrics`.
//!
//! Every name begins with `engine_`, and every metric has the label `store`. There is no label for keys: a recorder keeps each
//! value of a label for ever, and keys are somebody's data. Which keys are hot says [`Store::hottest_keys`](crate::Store).

use super::{Contention, HotKey};
use metrics::{SharedString, Unit, counter, describe_counter, describe_gauge, gauge};

/// Hands the figures of a store to the recorder of the host.
pub fn publish(
    store: &str,
    stats: &epoch_store::Stats,
    contention: &Contention,
    hottest: Option<&HotKey>,
) {
    describe();
    let store = SharedString::from(store.to_owned());
    let count = |name: &'static str, value| {
        counter!(name, "store" => store.clone()).absolute(value);
    };
    count("engine_commits_total", stats.commits);
    count("engine_helped_commits_total", stats.helped);
    count("engine_retries_total", contention.retries);
    count("engine_retries_exhausted_total", contention.exhausted);
    for (kind, conflicts) in [
        ("read-write", contention.read_write),
        ("write-write", contention.write_write),
        ("phantom", contention.phantom),
    ] {
        let labels = [("store", store.clone()), ("kind", SharedString::const_str(kind))];
        counter!("engine_conflicts_total", &labels).absolute(conflicts);
    }
    // A gauge is a floating-point number: exact up to 2^53.
    let measure = |name: &'static str, value: u64| {
        gauge!(name, "store" => store.clone()).set(value as f64);
    };
    measure("engine_version", stats.version.get());
    measure("engine_live_keys", stats.live_keys);
    measure("engine_versions", stats.versions);
    measure("engine_garbage_queued", stats.gc_queued);
    measure("engine_garbage_retired", stats.retired);
    measure("engine_open_snapshots", stats.open_snapshots as u64);
    measure("engine_oldest_snapshot_age_versions", stats.oldest_snapshot_age);
    measure("engine_hottest_key_conflicts", hottest.map_or(0, |key| key.conflicts));
}

/// Each time: it is not known whether the recorder is still the one of last time.
fn describe() {
    let count = |name: &'static str, text: &'static str| describe_counter!(name, Unit::Count, text);
    count("engine_commits_total", "Commits, those refused after they had a version included");
    count("engine_helped_commits_total", "Commits that another thread has published");
    count("engine_conflicts_total", "Commits refused for what they had read, by kind");
    count("engine_retries_total", "Transactions begun again after a conflict");
    count(
        "engine_retries_exhausted_total",
        "Transactions given up after a conflict in each attempt",
    );
    let measure = |name: &'static str, text: &'static str| describe_gauge!(name, Unit::Count, text);
    measure("engine_version", "The newest version");
    measure("engine_live_keys", "Keys with a value, of all key spaces");
    measure("engine_versions", "Versions linked to keys, tombstones included");
    measure("engine_garbage_queued", "Superseded versions that wait for a snapshot or their turn");
    measure("engine_garbage_retired", "Nodes unlinked and not freed yet");
    measure("engine_open_snapshots", "Snapshots and leases open now");
    measure("engine_oldest_snapshot_age_versions", "Versions the oldest of them is behind");
    measure("engine_hottest_key_conflicts", "Conflicts about the key that had most");
}
