//! Long and random histories, compared step by step with a map that remembers every version.

mod common;

use common::keys::{SHAPES, key, random_key};
use common::model::{Bytes, Change, Write};
use common::world::{Step, World};
use common::{env_or, key_of, random, rounds};
use fastrand::Rng;
use proptest::prelude::*;
use std::ops::Bound;

/// Keys and values for small cases that shrink well: few keys, so that histories meet.
mod small {
    use super::*;

    pub fn a_key() -> impl Strategy<Value = Bytes> {
        // The longest keys are slow to compare and are left to the long run.
        (0..SHAPES - 1, 0..40_u16).prop_map(|(shape, number)| key(shape, number))
    }

    /// Also keys that cannot be stored.
    pub fn any_key() -> impl Strategy<Value = Bytes> {
        prop_oneof![12 => a_key(), 1 => Just(vec![])]
    }

    pub fn value() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..12)
    }

    pub fn write() -> impl Strategy<Value = Write> {
        (a_key(), proptest::option::weighted(0.7, value()))
    }

    pub fn bound() -> impl Strategy<Value = Bound<Bytes>> {
        prop_oneof![
            2 => any_key().prop_map(Bound::Included),
            2 => any_key().prop_map(Bound::Excluded),
            1 => Just(Bound::Unbounded),
        ]
    }

    pub fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            3 => write().prop_map(Change::Write),
            1 => (bound(), bound()).prop_map(|(from, to)| Change::DeleteRange(from, to)),
        ]
    }

    pub fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => simple_step(),
            1 => simple_step().prop_map(|step| Step::InSpace(Box::new(step))),
        ]
    }

    fn simple_step() -> impl Strategy<Value = Step> {
        let writes = |most: usize| proptest::collection::vec(write(), 0..most);
        let at = any::<u16>().prop_map(usize::from);
        prop_oneof![
            12 => (a_key(), value()).prop_map(|(key, value)| Step::Put(key, value)),
            5 => a_key().prop_map(Step::Delete),
            5 => writes(40).prop_map(Step::Commit),
            3 => proptest::collection::vec(change(), 0..12).prop_map(Step::Change),
            1 => (bound(), bound()).prop_map(|(from, to)| Step::DeleteRange(from, to)),
            4 => Just(Step::Open),
            1 => Just(Step::OpenByNumber),
            4 => at.clone().prop_map(Step::OpenOld),
            3 => (at.clone(), at.clone(), any::<u64>())
                .prop_map(|(one, other, turns)| Step::Changes(one, other, turns)),
            1 => (at.clone(), bound(), bound(), any::<u64>())
                .prop_map(|(behind, from, to, turns)| Step::ChangesSince(behind, from, to, turns)),
            2 => Just(Step::Lend),
            2 => (at.clone(), any_key(), bound(), bound(), any::<u64>()).prop_map(
                |(at, key, from, to, turns)| Step::ReadLease(at, key, from, to, turns)
            ),
            1 => at.clone().prop_map(Step::EndLease),
            1 => at.clone().prop_map(Step::Revoke),
            2 => at.clone().prop_map(Step::Clone),
            5 => at.clone().prop_map(Step::Close),
            2 => Just(Step::Maintain),
            4 => (at.clone(), any_key()).prop_map(|(at, key)| Step::Get(at, key)),
            3 => (at.clone(), proptest::collection::vec(any_key(), 0..70))
                .prop_map(|(at, keys)| Step::GetMany(at, keys)),
            1 => at.clone().prop_map(Step::Ends),
            2 => (at.clone(), any_key(), any::<u64>())
                .prop_map(|(at, prefix, turns)| Step::Prefix(at, prefix, turns)),
            3 => (at.clone(), bound(), bound(), any::<u64>())
                .prop_map(|(at, from, to, turns)| Step::Scan(at, from, to, turns)),
            2 => (at, bound(), bound(), any::<u64>(), writes(40)).prop_map(
                |(at, from, to, turns, writes)| Step::ScanAmid(at, from, to, turns, singly(writes))
            ),
        ]
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: env_or("PROPTEST_CASES", 64),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_reads_as_the_model_does(
        retained in prop_oneof![Just(0_u64), 1..40_u64],
        steps in proptest::collection::vec(small::step(), 1..200),
    ) {
        let mut world = World::retaining(retained);
        for step in steps {
            world.apply(step);
        }
        world.check_all();
        world.apply(Step::Maintain);
    }
}

/// Each write as a commit of its own.
fn singly(writes: Vec<Write>) -> Vec<Step> {
    writes.into_iter().map(|write| Step::Commit(vec![write])).collect()
}

/// Random steps on a world that has grown large.
struct Driver {
    world: World,
    random: Rng,
    /// Keys per shape.
    spread: u16,
    written: u64,
}

impl Driver {
    fn new(random: Rng, spread: u16) -> Self {
        Self::retaining(random, spread, 0)
    }

    fn retaining(random: Rng, spread: u16, versions: u64) -> Self {
        Self { world: World::retaining(versions), random, spread, written: 0 }
    }

    fn key(&mut self) -> Bytes {
        random_key(&mut self.random, self.spread)
    }

    /// A value that was never written before, so that a mixed-up one shows.
    fn value(&mut self) -> Bytes {
        self.written += 1;
        let padding = match self.random.u8(..) {
            0 => 5_000,
            1..100 => 0,
            other => usize::from(other),
        };
        [&self.written.to_le_bytes()[..], &vec![self.written as u8; padding]].concat()
    }

    fn write(&mut self) -> Write {
        (self.key(), (self.random.u8(..4) > 0).then(|| self.value()))
    }

