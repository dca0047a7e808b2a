//! The scheduler on the machine, over a mock.

mod mock;

use super::*;
use epoch_store::Crew;
use mock::{Mock, Program};
use std::time::{Duration, Instant};

/// How a block is run.
#[derive(Clone, Copy)]
struct How {
    workers: usize,
    max_runs: u8,
    /// `None`: as the pace says.
    window: Option<u16>,
}

struct Outcome {
    committed: u32,
    tally: Tally,
    pace: Option<Pace>,
    panics: usize,
}

fn pace(how: How, transactions: u32) -> Pace {
    let limits =
        Limits { workers: how.workers as u32, window: 64, max_runs: how.max_runs, transactions };
    Pace::new(limits, Experience::default())
}

fn run_ordered(mock: &Mock, how: How, order: Option<Order>) -> Outcome {
    let transactions = mock.programs.len() as u32;
    let progress = Progress::default();
    let early = if how.max_runs > 2 { Early::On } else { Early::Off };
    let fixed = how.window.map(|window| Shape { window, batch: 1, early });
    let pace = fixed.is_none().then(|| pace(how, transactions));
    let shape = fixed.unwrap_or_else(|| pace.as_ref().unwrap().shape());
    let How { workers, max_runs, .. } = how;
    let plan = Plan { transactions, workers, max_runs, shape, pace, order, progress: &progress };
    let scheduler = Scheduler::new(mock, plan);
    let panics = Crew::new(workers).run(&|member| scheduler.work(member.number(), &member));
    let committed = scheduler.committed();
    let (tally, pace) = scheduler.into_parts();
    Outcome { committed, tally, pace, panics: panics.len() }
}

fn run(mock: &Mock, how: How) -> Outcome {
    run_ordered(mock, how, None)
}

fn all_ways() -> impl Iterator<Item = How> {
    [1, 2, 3, 8].into_iter().flat_map(|workers| {
        [(2, None), (2, Some(1)), (2, Some(2)), (3, Some(5)), (4, None), (4, Some(64))]
            .map(|(max_runs, window)| How { workers, max_runs, window })
    })
}

fn transfers(count: usize, keys: usize, seed: u64) -> Vec<Program> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut pick =
        |most: usize| (0..rng.usize(0..=most)).map(|_| rng.usize(..keys)).collect::<Vec<_>>();
    let mut programs: Vec<_> = (0..count)
        .map(|_| Program { reads: pick(3), writes: pick(2), ..Program::default() })
        .collect();
    for program in &mut programs {
        program.work = if rng.u8(..10) == 0 { rng.u32(..20_000) } else { rng.u32(..50) };
        program.branch = rng.bool().then(|| rng.usize(..keys));
    }
    programs
}

#[test]
fn random_blocks_come_out_as_if_run_in_order() {
    for round in 0..12 {
        let keys = [1, 2, 5, 40][round % 4];
        let programs = transfers(150, keys, round as u64);
        for how in all_ways() {
            let mut mock = Mock::new(programs.clone(), keys, how.max_runs);
            mock.retry_every = (round % 3 == 0).then_some(5);
            let outcome = run(&mock, how);
            assert_eq!(outcome.committed, 150);
            assert_eq!(outcome.panics, 0);
            assert_eq!(
                mock.outcomes(),
                mock.sequential(),
                "{} workers, round {round}",
                how.workers
            );
            let tally = outcome.tally;
            let runs = tally.speculative + tally.direct + tally.repairs + tally.redone;
            assert_eq!(runs, mock.runs().iter().map(|&runs| u64::from(runs)).sum::<u64>());
        }
    }
}

#[test]
fn hinted_blocks_come_out_the_same_and_run_each_transaction_once() {
    let programs = transfers(300, 6, 9);
    for how in all_ways() {
        let hints = |index: u32, out: &mut Vec<u64>| {
            let program: &Program = &programs[index as usize];
            let keys = program.reads.iter().chain(&program.writes).chain(&program.branch);
            out.extend(keys.map(|&key| key as u64));
        };
        let mock = Mock::new(programs.clone(), 6, how.max_runs);
        let outcome = run_ordered(&mock, how, Order::of(300, hints));
        assert_eq!(outcome.committed, 300);
        assert_eq!(mock.outcomes(), mock.sequential());
    }
    // Two lower ones are remembered: with one key there is nothing else to wait for.
    let chain = vec![Program { reads: vec![0], writes: vec![0], work: 100, branch: None }; 300];
    let mock = Mock::new(chain, 1, 2);
    let how = How { workers: 2, max_runs: 2, window: Some(64) };
    let outcome = run_ordered(&mock, how, Order::of(300, |_, out| out.push(7)));
    assert_eq!(mock.outcomes(), mock.sequential());
    assert_eq!(outcome.tally.repairs, 0, "nobody ran before the one it depends on");
}

#[test]
fn wrong_hints_cost_time_and_nothing_else() {
    let programs = transfers(200, 3, 4);
    let mock = Mock::new(programs, 3, 3);
    let how = How { workers: 3, max_runs: 3, window: Some(16) };
    let outcome =
        run_ordered(&mock, how, Order::of(200, |index, out| out.push(u64::from(index % 2))));
    assert_eq!(outcome.committed, 200);
    assert_eq!(mock.outcomes(), mock.sequential());
}

#[test]
fn blocks_of_any_size() {
    for count in [0, 1, 2, 3, 7] {
        for how in all_ways() {
            let mock = Mock::new(transfers(count, 2, 1), 2, how.max_runs);
            assert_eq!(run(&mock, how).committed as usize, count);
            assert_eq!(mock.outcomes(), mock.sequential());
        }
    }
    let many = vec![Program { reads: vec![0], ..Program::default() }; 1_000_000];
    for workers in [1, 2] {
        let mock = Mock::new(many.clone(), 1, 2);
        assert_eq!(run(&mock, How { workers, max_runs: 2, window: None }).committed, 1_000_000);
    }
}

