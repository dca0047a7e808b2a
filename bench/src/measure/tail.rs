//! One-key commits while a commit of hundreds of thousands of keys is made beside them.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::timing::median;
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, View, Writer};
use crate::workload::{Walk, value};

/// One-key commits timed with nobody beside, for the pace they would have kept.
const QUIET: usize = 2_000;

/// Time after which the small commits end, though the big one does not: a store that gives way to
/// them for minutes has shown what it does.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest commit the histogram takes, in nanoseconds; longer ones count as this.
const LONGEST: u64 = 600_000_000_000;

/// Measures the percentile; nothing where a commit of several keys is not atomic, or there can be
/// no second thread.
///
/// A writer that is stopped for a second makes one slow commit, where it would have made a
/// hundred thousand: counting commits would hide the stop. So the histogram is corrected for that
/// (coordinated omission), with the median of the quiet commits as the pace.
pub fn tail<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let Some(map) = bed.map.shared() else { return findings };
    if !C::ATOMIC_COMMITS {
        return findings;
    }
    let mut small = SmallCommits {
        writer_of: map,
        walk: bed.streams.walk(bed.streams.uniform()),
        sequence: bed.streams.sequence(),
    };
    let big = bed.streams.loaded().walk(0);
    let big_len = bed.plan.big_commit();
    let big_sequence = bed.streams.sequence();

    let mut quiet: Vec<f64> = small.time_while(|done| done < QUIET);
    let pace = median(&mut quiet).unwrap_or(1.0).max(1.0);

    let start = Barrier::new(2);
    let done = AtomicBool::new(false);
    let (took, times) = thread::scope(|scope| {
        let big_thread = scope.spawn(|| {
            start.wait();
            let took = commit_big(map, big, big_len, big_sequence);
            // Relaxed: the flag carries nothing but itself.
            done.store(true, Ordering::Relaxed);
            took
        });
        start.wait();
        let begin = Instant::now();
        // Relaxed: as above. A first commit is made in any case.
        let waits = || !done.load(Ordering::Relaxed) && begin.elapsed() < PATIENCE;
        let times = small.time_while(|made| made == 0 || waits());
        (big_thread.join().expect("the thread of the big commit died"), times)
    });

    record(&mut findings, &times, pace);
    findings.figure(Cell::TailCommit, took.as_nanos() as f64 / 1e3);
    findings.note(Cell::Tail, format!("{} commits beside one of {big_len} keys", times.len()));
    findings.expect::<C>(Cell::Tail, whole(bed, map, big_len), big_len as u64);
    findings
}

/// Commits one key after the other.
struct SmallCommits<'b, M> {
    writer_of: &'b M,
    walk: Walk<'b>,
    sequence: u64,
}

impl<M: Contender> SmallCommits<'_, M> {
    /// Nanoseconds of each commit made while `go_on`, asked with the number made so far, says yes.
    fn time_while(&mut self, go_on: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut writer = self.writer_of.writer();
        let mut times = Vec::with_capacity(1 << 20);
        while go_on(times.len()) {
            let key = self.walk.step();
            let held = value::make(key, self.sequence);
            self.sequence += 1;
            let begin = Instant::now();
            writer.put(key, &held);
            times.push(begin.elapsed().as_nanos() as f64);
        }
        times
    }
}

fn commit_big<M: Contender>(map: &M, keys: Walk<'_>, len: usize, sequence: u64) -> Duration {
    let mut writer = map.writer();
    let begin = Instant::now();
    writer.commit(keys.ops(len, sequence));
    begin.elapsed()
}

fn record(findings: &mut Findings, times: &[f64], pace: f64) {
    let empty = || Histogram::<u64>::new_with_max(LONGEST, 3).expect("these bounds are valid");
    let (mut raw, mut corrected) = (empty(), empty());
    for &time in times {
        let time = (time as u64).clamp(1, LONGEST);
        raw.saturating_record(time);
        corrected.record_correct(time, pace as u64).expect("the time was clamped to the bounds");
    }
    let micros = |nanos: u64| nanos as f64 / 1e3;
    findings.figure(Cell::Tail, micros(corrected.value_at_quantile(0.999)));
    findings.figure(Cell::TailRaw, micros(raw.value_at_quantile(0.999)));
    findings.figure(Cell::TailMax, micros(raw.max()));
}

/// Keys of the big commit that hold a whole value of their own afterwards.
fn whole<C: Contender, M: Contender>(bed: &Bed<'_, C>, map: &M, len: usize) -> u64 {
    let mut walk = bed.streams.loaded().walk(0);
    let view = map.view();
    let good = (0..len).filter(|_| {
        let key = walk.step();
        view.get(key, |held| value::sequence(key, held)).flatten().is_some()
    });
    good.count() as u64
}
