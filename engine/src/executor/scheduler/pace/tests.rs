//! What the pace makes of what it is told.

use super::*;

const US: Duration = Duration::from_micros(1);

fn pace(workers: u32, max_runs: u8, transactions: u32) -> Pace {
    let limits = Limits { workers, window: 64, max_runs, transactions };
    Pace::new(limits, Experience::default())
}

fn deep(workers: u32, max_runs: u8) -> Pace {
    let mut pace = pace(workers, max_runs, 10_000);
    pace.alone(4, 4, Some(40 * US));
    assert_eq!(pace.shape().window, 64);
    pace
}

#[test]
fn long_transactions_are_shared_after_a_first_portion() {
    let pace = deep(2, 2);
    assert_eq!(pace.shape(), Shape { window: 64, batch: 1, early: Early::Off });
    let next = Pace::new(pace.limits, pace.experience());
    assert_eq!(next.shape().window, 64, "and in the next block at once");
}

#[test]
fn short_transactions_stay_where_they_are_until_they_become_long() {
    let mut pace = pace(2, 2, 10_000);
    assert_eq!(pace.shape().batch, TRIAL_FIRST);
    pace.alone(4, 4, Some(US));
    pace.alone(28, 32, Some(7 * US));
    for end in 2..10 {
        assert_eq!(pace.shape(), Shape { window: 1, batch: PORTION, early: Early::Off });
        pace.alone(32, 32 * end, Some(8 * US));
    }
    pace.alone(32, 500, Some(32 * 9 * US));
    assert_eq!(pace.shape().window, 64);
}

#[test]
fn few_transactions_are_shared_only_if_they_are_dear() {
    let mut few = pace(2, 2, 4);
    few.alone(2, 2, Some(20 * US));
    few.alone(1, 3, Some(100 * US));
    assert_eq!(few.shape().window, 1);
    few.alone(1, 4, Some(40_000 * US));
    assert_eq!(few.shape().window, 64);
}

#[test]
fn a_chain_is_run_by_one_and_tried_again() {
    let mut pace = deep(2, 2);
    let mut at = 4;
    while pace.shape().window > 1 {
        pace.speculated(at, Outcome::Repaired(10 * US), at + 2);
        at += 1;
        assert!(at < 100, "a chain is noticed");
    }
    assert_eq!(pace.mode, Mode::Chain(at + 1 + CHAIN.0));
    pace.speculated(at, Outcome::Valid, at + 2);
    assert!(pace.failed > CHAINED.0, "what was in flight does not count");
    pace.alone(64, at + 1 + CHAIN.0, None);
    assert_eq!(pace.shape().window, 4, "a narrow window tells as well");
    let before = at;
    while pace.shape().window > 1 {
        pace.speculated(at + 100, Outcome::Repaired(10 * US), at + 102);
        at += 1;
    }
    assert!(at - before < 16, "a relapse is noticed sooner");
    assert_eq!(pace.chain_len, 4 * CHAIN.0);
    let next = Pace::new(pace.limits, pace.experience());
    assert_eq!(next.mode, Mode::Chain(CHAIN.1), "and the next block begins with one");
}

#[test]
fn what_was_a_chain_is_run_deep_again() {
    let mut pace = deep(2, 2);
    pace.mode = Mode::Chain(64);
    pace.alone(64, 64, None);
    for at in 64..80 {
        pace.speculated(at, Outcome::Valid, at + 2);
    }
    assert_eq!(pace.shape().window, 64);
}

#[test]
fn failures_of_unlike_cost_are_no_chain() {
    let mut pace = deep(2, 2);
    for at in 0..60 {
        let cost = if at % 8 == 0 { 1_000 * US } else { US };
        pace.speculated(at + 10, Outcome::Repaired(cost), at + 12);
    }
    assert_eq!(pace.shape().window, 64);
}

