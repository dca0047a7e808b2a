//! Pauses while the hash front grows with the map.

use super::{Line, Size, nanos, scattered, tail};
use epoch_store::Map;

/// The longest insert and look-up on the way to many keys, beside those that the machine itself interrupts.
pub fn pauses_while_growing(size: Size) -> Vec<Line> {
    let map = Map::new();
    let (mut puts, mut gets) = (Vec::new(), Vec::new());
    for i in 0..size.keys {
        puts.push(nanos(|| _ = map.put(scattered(i), [0; 32]).expect("a small key")));
        if i % 4 == 0 {
            let snapshot = map.snapshot();
            gets.push(nanos(|| assert!(snapshot.contains(scattered(i / 2)), "it was put")));
        }
    }
    let idle = idle_pause(&puts);
    let growths = map.stats().hash_growths;
    let (put, longest_put) = tail(&mut puts);
    let (get, longest_get) = tail(&mut gets);
    vec![
        Line::of(format!("insert while growing to {} keys: p99.9", size.keys), put / 1e3, "us"),
        Line::of("... longest", longest_put / 1e3, "us"),
        Line::of("look-up meanwhile: p99.9", get / 1e3, "us"),
        Line::of("... longest", longest_get / 1e3, "us"),
        Line::of("... tables begun", growths as f64, ""),
        Line::of("a loop that does nothing, for as long: its longest pause", idle / 1e3, "us"),
    ]
}

/// The longest step of a loop that only looks at the clock, for as long as `puts` took.
fn idle_pause(puts: &[f64]) -> f64 {
    let (total, mut spent, mut longest) = (puts.iter().sum::<f64>(), 0.0, 0.0_f64);
    while spent < total {
        let step = nanos(|| std::hint::black_box(()));
        longest = longest.max(step);
        spent += step.max(20.0);
    }
    longest
}