    fn change(&mut self) -> Change {
        if self.random.u8(..8) > 0 {
            return Change::Write(self.write());
        }
        let (from, to) = self.bounds();
        Change::DeleteRange(from, to)
    }

    fn bound(&mut self) -> Bound<Bytes> {
        match self.random.u8(..5) {
            0 => Bound::Unbounded,
            1 | 2 => Bound::Included(self.key()),
            _ => Bound::Excluded(self.key()),
        }
    }

    /// Bounds that are near each other, most of the time: the model need not be walked as a whole.
    fn bounds(&mut self) -> (Bound<Bytes>, Bound<Bytes>) {
        if self.random.u8(..8) == 0 {
            return (self.bound(), self.bound());
        }
        let (shape, number) = (self.random.u8(..SHAPES - 1), self.random.u16(..self.spread));
        let far = number.saturating_add(self.random.u16(..200));
        let (from, to) = (key(shape, number), key(shape, far));
        (Bound::Included(from), Bound::Excluded(to))
    }

    fn step(&mut self) -> Step {
        let at = self.random.usize(..);
        let few = self.random.usize(..60);
        match self.random.u32(..1000) {
            0..350 => Step::Put(self.key(), self.value()),
            350..450 => Step::Delete(self.key()),
            450..500 => Step::Commit((0..few).map(|_| self.write()).collect()),
            500..503 => {
                let (from, to) = self.bounds();
                Step::DeleteRange(from, to)
            }
            503..505 => Step::Change((0..few).map(|_| self.change()).collect()),
            505..520 => Step::Open,
            520..530 => Step::OpenOld(at),
            530..550 => Step::Clone(at),
            550..600 => Step::Close(at),
            600..602 => Step::Maintain,
            602..900 => Step::Get(at, self.key()),
            900..940 => Step::GetMany(at, (0..few).map(|_| self.key()).collect()),
            940..942 => Step::Ends(at),
            942..951 => Step::Prefix(at, self.key(), self.random.u64(..)),
            951 if self.random.u8(..4) == 0 => {
                Step::Changes(at, self.random.usize(..), self.random.u64(..))
            }
            951 if self.random.bool() => {
                let (from, to) = self.bounds();
                Step::ChangesSince(at, from, to, self.random.u64(..))
            }
            951 => {
                let (from, to) = (Bound::Unbounded, Bound::Unbounded);
                Step::ReadLease(at, self.key(), from, to, self.random.u64(..))
            }
            952..955 => Step::Lend,
            955..957 => Step::EndLease(at),
            957..959 => Step::Revoke(at),
            959..962 => {
                let (from, to) = self.bounds();
                Step::ReadLease(at, self.key(), from, to, self.random.u64(..))
            }
            962..990 => {
                let (from, to) = self.bounds();
                Step::Scan(at, from, to, self.random.u64(..))
            }
            _ => {
                let (from, to) = self.bounds();
                let writes = (0..few).map(|_| self.write()).collect();
                Step::ScanAmid(at, from, to, self.random.u64(..), singly(writes))
            }
        }
    }

    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            let step = match self.random.u8(..4) {
                0 => Step::InSpace(Box::new(self.step())),
                _ => self.step(),
            };
            self.world.apply(step);
        }
    }
}

#[test]
fn a_long_random_history_reads_as_the_model_does() {
    let mut driver = Driver::new(random(), 3_000);
    driver.run(rounds(20_000));
    driver.world.apply(Step::Maintain);
    driver.world.check_all();
}

#[test]
fn few_keys_with_long_histories_read_as_the_model_does() {
    let mut driver = Driver::new(random(), 6);
    driver.run(rounds(24_000));
    driver.world.apply(Step::Maintain);
    driver.world.check_all();
}

#[test]
fn a_long_history_with_retention_reads_as_the_model_does() {
    for (spread, versions) in [(6, 50), (1_000, 30), (40, 7)] {
        let mut driver = Driver::retaining(random(), spread, versions);
        driver.run(rounds(8_000));
        driver.world.apply(Step::Maintain);
        driver.world.check_all();
    }
}

/// Puts `keys` one by one and in batches, with snapshots in between; then everything is read and half of it deleted.
fn load(random: Rng, keys: &[u64]) {
    let mut driver = Driver::new(random, 50);
    for (i, &number) in keys.iter().enumerate() {
        let (key, value) = (key_of(number).to_vec(), driver.value());
        let step = match i % 7 {
            0 => Step::Commit(vec![(key, Some(value)), driver.write()]),
            _ => Step::Put(key, value),
        };
        driver.world.apply(step);
        if i % 6_000 == 0 {
            driver.world.apply(Step::Open);
        }
    }
    let survey = driver.world.map.survey();
    assert!(survey.keys > 20_000 && survey.leaves > 150, "the list has grown: {survey:?}");
    assert!(driver.world.map.stats().hash_growths > 3, "and so has the hash front");
    for &number in keys.iter().step_by(2) {
        driver.world.apply(Step::Delete(key_of(number).to_vec()));
    }
    driver.world.check_all();
    driver.world.apply(Step::Close(0));
    driver.world.apply(Step::Maintain);
    driver.world.check_all();
}

const MANY: u64 = 21_000;

#[test]
fn many_keys_in_ascending_order_are_all_found() {
    load(random(), &(0..MANY).collect::<Vec<_>>());
}

#[test]
fn many_keys_in_descending_order_are_all_found() {
    load(random(), &(0..MANY).rev().collect::<Vec<_>>());
}

#[test]
fn many_keys_in_random_order_are_all_found() {
    let mut keys: Vec<u64> =
        (0..MANY).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let mut random = random();
    random.shuffle(&mut keys);
    load(random, &keys);
}
