//! One old snapshot and one hot key.

use super::{Line, Size, nanos};
use epoch_store::Map;

/// Overwrites one key under an old snapshot; says how long its chain is, and what the last overwrites cost over the first.
pub fn old_snapshot_and_hot_key(size: Size) -> Vec<Line> {
    let map = Map::new();
    map.put("hot", [0; 32]).expect("a small key");
    let snapshot = map.snapshot();
    let some = || {
        let times = 20_000;
        nanos(|| (0..times).for_each(|_| _ = map.put("hot", [1; 32]).expect("a small key")))
            / f64::from(times)
    };
    some();
    let first = some();
    for _ in 0..size.keys {
        map.put("hot", [2; 32]).expect("a small key");
    }
    let last = some();
    let chain = map.survey().longest_chain;
    assert_eq!(snapshot.get("hot").expect("it is seen"), [0; 32], "what the snapshot saw");
    vec![
        Line::of(
            format!("{} overwrites of one key under an old snapshot: chain", size.keys),
            chain as f64,
            "",
        )
        .at_most(3.0),
        Line::of("... an overwrite at the end", last, "ns"),
        Line::of("... over the start", last / first, "x").at_most(1.5),
    ]
}
