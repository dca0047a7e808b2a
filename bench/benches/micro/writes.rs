//! Writes by one thread: overwrites, new keys, commits.
//!
//! Criterion asks for as many operations as fit its time: more than there are new keys, and more than a map that never prunes
//! (`vartmap`) may take. So each request is made once at most, and then a new map is loaded while the clock stands.

use std::time::{Duration, Instant};

use bench::contender::{Contender, View, Writer};
use bench::measure::{COMMIT_LEN, load_random};
use bench::workload::{Stream, value};

use crate::turn::Turn;

/// How an operation writes.
#[derive(Clone, Copy)]
enum Write {
    /// By a put.
    Put,
    /// By a commit of so many keys.
    Commit(usize),
}

/// Overwrites of loaded keys, uniform.
pub fn overwrite<C: Contender>(turn: Turn<'_, '_>) {
    let stream = turn.streams.uniform();
    measure::<C>(turn, stream, stream.len(), Write::Put);
}

/// Inserts of keys that are not there, in random order, until the map has twice the keys.
pub fn insert<C: Contender>(turn: Turn<'_, '_>) {
    let (stream, most) = (turn.streams.fresh(), turn.plan.keys);
    measure::<C>(turn, stream, most, Write::Put);
}

/// Commits of one loaded key.
pub fn commit_one<C: Contender>(turn: Turn<'_, '_>) {
    let stream = turn.streams.uniform();
    measure::<C>(turn, stream, stream.len(), Write::Commit(1));
}

/// Commits of 100 loaded keys.
pub fn commit_many<C: Contender>(turn: Turn<'_, '_>) {
    let stream = turn.streams.uniform();
    measure::<C>(turn, stream, stream.len(), Write::Commit(COMMIT_LEN));
}

/// Has writes measured, of which a map gets the first `most` requests of `stream`.
fn measure<C: Contender>(turn: Turn<'_, '_>, stream: &Stream, most: usize, write: Write) {
    let (plan, streams) = (turn.plan, turn.streams);
    let load = || load_random::<C>(&plan, streams).0;
    let most = most.min(stream.len()) / write.keys();
    let mut state: Option<Written<'_, C>> = None;
    turn.group.bench_function(turn.name, |bencher| {
        // The first load outside of `iter_custom`: criterion would think that this is what an operation takes.
        let written =
            state.get_or_insert_with(|| Written { map: Some(load()), stream, write, done: 0 });
        bencher.iter_custom(|operations| {
            let mut left = operations as usize;
            let mut spent = Duration::ZERO;
            while left > 0 {
                if written.done == most {
                    // The old map goes before the new one comes.
                    written.map = None;
                    written.map = Some(load());
                    written.done = 0;
                }
                let now = left.min(most - written.done);
                spent += written.go_on(now, streams.sequence());
                left -= now;
            }
            spent
        });
    });
}

impl Write {
    fn keys(self) -> usize {
        match self {
            Write::Put => 1,
            Write::Commit(len) => len,
        }
    }
}

/// A map, and how far it was written to.
struct Written<'s, C> {
    /// `None` only while another one is loaded.
    map: Option<C>,
    stream: &'s Stream,
    write: Write,
    done: usize,
}

impl<C: Contender> Written<'_, C> {
    /// Does so many operations, whose values have the numbers from `sequence` on, and returns what they took.
    fn go_on(&mut self, operations: usize, sequence: u64) -> Duration {
        let map = self.map.as_ref().expect("a new map was loaded");
        let mut walk = self.stream.walk(self.done * self.write.keys());
        let mut writer = map.writer();
        let begin = Instant::now();
        for sequence in (sequence..).take(operations) {
            match self.write {
                Write::Put => {
                    let key = walk.step();
                    writer.put(key, &value::make(key, sequence));
                }
                Write::Commit(len) => {
                    writer.commit(walk.ops(len, sequence));
                    walk.advance(len);
                }
            }
        }
        let spent = begin.elapsed();
        self.done += operations;
        self.review(map, sequence + operations as u64 - 1);
        spent
    }

    /// The last operation must be what a new reader finds.
    fn review(&self, map: &C, sequence: u64) {
        let keys = self.write.keys();
        let mut walk = self.stream.walk((self.done - 1) * keys);
        let view = map.view();
        for _ in 0..keys {
            let key = walk.step();
            let found = view.get(key, |held| value::sequence(key, held)).flatten();
            assert_eq!(found, Some(sequence), "a write is not what is read after it");
        }
    }
}
