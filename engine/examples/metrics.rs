//! Observability: figures for a host's recorder, hot keys, a reader that is too slow.
//!
//! The recorder here keeps numbers in a map; a service installs one that exports them (`metrics-exporter-prometheus`, say) and
//! calls `publish_metrics` every few seconds, or before each scrape. Spans and events: feature `tracing`.
//!
//! `cargo run -p engine --features metrics --example metrics`

use engine::{Error, Store};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Name, labels, and number: a counter's own, or the bits of a gauge's.
#[derive(Default)]
struct Numbers {
    counters: Mutex<BTreeMap<Key, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<Key, Arc<AtomicU64>>>,
}

impl Recorder for Numbers {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.counters.lock().expect("nobody panics");
        Counter::from_arc(counters.entry(key.clone()).or_default().clone())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut gauges = self.gauges.lock().expect("nobody panics");
        Gauge::from_arc(gauges.entry(key.clone()).or_default().clone())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn main() -> Result<(), Error> {
    let store = Store::builder()
        .on_slow_reader(500, |reader| {
            println!("slow: version {}, {} behind", reader.version, reader.behind)
        })
        .open()?;

    // Load: four threads count the same visits, and somebody has forgotten a snapshot.
    let forgotten = store.snapshot();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for visit in 0..250_u32 {
                    store.put(format!("visit/{thread}/{visit}"), "")?;
                    store.update("visits", |visits| {
                        let visits =
                            visits.map_or(0, |v| v.try_into().map_or(0, u32::from_le_bytes));
                        Some((visits + 1).to_le_bytes().to_vec())
                    })?;
                }
                Ok::<_, Error>(())
            });
        }
    });
    assert_eq!(store.snapshot().get("visits")?.expect("counted"), 1_000_u32.to_le_bytes());

    // Publishing costs its caller something, and nobody else. (A service: `metrics::set_global_recorder`, once.)
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || store.publish_metrics("visits"));
    for (key, number) in numbers.counters.lock().expect("nobody panics").iter() {
        println!("{key} = {}", number.load(Ordering::Relaxed));
    }
    let gauges = numbers.gauges.lock().expect("nobody panics");
    for (key, number) in gauges.iter() {
        println!("{key} = {}", f64::from_bits(number.load(Ordering::Relaxed)));
    }
    let age = Key::from_parts("engine_oldest_snapshot_age_versions", &[("store", "visits")]);
    let behind = store.version().get() - forgotten.version().get();
    assert_eq!(f64::from_bits(gauges[&age].load(Ordering::Relaxed)), behind as f64);

    // Which key the conflicts were about is no label of a metric: it can be asked for.
    for hot in store.hottest_keys() {
        println!("{} conflicts about {:?}", hot.conflicts, hot.key.escape_ascii().to_string());
        assert_eq!(hot.key, b"visits");
    }
    Ok(())
}
