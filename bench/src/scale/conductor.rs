//! Starts the child processes one after the other and gathers what they find.

use std::env::current_exe;
use std::path::Path;

use super::child::Part;
use super::protocol::{Line, decode};
use super::{Figures, Options};
use crate::contender::Roster;
use crate::program::{self, Outcome, Progress, run_child};

/// One child process to be.
struct Step {
    part: Part,
    contender: Roster,
    round: u64,
}

/// Runs everything `options` ask for.
///
/// # Errors
///
/// Where no child process can be started at all. What goes wrong inside of one is in the figures.
pub fn conduct(options: &Options) -> Outcome<Figures> {
    let program = current_exe()?;
    let steps = steps(options);
    let progress = Progress::new(steps.len());
    let mut figures = Figures::default();
    for step in &steps {
        let name =
            format!("round {} {} {}", step.round + 1, step.part.name(), step.contender.name());
        progress.begin(&name);
        if let Err(trouble) = run_step(&program, options, step, &mut figures) {
            eprintln!("{name}: {trouble}");
            figures.fail(format!("{name}: {trouble}"));
        }
        progress.end();
    }
    progress.finish();
    Ok(figures)
}

/// All steps, in order. Each round goes through the contenders from another one on, so that none
/// always follows the same neighbour.
fn steps(options: &Options) -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..options.rounds() {
        let mut order = options.contenders();
        let turn = round as usize % order.len();
        order.rotate_left(turn);
        for part in [Part::Speed, Part::Memory] {
            steps.extend(order.iter().map(|&contender| Step { part, contender, round }));
        }
    }
    steps
}

fn run_step(program: &Path, options: &Options, step: &Step, figures: &mut Figures) -> Outcome {
    let args = options.child_args(step.part, step.contender, step.round);
    let ended = run_child(program, &args, options.patience())?;
    let take = match step.part {
        Part::Speed => take_speed,
        Part::Memory => take_memory,
    };
    // What was found before a failure is as good as without it.
    for line in ended.said.lines() {
        take(line, options, step, figures)
            .ok_or_else(|| format!("said what it should not: {line}"))?;
    }
    match ended.trouble {
        None => Ok(()),
        Some(trouble) => Err(trouble.into()),
    }
}

fn take_speed(line: &str, _: &Options, step: &Step, figures: &mut Figures) -> Option<()> {
    match decode(line)? {
        Line::Figure(at, quantity, figure) => {
            figures.add(at, quantity, step.contender, step.round, figure);
        }
        Line::Note(workload, note) => figures.note(workload, step.contender, note),
    }
    Some(())
}

fn take_memory(line: &str, options: &Options, step: &Step, figures: &mut Figures) -> Option<()> {
    match program::protocol::decode(line)? {
        program::protocol::Line::Figure(cell, figure) => {
            let case = options.plan(0).case;
            figures.add_memory(case, step.contender, step.round, cell, figure);
        }
        // The other part reads the same keys and says it there.
        program::protocol::Line::Note(..) => {}
    }
    Some(())
}
