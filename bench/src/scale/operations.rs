//! One operation of each workload, as a thread does it again and again.
//!
//! Requests are drawn beforehand, each thread begins at a place of its own, and answers are checked while the clock runs:
//! the same few instructions for everyone.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::Workload;
use super::stopwatch::{Timed, time};
use crate::contender::{Contender, Snapshots, View, Writer};
use crate::measure::timing::{STARVED, together};
use crate::measure::{Bed, COMMIT_LEN};
use crate::workload::{Stream, value};

/// Operations of which one is timed by itself, where they are short. A prime: a map that does something every 64 operations
/// must not do it in every sample, or in none.
const GROUP: u32 = 61;
/// The same where they are longer.
const GROUP_OF_WRITES: u32 = 17;

/// What some threads did with one workload.
pub struct Done {
    /// The threads that do what the workload is named for.
    pub timed: Timed,
    /// The writer beside them, where there is one: commits a second.
    pub writer: Option<f64>,
    /// Attempts that were in vain, where there are updates.
    pub in_vain: Option<u64>,
    /// Reads, and full scans by their entries.
    pub asked: u64,
    /// Those that did not return what was written.
    pub wrong: u64,
}

/// Lets `threads` threads do `workload`, each for the time of the plan; `None` where the contender cannot.
pub fn perform<C: Contender, M: Contender + Sync>(
    workload: Workload,
    bed: &Bed<'_, C>,
    map: &M,
    threads: usize,
) -> Option<Done> {
    if workload == Workload::Commits && !C::ATOMIC_COMMITS
        || workload == Workload::Updates && !C::UPDATES
        || workload == Workload::Snapshots && C::SNAPSHOTS == Snapshots::None
    {
        return None;
    }
    Some(match workload {
        Workload::Gets => gets(bed, map, threads),
        Workload::MixReads => mix(bed, map, threads, 95),
        Workload::MixEven => mix(bed, map, threads, 50),
        Workload::Puts => puts(bed, map, threads),
        Workload::Commits => commits(bed, map, threads),
        Workload::Updates => updates(bed, map, threads),
        Workload::Scans => scans(bed, map, threads),
        Workload::Beside => scans_beside(bed, map, threads),
        Workload::Snapshots => snapshots(bed, map, threads),
    })
}

/// The time of one thread, and how many of its reads went well.
type Share = (Timed, u64, u64);

fn sum(shares: Vec<Share>) -> Done {
    let mut done = Done { timed: Timed::none(), writer: None, in_vain: None, asked: 0, wrong: 0 };
    for (timed, asked, good) in shares {
        done.timed = done.timed.beside(&timed);
        done.asked += asked;
        done.wrong += asked.abs_diff(good);
    }
    done
}

fn until(limit: Duration) -> impl Fn(Duration) -> bool {
    move |since| since < limit
}

/// A place in `stream` for each thread, the same for every contender of a round.
fn places<C>(bed: &Bed<'_, C>, stream: &Stream, threads: usize) -> Vec<usize> {
    (0..threads).map(|_| bed.streams.place(stream)).collect()
}

/// Sequence numbers for each thread to write with.
fn sequences<C>(bed: &Bed<'_, C>, threads: usize) -> Vec<u64> {
    (0..threads).map(|_| bed.streams.sequence()).collect()
}

fn gets<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> Done {
    let limit = bed.plan.cell;
    let stream = bed.streams.uniform();
    let places = places(bed, stream, threads);
    sum(together(threads, |number, start| {
        let view = map.view();
        let mut walk = stream.walk(places[number]);
        let mut good = 0;
        start.wait();
        let timed = time(GROUP, until(limit), || {
            let key = walk.step();
            good += u64::from(view.get(key, |held| value::belongs(key, held)) == Some(true));
        });
        let asked = timed.operations;
        (timed, asked, good)
    }))
}

fn mix<C: Contender, M: Contender + Sync>(
    bed: &Bed<'_, C>,
    map: &M,
    threads: usize,
    read_percent: u8,
) -> Done {
    let (limit, round) = (bed.plan.cell, bed.plan.round);
    let stream = bed.streams.skewed();
    let (places, sequences) = (places(bed, stream, threads), sequences(bed, threads));
    sum(together(threads, |number, start| {
        let mut writer = map.writer();
        let mut walk = stream.walk(places[number]);
        let mut coin = fastrand::Rng::with_seed(round << 16 | number as u64);
        let mut sequence = sequences[number];
        let (mut asked, mut good) = (0, 0);
        start.wait();
        let timed = time(GROUP, until(limit), || {
            let key = walk.step();
            if coin.u8(0..100) < read_percent {
                asked += 1;
                let own = map.get_newest(key, |held| value::belongs(key, held));
                good += u64::from(own == Some(true));
            } else {
                writer.put(key, &value::make(key, sequence));
                sequence += 1;
            }
        });
        (timed, asked, good)
    }))
}

fn puts<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> Done {
    let limit = bed.plan.cell;
    let shares: Vec<Stream> =
        (0..threads as u64).map(|part| bed.streams.share(part, threads as u64)).collect();
    let sequences = sequences(bed, threads);
    sum(together(threads, |number, start| {
        let mut writer = map.writer();
        let mut walk = shares[number].walk(0);
        let mut sequence = sequences[number];
        start.wait();
        let timed = time(GROUP_OF_WRITES, until(limit), || {
            let key = walk.step();
            writer.put(key, &value::make(key, sequence));
            sequence += 1;
        });
        // Nobody else writes these keys: what was written last must be there.
        let last = shares[number].key((timed.operations as usize - 1) % shares[number].len());
        let held = map.get_newest(last, |held| value::sequence(last, held)).flatten();
        (timed, 1, u64::from(held == Some(sequence - 1)))
    }))
}

