//! Starts the child processes one after the other and gathers what they find.

use std::collections::BTreeSet;
use std::env::current_exe;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

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
    let mut child = Command::new(program)
        .args(options.child_args(step.job, step.contender, step.case, step.round))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = gather(child.stdout.take());
    let complained = gather(child.stderr.take());
    // Its output ends when it does. Waiting for that, not asking now and then whether it still
    // runs, leaves both cores to it.
    let in_time = said.recv_timeout(options.patience());
    let stopped = in_time.is_err();
    if stopped {
        child.kill()?;
    }
    let said = in_time.or_else(|_| said.recv()).unwrap_or_default();
    let complained = complained.recv().unwrap_or_default();
    let status = child.wait()?;

    // What was found before a failure is as good as without it.
    for line in said.lines() {
        match decode(line) {
            Some(Line::Figure(cell, figure)) => {
                results.add(step.case, step.contender, step.round, cell, figure);
            }
            Some(Line::Note(cell, note)) => results.note(step.case, step.contender, cell, note),
            None => return Err(format!("said what it should not: {line}").into()),
        }
    }
    if stopped {
        Err(format!("stopped after {} s", options.patience().as_secs()).into())
    } else if status.success() {
        Ok(())
    } else {
        Err(format!("{status}: {}", complained.trim()).into())
    }
}

/// Reads a pipe to its end, so that a talkative child does not wait for its reader, and sends what
/// was read.
fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still something.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody receives when the parent gave up.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
