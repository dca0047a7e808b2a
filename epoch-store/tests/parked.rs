//! A thread that stops anywhere inside an operation stops nobody else (feature `pause-points`).
//!
//! For every pause point in the source: one thread is parked there, others do thousands of operations of all kinds and
//! see a consistent map, what the sleeper had ordered is finished for it, garbage stays bounded; then it wakes up, and
//! its own operation ends as it should. A point that is added to the source without a scenario here fails the test.

#![cfg(feature = "pause-points")]

// A file of the same name stands beside this one, so the path must be said.
#[path = "parked/mod.rs"]
mod parked;

use epoch_store::Map;
use parked::case::{Case, REGISTERING, RESOLVED, SEALED, SLACK, park, prepare, turn};
use parked::{Victim, others_go_on, points_in_source};
use std::collections::BTreeSet;

/// What is looked at besides the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Answers,
    /// How many superseded versions there are, while threads sleep and afterwards.
    AnswersAndGarbage,
}

/// Nobody is in the middle of anything and no snapshot is open: one version per key, and the counters agree.
fn assert_exact(map: &Map, point: &str, check: Check) {
    map.maintain();
    let (survey, stats) = (map.survey(), map.stats());
    if check == Check::AnswersAndGarbage {
        let keys = survey.live_keys + survey.tombstones;
        assert_eq!(survey.versions, keys, "versions after {point:?}");
    }
    assert_eq!(survey.keys, survey.live_keys + survey.tombstones, "no version after {point:?}");
    assert_eq!(stats.versions, survey.versions, "counted versions after {point:?}");
    assert_eq!(stats.live_keys, survey.live_keys, "counted live keys after {point:?}");
    assert_eq!(stats.commits, stats.version.get(), "commits after {point:?}");
    assert_eq!(stats.open_snapshots, 0, "snapshots after {point:?}");
    assert_eq!(map.snapshot().iter().count() as u64, survey.live_keys, "keys after {point:?}");
}

fn assert_bounded(map: &Map, allowed: u64, point: &str, check: Check) {
    if check == Check::Answers {
        return;
    }
    map.maintain();
    let survey = map.survey();
    let most = survey.live_keys + survey.tombstones + allowed;
    assert!(survey.versions <= most, "parked at {point:?}: {most} versions allowed, {survey:?}");
}

/// Parks, works, wakes. False: the point was not reached.
fn sleep_at(point: &str, check: Check) -> bool {
    let map = Map::new();
    prepare(&map, point);
    let Some(case) = park(&map, point) else { return false };
    others_go_on(&map, point);
    case.check_while_parked(&map);
    if let Some(allowed) = case.needs() {
        assert_bounded(&map, allowed, point, check);
    }
    case.finish(&map);
    others_go_on(&map, point);
    assert_exact(&map, point, check);
    true
}

fn removes_deleted_keys() -> bool {
    let map = Map::new();
    map.put("k", "").expect("a small key");
    map.delete("k").expect("a small key");
    map.maintain();
    map.survey().keys == 0
}

/// The points that a test can come to.
fn reachable_points() -> BTreeSet<String> {
    let mut points = points_in_source();
    if !points.contains(REGISTERING) {
        points.remove("snapshot-acquiring");
    }
    if !removes_deleted_keys() {
        points.remove(SEALED);
        points.remove(RESOLVED);
    }
    points
}

fn one_sleeper_per_point(check: Check) {
    let points = reachable_points();
    let reached: BTreeSet<String> =
        points.iter().filter(|point| sleep_at(point, check)).cloned().collect();
    println!("parked: {} of {} pause points", reached.len(), points_in_source().len());
    assert_eq!(reached, points, "every point must be reached");
}

fn sleepers_at_all_points(check: Check) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let map = Map::new();
    let mut points: Vec<String> = reachable_points().into_iter().collect();
    rng.shuffle(&mut points);
    points.sort_by_key(|point| turn(point));
    for point in &points {
        prepare(&map, point);
    }
    let park = |point: &String| {
        park(&map, point).unwrap_or_else(|| panic!("{point:?} is not reached among sleepers"))
    };
    let mut cases: Vec<Case> = points.iter().map(park).collect();
    others_go_on(&map, "all points");
    cases.iter().for_each(|case| case.check_while_parked(&map));
    if let Some(allowed) = cases.iter().map(Case::needs).sum() {
        assert_bounded(&map, allowed, "all points", check);
    }
    rng.shuffle(&mut cases);
    for case in cases {
        case.finish(&map);
    }
    others_go_on(&map, "no point any more");
    assert_exact(&map, "all points", check);
}

fn a_sleeping_owner_and_a_sleeping_helper(check: Check) {
    for (owner_at, helper_at) in [
        ("commit-linked", "install-one"),
        ("commit-ordered", "install-one"),
        ("install-one", "install-one"),
        ("commit-ordered", "commit-installed"),
        ("commit-installed", "commit-installed"),
    ] {
        for owner_first in [true, false] {
            let map = Map::new();
            prepare(&map, owner_at);
            let owner = park(&map, owner_at).expect("a commit comes to each of its points");
            let own = map.clone();
            let put = move || own.put(b"helper", b"").expect("a small key");
            let helper = Victim::park(helper_at, |_| (), put).expect("it has to help first");
            others_go_on(&map, helper_at);
            owner.check_while_parked(&map);
            assert!(map.snapshot().contains(b"helper"), "others finish the helper's commit too");
            assert!(map.stats().helped >= 1, "somebody has helped");
            assert_bounded(&map, 2 * SLACK, helper_at, check);
            if owner_first {
                owner.finish(&map);
                assert!(map.version() >= helper.release());
            } else {
                assert!(map.version() >= helper.release());
                owner.finish(&map);
            }
            others_go_on(&map, "no point any more");
            assert_exact(&map, helper_at, check);
        }
    }
}

#[test]
fn a_thread_parked_at_any_point_stops_nobody() {
    one_sleeper_per_point(Check::Answers);
}

#[test]
fn threads_parked_at_all_points_at_once_stop_nobody() {
    sleepers_at_all_points(Check::Answers);
}

#[test]
fn a_helper_that_sleeps_too_stops_nobody() {
    a_sleeping_owner_and_a_sleeping_helper(Check::Answers);
}

#[test]
fn garbage_stays_bounded_whoever_sleeps() {
    one_sleeper_per_point(Check::AnswersAndGarbage);
    sleepers_at_all_points(Check::AnswersAndGarbage);
    a_sleeping_owner_and_a_sleeping_helper(Check::AnswersAndGarbage);
}