fn commits<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> Done {
    let limit = bed.plan.cell;
    let stream = bed.streams.uniform();
    let (places, sequences) = (places(bed, stream, threads), sequences(bed, threads));
    sum(together(threads, |number, start| {
        let mut writer = map.writer();
        let mut walk = stream.walk(places[number]);
        let mut sequence = sequences[number];
        start.wait();
        let timed = time(1, until(limit), || {
            writer.commit(walk.ops(COMMIT_LEN, sequence));
            walk.advance(COMMIT_LEN);
            sequence += 1;
        });
        (timed, 0, 0)
    }))
}

/// No update may be lost: each makes the sequence number of its key one higher, so the sum of all numbers says how many
/// there were.
fn updates<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> Done {
    let (limit, stream) = (bed.plan.cell, bed.streams.skewed());
    let places = places(bed, stream, threads);
    let in_vain = AtomicU64::new(0);
    let before = sum_of_sequences(map);
    let mut done = sum(together(threads, |number, start| {
        let mut writer = map.writer();
        let mut walk = stream.walk(places[number]);
        let mut vain = 0;
        start.wait();
        let timed = time(GROUP_OF_WRITES, until(limit), || {
            let key = walk.step();
            vain += writer.update(key, |held| {
                value::make(key, value::sequence(key, held).unwrap_or_default() + 1)
            });
        });
        // Relaxed: read after the threads are joined.
        in_vain.fetch_add(vain, Ordering::Relaxed);
        (timed, 0, 0)
    }));
    done.in_vain = Some(in_vain.into_inner());
    done.asked = done.timed.operations;
    done.wrong = done.asked.abs_diff(sum_of_sequences(map).wrapping_sub(before));
    done
}

/// The sum, as far as it goes into a word: only its differences mean something.
fn sum_of_sequences<M: Contender>(map: &M) -> u64 {
    let mut sum = 0_u64;
    map.view().scan(|key, held| {
        sum = sum.wrapping_add(value::sequence(key, held).unwrap_or_default());
    });
    sum
}

fn scans<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> Done {
    let (keys, limit) = (bed.plan.keys as u64, bed.plan.cell);
    sum(together(threads, |_, start| {
        start.wait();
        scan_for(limit, map, keys)
    }))
}

fn scan_for<M: Contender>(limit: Duration, map: &M, keys: u64) -> Share {
    let mut good = 0;
    let timed = time(1, until(limit), || {
        map.view().scan(|key, held| good += u64::from(value::belongs(key, held)));
    });
    let asked = timed.operations * keys;
    (timed, asked, good)
}

/// One thread of several overwrites for as long as the others scan, or until it has starved them. With one thread both are measured alone, the scan first.
fn scans_beside<C: Contender, M: Contender + Sync>(
    bed: &Bed<'_, C>,
    map: &M,
    threads: usize,
) -> Done {
    let (keys, limit) = (bed.plan.keys as u64, bed.plan.cell);
    let stream = bed.streams.uniform();
    let (place, sequence) = (bed.streams.place(stream), bed.streams.sequence());
    let overwriter = Overwriter { map, stream, place, sequence };
    if threads == 1 {
        let mut done = sum(vec![scan_for(limit, map, keys)]);
        done.writer = Some(overwriter.write_while(until(limit)).rate());
        return done;
    }
    let scanning = AtomicUsize::new(threads - 1);
    let written = AtomicU64::new(0);
    let shares = together(threads, |number, start| {
        start.wait();
        if number > 0 {
            let _scanning = Leave(&scanning);
            return scan_for(limit, map, keys);
        }
        // Relaxed, here and below: numbers that guard nothing, or are read after the threads are joined.
        let goes_on = |since| since < STARVED && scanning.load(Ordering::Relaxed) > 0;
        let timed = overwriter.write_while(goes_on);
        written.store(timed.rate().to_bits(), Ordering::Relaxed);
        (Timed::none(), 0, 0)
    });
    let mut done = sum(shares);
    done.writer = Some(f64::from_bits(written.into_inner()));
    done
}

/// Says that a scanning thread has ended, also when it panics: the writer would go on for ever.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The writer that scans have beside them.
struct Overwriter<'b, M> {
    map: &'b M,
    stream: &'b Stream,
    place: usize,
    sequence: u64,
}

impl<M: Contender> Overwriter<'_, M> {
    fn write_while(&self, goes_on: impl Fn(Duration) -> bool) -> Timed {
        let mut writer = self.map.writer();
        let mut walk = self.stream.walk(self.place);
        let mut sequence = self.sequence;
        time(GROUP_OF_WRITES, goes_on, || {
            let key = walk.step();
            writer.put(key, &value::make(key, sequence));
            sequence += 1;
        })
    }
}

fn snapshots<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> Done {
    let limit = bed.plan.cell;
    let stream = bed.streams.uniform();
    let places = places(bed, stream, threads);
    sum(together(threads, |number, start| {
        let key = stream.key(places[number]);
        start.wait();
        let timed = time(GROUP, until(limit), || drop(black_box(map.view())));
        // The last one must be one that can be read.
        let own = map.view().get(key, |held| value::belongs(key, held));
        (timed, 1, u64::from(own == Some(true)))
    }))
}
