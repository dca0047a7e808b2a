//! Overlays beside many threads: every view is checked for exactness while others write, flush and delete.
//!
//! A run is as long as `MILLIS` says, each test alone; that of the long one, which has ten iterators, as `SOAK_SECONDS` says:
//!
//! `SOAK_SECONDS=60 cargo test --release -p engine --test overlay_threads -- every_view --nocapture`

mod stack;

use engine::{Error, Overlay, OverlayBatch, OverlayView, Store};
use stack::entries;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Result<T = ()> = std::result::Result<T, Error>;

/// How long the threads of a test run.
fn run_time() -> Duration {
    let millis = std::env::var("MILLIS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(millis.unwrap_or(1_500))
}

/// How long the threads of the long test run.
fn soak_time() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(3.0))
}

/// Runs `work` again and again on a thread of `scope` until the time is over, but once at least. Returns how often.
fn repeat<'s, 'e: 's>(
    scope: &'s std::thread::Scope<'s, 'e>,
    end: Instant,
    mut work: impl FnMut() -> Result + Send + 's,
) -> std::thread::ScopedJoinHandle<'s, Result<u64>> {
    scope.spawn(move || {
        let mut rounds = 0;
        while rounds == 0 || Instant::now() < end {
            work()?;
            rounds += 1;
        }
        Ok(rounds)
    })
}

/// What one writer has begun to write, and what it is done with.
#[derive(Default)]
struct Progress {
    begun: AtomicU64,
    done: AtomicU64,
}

const WRITERS: usize = 4;
const ITERATORS: usize = 10;
/// The last rounds of a writer, each of which leaves a trace of its own.
const LOGGED: u64 = 64;

/// Writes rounds, each of them one batch to one layer: two keys that always hold the same number, a third that is there
/// in even rounds only, and one in a ring of traces, which the next round leaves alone: if it is lost, it stays lost.
fn write_round(layer: &Overlay, writer: usize, progress: &Progress) -> Result {
    let round = progress.begun.fetch_add(1, Ordering::SeqCst) + 1;
    let mut batch = OverlayBatch::new();
    batch.put(format!("{writer} first"), round.to_be_bytes());
    batch.put(format!("{writer} log {:02}", round % LOGGED), round.to_be_bytes());
    batch.put(format!("{writer} second"), round.to_be_bytes());
    if round.is_multiple_of(2) {
        batch.put(format!("{writer} even"), "");
    } else {
        batch.delete(format!("{writer} even"));
    }
    layer.commit(&batch)?;
    progress.done.store(round, Ordering::SeqCst);
    Ok(())
}

fn number(view: &OverlayView, key: String) -> Result<u64> {
    let value = view.get(key)?;
    Ok(value.map_or(0, |value| u64::from_be_bytes(value[..].try_into().unwrap())))
}

/// What a view must show of all writers; `seen` is what this reader saw of each before.
fn check_view(layer: &Overlay, writers: &[Progress], seen: &mut [u64; WRITERS]) -> Result {
    let done: Vec<u64> = writers.iter().map(|w| w.done.load(Ordering::SeqCst)).collect();
    let view = layer.view();
    let begun: Vec<u64> = writers.iter().map(|w| w.begun.load(Ordering::SeqCst)).collect();
    let mut expected = Vec::new();
    for writer in 0..WRITERS {
        let round = number(&view, format!("{writer} first"))?;
        assert!(done[writer] <= round, "{writer}: {} is done, {round} is seen", done[writer]);
        assert!(round <= begun[writer], "{writer}: {round} is seen before it is written");
        assert!(seen[writer] <= round, "{writer}: {round} is seen after {}", seen[writer]);
        seen[writer] = round;
        if round > 0 && round.is_multiple_of(2) {
            expected.push((format!("{writer} even").into_bytes(), vec![]));
        }
        if round > 0 {
            expected.push((format!("{writer} first").into_bytes(), round.to_be_bytes().into()));
            expected.extend((0..LOGGED).filter_map(|slot| {
                // The last round that wrote to this slot, if one did.
                let last = round.saturating_sub((round + LOGGED - slot) % LOGGED);
                (last > 0).then(|| {
                    (format!("{writer} log {slot:02}").into_bytes(), last.to_be_bytes().into())
                })
            }));
            expected.push((format!("{writer} second").into_bytes(), round.to_be_bytes().into()));
        }
    }
    let outside = [number(&view, "store first".into())?, number(&view, "store second".into())?];
    assert_eq!(outside[0], outside[1], "half of a commit to the store is seen");
    let writers_only = |rows: Vec<stack::Row>| {
        rows.into_iter().filter(|(key, _)| !key.starts_with(b"store")).collect::<Vec<_>>()
    };
    assert_eq!(writers_only(entries(view.iter())?), expected);
    expected.reverse();
    assert_eq!(writers_only(entries(view.range(..).rev())?), expected);
    Ok(())
}