#[test]
fn with_many_workers_conflicts_cut_the_window_or_start_early_runs() {
    let (mut two, mut three) = (deep(8, 2), deep(8, 3));
    for at in 0..4 {
        two.speculated(at + 10, Outcome::Repaired(US), at + 12);
        three.speculated(at + 10, Outcome::Repaired(US), at + 12);
    }
    assert_eq!(two.shape().window, 16);
    assert_eq!((three.shape().window, three.shape().early), (64, Early::On));
}

#[test]
fn no_gain_leads_back_to_one_worker_for_a_while() {
    let mut pace = pace(2, 2, 10_000);
    pace.alone(4, 4, Some(22 * US));
    pace.judge(0.9, 600);
    assert_eq!(pace.shape().window, 1, "what it costs alone is not known");
    pace.alone(32, 632, Some(160 * US));
    pace.alone(32, 664, Some(160 * US));
    assert_eq!(pace.solo, Some(5_000.0));
    pace.judge(0.9, 800);
    assert_eq!(pace.shape().window, 64, "once may be chance");
    pace.judge(0.9, 1_000);
    assert_eq!(pace.shape().window, 1);
    assert_eq!(pace.experience.threshold, 3_000.0);
    pace.alone(32, 1_032, Some(160 * US));
    assert_eq!(pace.shape().window, 1, "not yet");
    pace.alone(32, 2_024, Some(160 * US));
    assert_eq!(pace.shape().window, 64);
    pace.judge(1.9, 3_000);
    assert!(pace.experience.threshold < 3_000.0);
    assert_eq!(pace.shape().window, 64);

    (0..2).for_each(|_| pace.judge(0.9, 9_500));
    let mut next = Pace::new(pace.limits, pace.experience());
    assert_eq!(
        next.mode,
        Mode::Inline(9_500 + INLINE.0 - 10_000),
        "the next block goes on with it"
    );
    next.alone(32, 32, Some(160 * US));
    next.alone(32, 64, Some(4_000 * US));
    assert_eq!(next.shape().window, 1, "also if a worker loses its processor");
    for end in 3..10 {
        next.alone(32, 32 * end, Some(11 * 32 * US));
    }
    assert_eq!(next.shape().window, 64, "unless transactions have become long");

    let mut short = deep(2, 2);
    (0..80).for_each(|_| short.timed((Duration::from_nanos(400), 1)));
    short.judge(1.0, 1_000);
    assert_eq!(short.shape().window, 1, "what was taken for long was not");

    let mut crowded = deep(2, 2);
    (crowded.cost, crowded.solo, crowded.is_probed) = (Some(3_000.0), Some(2_000.0), true);
    crowded.look = Look { since: Some(Instant::now() - 256 * 2 * US), commits: LOOK - 1 };
    crowded.count(1, 1_000);
    assert_eq!(crowded.losses, 1, "runs cost more beside others, and are no gain for that");

    let mut heavier = self::pace(2, 2, 10_000);
    heavier.alone(4, 4, Some(5 * US));
    heavier.alone(28, 32, Some(35 * US));
    heavier.alone(32, 64, Some(192 * US));
    assert_eq!(
        heavier.shape().window,
        64,
        "6 us, and what is known of one alone is of lighter ones"
    );
    heavier.cost = Some(6_000.0);
    heavier.judge(0.4, 400);
    assert_eq!(
        (heavier.shape().window, heavier.losses),
        (1, 0),
        "so it is asked again before that is believed"
    );
    heavier.alone(32, 432, Some(192 * US));
    assert_eq!(heavier.solo, Some(6_000.0));

    let mut long = deep(2, 2);
    (0..5).for_each(|_| long.judge(0.5, 1_000));
    assert_eq!(long.shape().window, 64, "one worker would be no faster");
}

#[test]
fn portions_are_for_short_runs_without_conflicts() {
    let mut pace = deep(2, 2);
    for _ in 0..50 {
        pace.timed((Duration::from_nanos(1_500), 1));
    }
    assert!((3..=5).contains(&pace.shape().batch), "{}", pace.shape().batch);
    pace.speculated(9, Outcome::Repaired(US), 12);
    assert_eq!(pace.shape().batch, 1);
}
