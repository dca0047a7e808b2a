//! With the feature `metrics`: what is published are the figures of the store, and nothing is recorded in between.

use engine::{Isolation, Store};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Counters and gauges by name and labels, as `name{label=value}`.
#[derive(Default)]
struct Recorded {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    described: Mutex<BTreeSet<String>>,
}

fn full_name(key: &Key) -> String {
    let mut labels: Vec<_> =
        key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    labels.sort();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

impl Recorder for Recorded {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().to_owned());
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().to_owned());
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.counters.lock().unwrap().entry(full_name(key)).or_default().clone())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.gauges.lock().unwrap().entry(full_name(key)).or_default().clone())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl Recorded {
    fn counter(&self, name: &str) -> u64 {
        self.counters.lock().unwrap()[name].load(Ordering::Relaxed)
    }

    fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.gauges.lock().unwrap()[name].load(Ordering::Relaxed))
    }

    fn names(&self) -> BTreeSet<String> {
        let (counters, gauges) = (self.counters.lock().unwrap(), self.gauges.lock().unwrap());
        counters.keys().chain(gauges.keys()).cloned().collect()
    }
}

/// Loses against somebody else once, under `isolation`.
fn lose(store: &Store, isolation: Isolation) {
    let mut transaction = store.transaction_with(isolation);
    transaction.get("k").unwrap();
    transaction.put("k", "mine").unwrap();
    store.put("k", "somebody else's").unwrap();
    assert!(transaction.commit().unwrap_err().is_conflict());
}

#[test]
fn conflicts_and_retries_are_counted_by_what_they_were() {
    let (store, recorded) = (Store::in_memory(), Recorded::default());
    lose(&store, Isolation::Serializable);
    lose(&store, Isolation::Serializable);
    lose(&store, Isolation::Snapshot);
    let mut is_first = true;
    store
        .update("k", |old| {
            if std::mem::take(&mut is_first) {
                store.put("k", "in between").unwrap();
            }
            old.map(<[u8]>::to_vec)
        })
        .unwrap();
    metrics::with_local_recorder(&recorded, || store.publish_metrics("s"));
    assert_eq!(recorded.counter("engine_conflicts_total{kind=read-write,store=s}"), 3);
    assert_eq!(recorded.counter("engine_conflicts_total{kind=write-write,store=s}"), 1);
    assert_eq!(recorded.counter("engine_conflicts_total{kind=phantom,store=s}"), 0);
    assert_eq!(recorded.counter("engine_retries_total{store=s}"), 1);
    assert_eq!(recorded.gauge("engine_hottest_key_conflicts{store=s}"), 4.0);
}

#[test]
fn an_old_snapshot_and_what_it_keeps_show_and_go() {
    let (store, recorded) = (Store::in_memory(), Recorded::default());
    store.put("k", "0").unwrap();
    let old = store.snapshot();
    (1..=20).for_each(|n: u32| _ = store.put("k", n.to_string()).unwrap());
    metrics::with_local_recorder(&recorded, || store.publish_metrics("s"));
    assert_eq!(recorded.counter("engine_commits_total{store=s}"), 21);
    assert_eq!(recorded.gauge("engine_version{store=s}"), 21.0);
    assert_eq!(recorded.gauge("engine_live_keys{store=s}"), 1.0);
    assert_eq!(recorded.gauge("engine_open_snapshots{store=s}"), 1.0);
    assert_eq!(recorded.gauge("engine_oldest_snapshot_age_versions{store=s}"), 20.0);
    assert!(recorded.gauge("engine_versions{store=s}") >= 2.0);
    assert!(recorded.gauge("engine_garbage_queued{store=s}") >= 1.0);
    drop(old);
    store.maintain();
    metrics::with_local_recorder(&recorded, || store.publish_metrics("s"));
    assert_eq!(recorded.gauge("engine_versions{store=s}"), 1.0);
    assert_eq!(recorded.gauge("engine_garbage_queued{store=s}"), 0.0);
    assert_eq!(recorded.gauge("engine_oldest_snapshot_age_versions{store=s}"), 0.0);
}

#[test]
fn publishing_twice_counts_once_and_stores_are_told_apart() {
    let (one, other, recorded) = (Store::in_memory(), Store::in_memory(), Recorded::default());
    one.put("k", "").unwrap();
    metrics::with_local_recorder(&recorded, || {
        one.publish_metrics("one");
        other.publish_metrics("other");
        one.publish_metrics("one");
    });
    assert_eq!(recorded.counter("engine_commits_total{store=one}"), 1);
    assert_eq!(recorded.counter("engine_commits_total{store=other}"), 0);
}

#[test]
fn nothing_is_recorded_before_it_is_published_and_all_of_it_is_described() {
    let (store, recorded) = (Store::in_memory(), Recorded::default());
    metrics::with_local_recorder(&recorded, || {
        lose(&store, Isolation::Serializable);
        store.maintain();
        assert_eq!(recorded.names().len(), 0);
        store.publish_metrics("s");
    });
    let names = recorded.names();
    let families: BTreeSet<_> =
        names.iter().filter_map(|name| name.split('{').next()).map(str::to_owned).collect();
    assert_eq!(families, *recorded.described.lock().unwrap());
    assert!(names.iter().all(|name| name.contains("store=s}")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("key=")), "keys are no labels");
}
