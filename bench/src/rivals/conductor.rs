//! Starts a child process for each demonstration, side and round, and gathers what they show.

use std::collections::BTreeMap;
use std::env::current_exe;

use serde_json::{Map, Value, json};

use super::Options;
use super::demonstration::{Demonstration, Line};
use crate::contender::Roster;
use crate::program::{Outcome, Progress, run_child};
use crate::report::{Spread, spread_json};

/// One thing that is shown: its words, its unit, and what each side had in each round.
pub struct Shown {
    /// The words.
    pub what: String,
    /// The unit.
    pub unit: String,
    samples: BTreeMap<Roster, Vec<f64>>,
}

impl Shown {
    /// The spread of the rounds of `side`; `None` where it has no such thing.
    pub fn spread(&self, side: Roster) -> Option<Spread> {
        Spread::of(self.samples.get(&side)?.clone())
    }
}

/// Everything that was shown.
#[derive(Default)]
pub struct AllShown {
    lines: BTreeMap<Demonstration, Vec<Shown>>,
    /// What went wrong.
    pub failures: Vec<String>,
}

impl AllShown {
    /// What `demonstration` showed, in its order.
    pub fn of(&self, demonstration: Demonstration) -> &[Shown] {
        self.lines.get(&demonstration).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, demonstration: Demonstration, side: Roster, line: Line) {
        let lines = self.lines.entry(demonstration).or_default();
        let index = lines.iter().position(|shown| shown.what == line.what).unwrap_or_else(|| {
            let samples = BTreeMap::new();
            lines.push(Shown { what: line.what, unit: line.unit, samples });
            lines.len() - 1
        });
        lines[index].samples.entry(side).or_default().push(line.seen);
    }

    /// All samples, for programs.
    pub fn json(&self) -> Map<String, Value> {
        let lines = |shown: &Vec<Shown>| -> Vec<Value> {
            let line = |one: &Shown| {
                let side = |(side, samples): (&Roster, &Vec<f64>)| {
                    let mut found = one.spread(*side).map_or(Value::Null, spread_json);
                    found["samples"] = json!(samples);
                    (side.name().to_owned(), found)
                };
                let sides: Map<String, Value> = one.samples.iter().map(side).collect();
                json!({ "what": one.what, "unit": one.unit, "sides": sides })
            };
            shown.iter().map(line).collect()
        };
        self.lines.iter().map(|(of, shown)| (of.name().to_owned(), lines(shown).into())).collect()
    }
}

/// Runs everything `options` ask for.
///
/// # Errors
///
/// Where no child process can be started at all.
pub fn conduct(options: &Options) -> Outcome<AllShown> {
    let program = current_exe()?;
    let (demonstrations, sides) = (options.demonstrations(), options.sides());
    let progress = Progress::new(demonstrations.len() * sides.len() * options.rounds as usize);
    let mut shown = AllShown::default();
    for round in 0..options.rounds {
        for &demonstration in &demonstrations {
            for &side in &sides {
                let name = format!("round {} {} {}", round + 1, demonstration.name(), side.name());
                progress.begin(&name);
                let args = options.child_args(demonstration, side);
                let ended = run_child(&program, &args, options.patience())?;
                for line in ended.said.lines().filter_map(Line::decode) {
                    shown.add(demonstration, side, line);
                }
                if let Some(trouble) = ended.trouble {
                    eprintln!("{name}: {trouble}");
                    shown.failures.push(format!("{name}: {trouble}"));
                }
                progress.end();
            }
        }
    }
    progress.finish();
    Ok(shown)
}
