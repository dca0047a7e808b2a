//! What the coverage-guided driver in `fuzz/` found worth keeping, and random inputs beside it: bytes decoded into steps, and
//! each step compared with the model. `FUZZ_INPUT=file` shows and runs the steps of one input.

mod common;

use common::decode::{retained, run, steps};
use common::world::{Step, World};
use common::{random, rounds};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::mem::{Discriminant, discriminant};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/map");

fn corpus() -> Vec<PathBuf> {
    let entries = fs::read_dir(CORPUS).expect("the corpus is committed");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn random_inputs(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = random();
    (0..count).map(move |_| {
        let len = random.usize(..600);
        (0..len).map(|_| random.u8(..)).collect()
    })
}

/// Whether it is done in the key space, and what kind of step it is.
type Kind = (bool, Discriminant<Step>);

/// The kinds of a step and of those amid its scan.
fn kinds(step: &Step, in_space: bool) -> Vec<Kind> {
    let mut found = vec![(in_space, discriminant(step))];
    match step {
        Step::ScanAmid(.., amid) => {
            found.extend(amid.iter().flat_map(|step| kinds(step, in_space)))
        }
        Step::InSpace(step) => found.extend(kinds(step, true)),
        _ => {}
    }
    found
}

#[test]
fn one_input_by_hand() {
    let Some(file) = std::env::var_os("FUZZ_INPUT") else { return };
    let input = read(Path::new(&file));
    println!("versions retained: {}", retained(&input));
    for step in steps(&input) {
        println!("{step:?}");
    }
    run(&input);
}

#[test]
fn the_corpus_reads_as_the_model_does() {
    let files = corpus();
    assert!(files.len() >= 20, "the corpus is there");
    for file in &files {
        println!("{}", file.display());
        run(&read(file));
    }
}

#[test]
fn random_inputs_read_as_the_model_does() {
    random_inputs(rounds(2_000)).for_each(|input| run(&input));
}

#[test]
fn every_kind_of_step_is_in_random_inputs_and_in_the_corpus() {
    // Each in both spaces: the one that leads to the key space too, from inside a scan there.
    const KINDS: usize = 26 * 2;
    let distinct = |inputs: Vec<Vec<u8>>| {
        let all = inputs.iter().flat_map(|input| steps(input));
        all.flat_map(|step| kinds(&step, false)).collect::<HashSet<_>>().len()
    };
    assert_eq!(distinct(random_inputs(2_000).collect()), KINDS);
    assert_eq!(distinct(corpus().iter().map(|file| read(file)).collect()), KINDS);
}

/// A world of which the model was told something else than the map.
fn told_wrongly(wrong: impl FnOnce(&mut World)) -> World {
    let mut world = World::retaining(10);
    for number in 0..40_u8 {
        world.apply(Step::Put(vec![b'k', number], vec![number]));
    }
    world.apply(Step::Open);
    world.apply(Step::Delete(vec![b'k', 7]));
    wrong(&mut world);
    world
}

fn notices(world: &mut World, check: impl FnOnce(&mut World)) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(world))).is_err()
}

/// A check that cannot fail has checked nothing: every kind of wrong answer is noticed.
#[test]
fn a_wrong_answer_is_noticed() {
    type Wrong = fn(&mut World);
    let wrong: [(&str, Wrong); 6] = [
        ("another value", |world| world.models[0].commit(40, [(vec![b'k', 3], Some(vec![9]))])),
        ("a key that is missing", |world| {
            world.models[0].commit(40, [(vec![b'k', 99], Some(vec![]))]);
        }),
        ("a key too many", |world| world.models[0].commit(40, [(vec![b'k', 39], None)])),
        ("a delete too early", |world| world.models[0].commit(40, [(vec![b'k', 7], None)])),
        ("a delete that was undone", |world| {
            world.models[0].commit(41, [(vec![b'k', 7], Some(vec![7]))]);
        }),
        ("another space", |world| world.models[1].commit(41, [(vec![b'k', 3], Some(vec![3]))])),
    ];
    told_wrongly(|_| ()).check_all();
    let missed: BTreeSet<&str> = wrong
        .into_iter()
        .filter(|(_, wrong)| !notices(&mut told_wrongly(wrong), World::check_all))
        .map(|(name, _)| name)
        .collect();
    assert!(missed.is_empty(), "not noticed: {missed:?}");
}

/// The newest of three snapshots, and what was written before it, by every kind of step that reads.
fn reading_steps() -> Vec<Step> {
    let key = || vec![b'k', 3];
    let all = || (Bound::Unbounded, Bound::Unbounded);
    let ((from, to), turns) = (all(), u64::MAX);
    let steps = vec![
        Step::Maintain,
        Step::Get(1, key()),
        Step::GetMany(1, vec![key()]),
        Step::Ends(1),
        Step::Prefix(1, vec![b'k'], turns),
        Step::Scan(1, from.clone(), to.clone(), turns),
        Step::ScanAmid(1, from.clone(), to.clone(), turns, vec![Step::Open]),
        Step::Changes(0, 1, turns),
        Step::ChangesSince(1, from.clone(), to.clone(), turns),
        Step::ReadLease(0, key(), all().0, Bound::Excluded(key()), turns),
        Step::ReadLease(0, vec![], from, to, turns),
    ];
    let in_space = steps.iter().cloned().map(|step| Step::InSpace(Box::new(step)));
    steps.iter().cloned().chain(in_space).collect()
}

#[test]
fn every_step_that_reads_notices_a_wrong_answer() {
    let opened = |wrong: &dyn Fn(&mut World)| {
        told_wrongly(|world| {
            wrong(world);
            world.apply(Step::Open);
            world.apply(Step::Lend);
        })
    };
    let everything = || (0..50).map(|number| (vec![b'k', number], Some(vec![99])));
    for (number, step) in reading_steps().into_iter().enumerate() {
        let space = usize::from(matches!(step, Step::InSpace(_)));
        let apply = |world: &mut World| world.apply(step.clone());
        assert!(!notices(&mut opened(&|_| ()), apply), "{number}: {step:?}");
        let mut world = opened(&|world| world.models[space].commit(41, everything()));
        assert!(notices(&mut world, apply), "{number}: {step:?}");
    }
}

/// Leases that the map took back, or did not, against the word of the world.
#[test]
fn a_lease_is_taken_back_once_and_says_so() {
    let mut world = World::default();
    world.apply(Step::Put(b"k".to_vec(), vec![]));
    world.apply(Step::Lend);
    let read = Step::ReadLease(0, b"k".to_vec(), Bound::Unbounded, Bound::Unbounded, 0);
    let taken_back = world.map.revoke_older_than(2.into());
    assert_eq!(taken_back, 1);
    assert!(notices(&mut world, |world| world.apply(read)));
    assert!(notices(&mut world, |world| world.apply(Step::Revoke(0))));
}
