//! A loaded map with the requests to put to it.

use std::cell::{Cell as StdCell, OnceCell, RefCell};

use super::Plan;
use crate::workload::{ABSENT, FRESH, Stream, Walk, Zipf};

/// Skew of the mixes, as in the targets.
const SKEW: f64 = 0.99;

/// Requests drawn a stream: enough that a measurement does not run over them in its time.
const REQUESTS: usize = 1_000_000;

/// What every measurement of one child process works on.
pub struct Bed<'m, C> {
    /// The map, loaded with `plan.keys` keys unless the family loads its own.
    pub map: &'m C,
    /// How much to do.
    pub plan: Plan,
    /// The requests.
    pub streams: &'m Streams,
}

/// The request streams, each drawn when first asked for. All of them are functions of the plan
/// alone: every contender gets the same.
pub struct Streams {
    plan: Plan,
    starts: RefCell<fastrand::Rng>,
    sequence: StdCell<u64>,
    loaded: OnceCell<Stream>,
    uniform: OnceCell<Stream>,
    skewed: OnceCell<Stream>,
    absent: OnceCell<Stream>,
    fresh: OnceCell<Stream>,
}

impl Streams {
    /// Streams for `plan`.
    pub fn new(plan: Plan) -> Streams {
        Streams {
            plan,
            starts: RefCell::new(fastrand::Rng::with_seed(plan.round)),
            sequence: StdCell::new(1),
            loaded: OnceCell::new(),
            uniform: OnceCell::new(),
            skewed: OnceCell::new(),
            absent: OnceCell::new(),
            fresh: OnceCell::new(),
        }
    }

    /// Every loaded key, in the (random) order of loading.
    pub fn loaded(&self) -> &Stream {
        self.loaded.get_or_init(|| Stream::of(self.plan.case, 0..self.plan.keys as u64))
    }

    /// Loaded keys, each as likely as any other.
    pub fn uniform(&self) -> &Stream {
        self.uniform.get_or_init(|| {
            let mut rng = fastrand::Rng::with_seed(0x756e_6966);
            let numbers = (0..self.requests()).map(|_| rng.u64(0..self.plan.keys as u64));
            Stream::of(self.plan.case, numbers)
        })
    }

    /// Loaded keys under a Zipf distribution.
    pub fn skewed(&self) -> &Stream {
        self.skewed.get_or_init(|| {
            let keys = self.plan.keys;
            let zipf = Zipf::new(keys, SKEW);
            let mut rng = fastrand::Rng::with_seed(0x7a69_7066);
            let numbers = (0..self.requests()).map(|_| spread(zipf.draw(&mut rng), keys));
            Stream::of(self.plan.case, numbers)
        })
    }

    /// Keys that are never loaded.
    pub fn absent(&self) -> &Stream {
        self.absent
            .get_or_init(|| Stream::of(self.plan.case, ABSENT..ABSENT + self.requests() as u64))
    }

    /// Keys to insert: not loaded, each once.
    pub fn fresh(&self) -> &Stream {
        self.fresh.get_or_init(|| Stream::of(self.plan.case, FRESH..FRESH + self.requests() as u64))
    }

    /// Loaded keys for thread `part` of `parts`: what one of them gets no other ever does.
    pub fn share(&self, part: u64, parts: u64) -> Stream {
        let mut rng = fastrand::Rng::with_seed(0x6861_6c66 + part);
        let groups = (self.plan.keys as u64 / parts).max(1);
        let requests = (self.requests() / parts as usize).max(1);
        let numbers = (0..requests).map(|_| rng.u64(0..groups) * parts + part);
        Stream::of(self.plan.case, numbers)
    }

    /// Reads `stream` from a place of its own: what an earlier measurement pulled into the caches
    /// must not serve this one. The same place for every contender of a round.
    pub fn walk<'s>(&self, stream: &'s Stream) -> Walk<'s> {
        stream.walk(self.place(stream))
    }

    /// Where [`Streams::walk`] would begin, for walks that begin on another thread.
    pub fn place(&self, stream: &Stream) -> usize {
        self.starts.borrow_mut().usize(0..stream.len())
    }

    /// A number that no earlier write carries; every number above it is free as well, up to
    /// 2^40 of them.
    pub fn sequence(&self) -> u64 {
        let next = self.sequence.get() + (1 << 40);
        self.sequence.set(next);
        next
    }

    fn requests(&self) -> usize {
        // Few keys must not mean few requests, nor a smoke test a million of them.
        (self.plan.keys * 4).min(REQUESTS)
    }
}

/// Sends ranks to key numbers, one to one, so that the most wanted keys do not also lie side by
/// side in memory because they were loaded first.
fn spread(rank: usize, keys: usize) -> u64 {
    const PRIME: u128 = 2_654_435_761;
    (rank as u128 * PRIME % keys as u128) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::workload::Case;

    fn streams(round: u64) -> Streams {
        let plan = Plan { case: Case::Prefix, keys: 500, cell: Duration::ZERO, round };
        Streams::new(plan)
    }

    #[test]
    fn ranks_spread_one_to_one() {
        let numbers: BTreeSet<u64> = (0..1_000).map(|rank| spread(rank, 1_000)).collect();
        assert_eq!(numbers.len(), 1_000);
    }

    #[test]
    fn shares_have_no_key_in_common() {
        let streams = streams(0);
        let keys = |part| {
            let share = streams.share(part, 3);
            (0..share.len()).map(|index| share.key(index).to_vec()).collect::<BTreeSet<_>>()
        };
        assert!(keys(0).is_disjoint(&keys(1)) && keys(0).is_disjoint(&keys(2)));
        assert!(keys(1).is_disjoint(&keys(2)) && keys(2).len() > 100);
    }

    #[test]
    fn a_round_begins_at_the_same_places_for_everyone() {
        let places = |round| {
            let streams = streams(round);
            [(); 8].map(|()| streams.place(streams.uniform()))
        };
        assert_eq!(places(3), places(3));
        assert_ne!(places(3), places(4));
    }
}