#[test]
fn every_view_is_exact_beside_writers_to_all_layers_and_flushes_of_all() -> Result {
    let store = Store::in_memory();
    let mut layers = vec![store.overlay()];
    for depth in 0..3 {
        layers.push(layers[depth].overlay());
    }
    let (layers, store) = (&layers, &store);
    let writers: [Progress; WRITERS] = Default::default();
    let end = Instant::now() + soak_time();
    let counts = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (writer, progress) in writers.iter().enumerate() {
            threads
                .push(repeat(scope, end, move || write_round(&layers[writer], writer, progress)));
        }
        for reader in 0..ITERATORS {
            let (mut seen, writers) = ([0; WRITERS], &writers);
            threads.push(repeat(scope, end, move || {
                check_view(&layers[3], writers, &mut seen)?;
                if reader < 3 { owned_iterators_agree(&layers[3]) } else { Ok(()) }
            }));
        }
        for flusher in 0..2 {
            let mut rng = fastrand::Rng::with_seed(flusher);
            threads.push(repeat(scope, end, move || layers[rng.usize(..4)].flush().map(drop)));
        }
        let mut round = 0u64;
        threads.push(repeat(scope, end, move || {
            round += 1;
            let mut batch = engine::WriteBatch::new();
            batch.put("store first", round.to_be_bytes()).put("store second", round.to_be_bytes());
            store.commit(&batch).map(drop)
        }));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Result<Vec<u64>>>()
    })?;
    let rounds = |threads: std::ops::Range<usize>| counts[threads].iter().sum::<u64>();
    let (written, checked) = (rounds(0..WRITERS), rounds(WRITERS..WRITERS + ITERATORS));
    println!(
        "{WRITERS} writers: {written} batches; {ITERATORS} readers: {checked} views, each iterated both ways; \
         2 flushers and 1 writer outside: {:?}; 0 wrong, 0 lost",
        &counts[WRITERS + ITERATORS..]
    );
    assert!(counts.iter().all(|&rounds| rounds > 0));
    let mut seen = [0; WRITERS];
    check_view(&layers[3], &writers, &mut seen)?;
    layers.iter().rev().try_for_each(|layer| layer.flush().map(drop))?;
    check_view(&layers[0], &writers, &mut seen)?;
    let snapshot = store.snapshot();
    for (writer, progress) in writers.iter().enumerate() {
        let last = snapshot.get(format!("{writer} second"))?.unwrap();
        assert_eq!(last, progress.done.load(Ordering::SeqCst).to_be_bytes());
    }
    Ok(())
}

/// An iterator that owns its view, read slowly from both ends, shows pairs that agree.
fn owned_iterators_agree(layer: &Overlay) -> Result {
    let (mut rows, mut iterator) = (Vec::new(), layer.iter());
    while let Some(row) = iterator.next() {
        rows.push(row?);
        std::thread::yield_now();
        rows.extend(iterator.next_back().transpose()?);
    }
    for (key, value) in &rows {
        if let Some(writer) = key.strip_suffix(b"first") {
            let second = [writer, b"second"].concat();
            let other = rows.iter().find(|(key, _)| *key == second).expect("half of a pair");
            assert_eq!(value, &other.1);
        }
    }
    Ok(())
}

