//! Random cases whose seed is printed.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::fmt::{Debug, Display};

/// A number from the environment: how a run is repeated or made longer.
fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// How many cases a test runs: as many as this variable says, if it is set.
pub fn count(name: &str, default: u32) -> u32 {
    from_env(name).map_or(default, |count| count.try_into().expect("a count of 32 bits"))
}

/// The seed of a run: given in `SEED`, or a new one. It is printed.
pub fn seed() -> u64 {
    let seed = from_env("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat this run: SEED={seed}");
    seed
}

/// Checks so many random cases. One that fails is made smaller, and reported with `context`.
pub fn run_cases<C: Debug>(
    random: &mut fastrand::Rng,
    cases: u32,
    strategy: &impl Strategy<Value = C>,
    context: impl Display,
    check: impl Fn(C),
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    let generator = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let result = TestRunner::new_with_rng(config, generator).run(strategy, |case| {
        check(case);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{context}: {error}"));
}
