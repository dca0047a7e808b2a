//! The race that an audit reported in a chain's cache layer, run against an overlay: iterators that are opened by several
//! threads over one shared layer, while others write to it and flush it. Every iterator's view is checked.
//!
//! `cargo run --release -p engine --example cachekv_race -- 60`: for 60 seconds, on all cores; 3 without the argument. It ends
//! with 1 if anything was wrong.
//!
//! *What is checked.* Each writer moves amounts between accounts of its own, in batches of two accounts and a stamp, so in
//! every state that there ever was its accounts have the same sum and its stamp is the number of its last batch. An
//! iterator must find exactly the sum, all accounts and no others, in order; a stamp that was begun when it was opened, that
//! is not older than what was done by then, and not older than what the same reader found before.

use engine::{Error, Overlay, OverlayBatch, Store};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

const WRITERS: usize = 4;
const READERS: usize = 10;
const FLUSHERS: usize = 2;
/// Accounts of each writer. The cache of the report hangs from 64 items on.
const ACCOUNTS: u64 = 100;
const BALANCE: u64 = 1_000;

/// How far a writer is.
#[derive(Default)]
struct Progress {
    begun: AtomicU64,
    done: AtomicU64,
}

/// What all threads share.
struct Race {
    store: Store,
    /// Over the store, and the layer that is shared; another lies between them.
    block: Overlay,
    shared: Overlay,
    writers: [Progress; WRITERS],
    is_over: AtomicBool,
    iterators: AtomicU64,
    entries: AtomicU64,
    flushes: AtomicU64,
    violations: AtomicU64,
}

/// An account, or the stamp, of a writer.
fn account(writer: usize, number: u64) -> Vec<u8> {
    format!("writer {writer} account {number:04}").into_bytes()
}

fn stamp(writer: usize) -> Vec<u8> {
    format!("writer {writer} stamp").into_bytes()
}

fn number(value: &[u8]) -> u64 {
    value.try_into().map_or(u64::MAX, u64::from_be_bytes)
}