#[test]
fn no_flush_writes_again_what_was_flushed_before() -> Result {
    let store = Store::in_memory();
    let root = store.overlay();
    let nested = root.overlay();
    let end = Instant::now() + run_time();
    let (rounds, flushes) = std::thread::scope(|scope| {
        let others: Vec<_> = [&root, &nested, &root]
            .map(|layer| repeat(scope, end, move || layer.flush().map(drop)))
            .into_iter()
            .collect();
        let mut rounds = 0u64;
        while Instant::now() < end {
            rounds += 1;
            nested.put("k", rounds.to_be_bytes())?;
            nested.flush()?;
            root.flush()?;
            assert_eq!(store.snapshot().get("k")?.unwrap(), rounds.to_be_bytes());
            // Nobody has "k" now: whatever flush ends later must leave what is put below.
            root.put("k", "root")?;
            nested.flush()?;
            assert_eq!(nested.get("k")?.unwrap(), b"root");
            root.flush()?;
            store.put("k", "store")?;
            nested.flush()?;
            root.flush()?;
            assert_eq!(store.snapshot().get("k")?.unwrap(), "store");
        }
        let flushes = others.into_iter().map(|thread| thread.join().unwrap());
        Ok::<_, Error>((rounds, flushes.collect::<Result<Vec<u64>>>()?))
    })?;
    println!("{rounds} rounds beside {flushes:?} flushes");
    assert_eq!(store.snapshot().get("k")?.unwrap(), "store");
    Ok(())
}

#[test]
fn a_range_is_deleted_as_one_step_beside_writers_of_pairs_in_it() -> Result {
    let store = Store::in_memory();
    let root = store.overlay();
    let nested = root.overlay();
    let layers = [&nested, &root];
    for layer in layers {
        let end = Instant::now() + run_time() / 2;
        let counts = std::thread::scope(|scope| {
            let mut threads = Vec::new();
            let mut rng = fastrand::Rng::with_seed(1);
            threads.push(repeat(scope, end, move || {
                let mut batch = OverlayBatch::new();
                let pair = rng.u8(..20);
                batch.put([b'a', pair], [pair]).put([b'z', pair], [pair]);
                layer.commit(&batch)
            }));
            threads.push(repeat(scope, end, || layer.delete_range("a".."zz")));
            threads.push(repeat(scope, end, || layer.flush().map(drop)));
            threads.push(repeat(scope, end, || {
                let keys: Vec<_> =
                    entries(nested.view().iter())?.into_iter().map(|row| row.0).collect();
                let (first, second) = keys.split_at(keys.len() / 2);
                assert!(keys.len() % 2 == 0, "half a pair is left: {keys:?}");
                assert!(first.iter().zip(second).all(|(a, z)| a[1] == z[1]), "{keys:?}");
                Ok(())
            }));
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Result<Vec<u64>>>()
        })?;
        println!("writer, deleter, flusher, reader: {counts:?} rounds");
        layer.delete_range(..)?;
        assert_eq!(nested.iter().count(), 0);
    }
    nested.flush()?;
    root.flush()?;
    assert_eq!(store.snapshot().iter().count(), 0);
    Ok(())
}

#[test]
fn layers_that_come_and_go_beside_others_leave_nothing_behind() -> Result {
    let store = Store::in_memory();
    let root = store.overlay();
    let end = Instant::now() + run_time();
    let kept = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let threads = [0u8, 1, 2].map(|thread| {
            let (root, kept, mut round) = (&root, &kept, 0u64);
            repeat(scope, end, move || {
                let outer = root.overlay();
                let frame = outer.overlay();
                round += 1;
                let key = [&[thread][..], &round.to_be_bytes()].concat();
                frame.put(&key, "v")?;
                assert!(frame.contains(&key)? && !outer.contains(&key)?);
                match round % 3 {
                    0 => {
                        frame.flush()?;
                        outer.flush()?;
                        kept.fetch_add(1, Ordering::Relaxed);
                    }
                    1 => frame.flush().map(drop)?,
                    _ => {}
                }
                drop(outer);
                Ok(())
            })
        });
        threads.into_iter().try_for_each(|thread| thread.join().unwrap().map(drop))
    })?;
    assert_eq!(root.iter().count() as u64, kept.load(Ordering::Relaxed));
    root.flush()?;
    assert_eq!(store.snapshot().iter().count() as u64, kept.load(Ordering::Relaxed));
    Ok(())
}
