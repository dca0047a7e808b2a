//! Starts the child processes one after the other and gathers what they find.

use std::collections::BTreeSet;
use std::env::current_exe;
use std::path::Path;

use super::process::run_child;
use super::progress::Progress;
use super::protocol::{Line, decode};
use super::{Options, Outcome};
use crate::contender::Roster;
use crate::measure::{Family, Job};
use crate::report::Results;
use crate::workload::Case;

/// One child process to be.
struct Step {
    job: Job,
    contender: Roster,
    case: Case,
    round: u64,
}

/// Runs everything `options` ask for.
///
/// # Errors
///
/// Where no child process can be started at all. What goes wrong inside of one is in the results.
pub fn conduct(options: &Options) -> Outcome<Results> {
    let program = current_exe()?;
    let steps = steps(options);
    let progress = Progress::new(steps.len());
    let mut results = Results::default();
    for step in &steps {
        let name = format!(
            "round {} {} {} {}",
            step.round + 1,
            step.case.name(),
            step.job.name(),
            step.contender.name()
        );
        progress.begin(&name);
        if let Err(trouble) = run_step(&program, options, step, &mut results) {
            eprintln!("{name}: {trouble}");
            results.fail(format!("{name}: {trouble}"));
        }
        progress.end();
    }
    progress.finish();
    Ok(results)
}

/// All steps, in order. Each round goes through the contenders from another one on, so that none
/// always follows the same neighbour.
fn steps(options: &Options) -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..options.rounds() {
        for case in options.cases() {
            let rows = options.rows(&options.plan(case, round));
            let wanted: BTreeSet<Family> = rows.iter().flat_map(|row| row.families()).collect();
            let jobs = Job::ALL.into_iter().filter(|job| wanted.iter().any(|one| job.serves(*one)));
            for job in jobs {
                let mut order = options.contenders();
                let turn = round as usize % order.len();
                order.rotate_left(turn);
                steps.extend(order.into_iter().map(|contender| Step {
                    job,
                    contender,
                    case,
                    round,
                }));
            }
        }
    }
    steps
}

fn run_step(program: &Path, options: &Options, step: &Step, results: &mut Results) -> Outcome {
    let args = options.child_args(step.job, step.contender, step.case, step.round);
    let ended = run_child(program, &args, options.patience())?;

    // What was found before a failure is as good as without it.
    for line in ended.said.lines() {
        match decode(line) {
            Some(Line::Figure(cell, figure)) => {
                results.add(step.case, step.contender, step.round, cell, figure);
            }
            Some(Line::Note(cell, note)) => results.note(step.case, step.contender, cell, note),
            None => return Err(format!("said what it should not: {line}").into()),
        }
    }
    match ended.trouble {
        None => Ok(()),
        Some(trouble) => Err(trouble.into()),
    }
}