impl Race {
    fn new() -> Result<Self, Error> {
        let store = Store::in_memory();
        let block = store.overlay();
        for writer in 0..WRITERS {
            for number in 0..ACCOUNTS {
                block.put(account(writer, number), BALANCE.to_be_bytes())?;
            }
            block.put(stamp(writer), 0u64.to_be_bytes())?;
        }
        block.flush()?;
        let shared = block.overlay();
        Ok(Self {
            store,
            block,
            shared,
            writers: Default::default(),
            is_over: AtomicBool::new(false),
            iterators: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            violations: AtomicU64::new(0),
        })
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn violation(&self, what: &str) {
        eprintln!("VIOLATION: {what}");
        self.violations.fetch_add(1, Ordering::Relaxed);
    }

    /// Moves amounts until the race is over.
    fn write(&self, writer: usize) -> Result<(), Error> {
        let progress = &self.writers[writer];
        let mut balances = vec![BALANCE; ACCOUNTS as usize];
        let (mut round, mut batch) = (0u64, OverlayBatch::new());
        while self.goes_on() {
            round += 1;
            let (from, to) = (round * 7 % ACCOUNTS, round * 13 % ACCOUNTS);
            let amount = balances[from as usize].min(round % 10);
            balances[from as usize] -= amount;
            balances[to as usize] += amount;
            batch.clear();
            for number in [from, to] {
                batch.put(account(writer, number), balances[number as usize].to_be_bytes());
            }
            batch.put(stamp(writer), round.to_be_bytes());
            progress.begun.store(round, Ordering::SeqCst);
            self.shared.commit(&batch)?;
            progress.done.store(round, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Opens iterators until the race is over.
    fn read(&self, reader: usize) -> Result<(), Error> {
        let mut found_before = [0; WRITERS];
        for round in 0.. {
            if !self.goes_on() {
                break;
            }
            let done = self.writers.each_ref().map(|w| w.done.load(Ordering::SeqCst));
            let iterator = self.shared.iter();
            let begun = self.writers.each_ref().map(|w| w.begun.load(Ordering::SeqCst));
            self.iterators.fetch_add(1, Ordering::Relaxed);
            if round == 0 {
                // One that is never closed: there, it would stop all writers for good. Here it keeps what it sees.
                std::mem::forget(self.shared.iter());
            }
            let rows: Vec<_> = if (reader + round).is_multiple_of(2) {
                iterator.collect::<Result<_, _>>()?
            } else {
                let mut rows: Vec<_> = iterator.rev().collect::<Result<_, _>>()?;
                rows.reverse();
                rows
            };
            self.entries.fetch_add(rows.len() as u64, Ordering::Relaxed);
            let found = self.check(&rows);
            for writer in 0..WRITERS {
                let is_possible = found[writer] >= done[writer].max(found_before[writer]);
                if !is_possible || found[writer] > begun[writer] {
                    self.violation(&format!(
                        "reader {reader}: writer {writer} at {}, of {} to {}, after {}",
                        found[writer], done[writer], begun[writer], found_before[writer]
                    ));
                }
            }
            found_before = found;
        }
        Ok(())
    }

    /// Checks what an iterator yields; returns the stamps.
    fn check(&self, rows: &[(Vec<u8>, Vec<u8>)]) -> [u64; WRITERS] {
        let mut found = [0; WRITERS];
        let per_writer = ACCOUNTS as usize + 1;
        if rows.len() != WRITERS * per_writer {
            self.violation(&format!("{} entries", rows.len()));
            return found;
        }
        for (writer, rows) in rows.chunks(per_writer).enumerate() {
            let (accounts, last) = rows.split_at(ACCOUNTS as usize);
            let keys = (0..).map(|number| account(writer, number));
            if !accounts.iter().zip(keys).all(|(row, key)| row.0 == key)
                || last[0].0 != stamp(writer)
            {
                self.violation(&format!("keys of writer {writer} are missing or out of order"));
            }
            let sum = accounts.iter().map(|row| number(&row.1)).fold(0, u64::wrapping_add);
            if sum != ACCOUNTS * BALANCE {
                self.violation(&format!("the accounts of writer {writer} hold {sum}"));
            }
            found[writer] = number(&last[0].1);
        }
        found
    }

    /// Flushes both layers until the race is over.
    fn flush(&self) -> Result<(), Error> {
        while self.goes_on() {
            self.shared.flush()?;
            self.block.flush()?;
            self.flushes.fetch_add(2, Ordering::Relaxed);
        }
        Ok(())
    }

    fn run(&self, time: Duration) -> Result<(), Error> {
        thread::scope(|scope| {
            let mut threads = Vec::new();
            threads.extend((0..WRITERS).map(|writer| scope.spawn(move || self.write(writer))));
            threads.extend((0..READERS).map(|reader| scope.spawn(move || self.read(reader))));
            threads.extend((0..FLUSHERS).map(|_| scope.spawn(|| self.flush())));
            let end = Instant::now() + time;
            while Instant::now() < end && !threads.iter().any(|thread| thread.is_finished()) {
                thread::sleep(Duration::from_millis(10));
            }
            self.is_over.store(true, Ordering::Relaxed);
            let ends = threads.into_iter().map(|thread| thread.join().expect("a thread panicked"));
            ends.collect()
        })
    }

    /// Batches whose last trace is not where it must be when all is flushed to the store.
    fn lost_writes(&self) -> Result<u64, Error> {
        self.shared.flush()?;
        self.block.flush()?;
        let rows: Vec<_> = self.store.overlay().iter().collect::<Result<_, _>>()?;
        let (found, mut lost) = (self.check(&rows), 0);
        for (found, writer) in found.iter().zip(&self.writers) {
            lost += writer.done.load(Ordering::SeqCst).abs_diff(*found);
        }
        Ok(lost)
    }
}

fn main() -> Result<ExitCode, Error> {
    let seconds = env::args().nth(1).map_or(Ok(3.0), |text| text.parse::<f64>());
    let time = seconds.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let Some(time) = time else {
        eprintln!("usage: cachekv_race [SECONDS]");
        return Ok(ExitCode::from(2));
    };
    let race = Race::new()?;
    let begin = Instant::now();
    race.run(time)?;
    let took = begin.elapsed();
    let lost = race.lost_writes()?;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let batches: u64 = race.writers.iter().map(|writer| read(&writer.done)).sum();
    println!("{READERS} iterating, {WRITERS} writing, {FLUSHERS} flushing, {took:.1?} long");
    println!("iterators opened {:>12}", read(&race.iterators));
    println!("entries yielded  {:>12}", read(&race.entries));
    println!("writes           {:>12}  in {batches} batches", batches * 3);
    println!("flushes          {:>12}", read(&race.flushes));
    println!("violations       {:>12}", read(&race.violations));
    println!("lost writes      {lost:>12}");
    let is_right = read(&race.violations) == 0 && lost == 0 && batches > 0;
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