#[test]
fn limits_cut_the_block_where_they_say() {
    for how in all_ways() {
        for (at, finish) in
            [(0, Finish::StopAfter), (9, Finish::StopAfter), (40, Finish::StopAfter)]
                .into_iter()
                .chain([(0, Finish::StopBefore), (9, Finish::StopBefore), (40, Finish::StopBefore)])
        {
            let mut mock = Mock::new(transfers(100, 4, 3), 4, how.max_runs);
            let committed = if finish == Finish::StopAfter { at + 1 } else { at };
            mock.finish.insert(at, finish);
            mock.finish.insert(at + 1, Finish::StopAfter);
            assert_eq!(run(&mock, how).committed, committed);
            assert_eq!(mock.outcomes(), mock.sequential()[..committed as usize]);
        }
    }
}

#[test]
fn an_outcome_that_is_refused_is_made_again_at_the_frontier() {
    for how in all_ways().filter(|how| how.window.is_some_and(|window| window > 1)) {
        let mut mock = Mock::new(transfers(60, 60, 8), 60, how.max_runs);
        mock.finish.extend((0..60).step_by(3).map(|index| (index, Finish::Redo)));
        assert_eq!(run(&mock, how).committed, 60);
        assert_eq!(mock.outcomes(), mock.sequential());
    }
}

#[test]
fn a_stop_ends_the_block_with_what_is_final() {
    let slow = Program { reads: vec![0; 4], work: 2_000, ..Program::default() };
    for how in all_ways() {
        let mock = Mock::new(vec![slow.clone(); 100_000], 1, how.max_runs);
        let progress = Progress::default();
        let shape = Shape { window: how.window.unwrap_or(64), batch: 1, early: Early::Off };
        let How { workers, max_runs, .. } = how;
        let plan = Plan {
            transactions: 100_000,
            workers,
            max_runs,
            shape,
            pace: None,
            order: None,
            progress: &progress,
        };
        let scheduler = Scheduler::new(&mock, plan);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while progress.frontier() < 50 {
                    std::thread::yield_now();
                }
                progress.stop();
            });
            Crew::new(workers).run(&|member| scheduler.work(member.number(), &member));
        });
        let committed = scheduler.committed();
        assert!((50..100_000).contains(&committed), "{committed}");
        assert_eq!(mock.outcomes(), mock.sequential()[..committed as usize]);
    }
}

#[test]
fn workers_that_fail_leave_what_they_held_to_the_others() {
    for how in all_ways().filter(|how| how.workers > 1) {
        let mut mock = Mock::new(transfers(200, 4, 5), 4, how.max_runs + 4);
        mock.max_runs = 20;
        *mock.panics.get_mut().unwrap() = [(30, 1)].into();
        let unwound = std::panic::catch_unwind(AssertUnwindSafe(|| run(&mock, how)));
        // If it was the caller who failed, the others have finished the block all the same, if they had come.
        if let Ok(outcome) = unwound {
            assert_eq!((outcome.committed, outcome.panics), (200, 1));
            assert_eq!(mock.outcomes(), mock.sequential());
        }
    }
}

#[test]
fn if_every_worker_fails_the_caller_is_told() {
    for how in all_ways() {
        let mut mock = Mock::new(transfers(100, 4, 5), 4, how.max_runs);
        mock.max_runs = 100;
        *mock.panics.get_mut().unwrap() = [(30, 1_000)].into();
        let unwound = std::panic::catch_unwind(AssertUnwindSafe(|| run(&mock, how)));
        let payload = unwound.err().expect("the caller fails last");
        assert_eq!(*payload.downcast::<u32>().unwrap(), 30);
        assert_eq!(mock.outcomes(), mock.sequential()[..30]);
    }
}

#[test]
fn short_transactions_stay_on_the_calling_thread() {
    // A thread that loses its processor makes a portion look long: not each time.
    let most_inlined = (0..20).map(|_| {
        let mock = Mock::new(vec![Program::default(); 20_000], 0, 2);
        let outcome = run(&mock, How { workers: 2, max_runs: 2, window: None });
        assert_eq!(mock.outcomes(), mock.sequential());
        outcome.pace.unwrap().inlined
    });
    assert!(most_inlined.into_iter().any(|inlined| inlined > 5_000), "in none of 20 blocks");
}

#[test]
fn a_chain_is_run_once_by_whoever_is_there() {
    let link = Program { reads: vec![0], writes: vec![0], work: 1_000, branch: None };
    let mock = Mock::new(vec![link; 3_000], 1, 2);
    let outcome = run(&mock, How { workers: 2, max_runs: 2, window: None });
    assert_eq!(mock.outcomes(), mock.sequential());
    let runs: u32 = mock.runs().iter().sum();
    assert!(runs < 4_500, "{runs} runs of 3,000: {:?}", outcome.tally);
}

#[test]
fn sleepers_are_woken_for_the_end_of_a_long_transaction() {
    // One transaction holds up the frontier; the window fills, all others sleep, and go on when it is over.
    let mut programs = vec![Program::default(); 500];
    programs[0] = Program { reads: vec![0], work: 3_000_000, ..Program::default() };
    let mock = Mock::new(programs, 1, 2);
    let began = Instant::now();
    let outcome = run(&mock, How { workers: 3, max_runs: 2, window: Some(8) });
    assert_eq!(outcome.committed, 500);
    assert!(began.elapsed() < Duration::from_secs(20));
}
