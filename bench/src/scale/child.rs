//! The child process: one contender, one round.

use std::io::{Write, stdout};

use super::operations::{Done, perform};
use super::{Options, Place, Quantity, Workload, protocol};
use crate::contender::{Contender, Frictions, Visitor};
use crate::measure::{Bed, Cell, Family, Job, Measure, Plan, Streams, consistency, load_random};
use crate::program::{self, Outcome};

/// What a child process does. Memory has a process of its own: in the other one are the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// All workloads with all numbers of threads
    Speed,
    /// Bytes an entry
    Memory,
}

impl Part {
    /// Its name on the (hidden) command line.
    pub fn name(self) -> &'static str {
        match self {
            Part::Speed => "speed",
            Part::Memory => "memory",
        }
    }
}

/// Measures what `options` ask of `part`, and says it on standard output as it goes.
///
/// # Errors
///
/// Where it was not started by the parent, which names exactly one contender.
pub fn run(part: Part, options: &Options) -> Outcome {
    let &[contender] = options.contenders().as_slice() else {
        return Err("a child process is for one contender".into());
    };
    let plan = options.plan(options.round);
    match part {
        Part::Speed => {
            let (threads, workloads) = (options.threads(), options.workloads());
            contender.visit(plan.case, Climb { plan, threads: &threads, workloads: &workloads });
        }
        Part::Memory => {
            let report = |findings| say(&program::protocol::encode(&findings));
            let wanted = &[Family::Memory];
            contender.visit(plan.case, Measure { job: Job::Memory, wanted, plan, report });
        }
    }
    Ok(())
}

fn say(text: &str) {
    // The parent is gone when nobody reads: there is nothing left to do then.
    let _ = stdout().write_all(text.as_bytes());
    let _ = stdout().flush();
}

/// Every workload with every number of threads, on one map.
struct Climb<'a> {
    plan: Plan,
    threads: &'a [usize],
    workloads: &'a [Workload],
}

impl Visitor for Climb<'_> {
    type Output = ();

    fn visit<C: Contender>(self) {
        let streams = Streams::new(self.plan);
        let (map, _) = load_random::<C>(&self.plan, &streams);
        let bed = Bed { map: &map, plan: self.plan, streams: &streams };
        let Some(shared) = map.shared() else {
            return say(&protocol::note(Workload::Gets, "only one thread may use it"));
        };
        for workload in self.workloads {
            for threads in self.order() {
                let at = Place { workload: *workload, threads };
                measure_at(at, &bed, shared);
            }
            if *workload == Workload::Beside {
                for (cell, note) in consistency(&bed, shared).notes {
                    debug_assert_eq!(cell, Cell::BesideScan);
                    say(&protocol::note(*workload, &note));
                }
            }
        }
    }
}

impl Climb<'_> {
    /// Up in one round, down in the next: what the map becomes meanwhile must not speak for or against many threads.
    fn order(&self) -> Vec<usize> {
        let mut threads = self.threads.to_vec();
        if self.plan.round % 2 == 1 {
            threads.reverse();
        }
        threads
    }
}

fn measure_at<C: Contender, M: Contender + Sync>(at: Place, bed: &Bed<'_, C>, map: &M) {
    bed.map.settle();
    let before = map.frictions();
    let Some(done) = perform(at.workload, bed, map, at.threads) else { return };
    let frictions = before.zip(map.frictions()).map(|(before, now)| now.since(before));
    if done.wrong > 0 {
        let text = format!("{} of {} reads or updates went wrong", done.wrong, done.asked);
        assert!(C::LOSES_KEYS, "{} with {} threads: {text}", at.workload.name(), at.threads);
        say(&protocol::note(at.workload, &text));
    }
    for (quantity, figure) in figures(at, bed.plan.keys, &done, frictions) {
        say(&protocol::figure(at, quantity, figure));
    }
}

fn figures(
    at: Place,
    keys: usize,
    done: &Done,
    frictions: Option<Frictions>,
) -> Vec<(Quantity, f64)> {
    let timed = &done.timed;
    let mut figures = vec![(Quantity::Rate, timed.rate() * at.workload.units(keys))];
    figures.extend(done.writer.map(|rate| (Quantity::Writer, rate / 1e3)));
    for (quantity, quantile) in
        [(Quantity::Middle, 0.5), (Quantity::Slow, 0.99), (Quantity::Slowest, 0.999)]
    {
        figures.push((quantity, timed.latency.value_at_quantile(quantile) as f64));
    }
    let per_thousand = |count: u64| count as f64 * 1e3 / timed.operations.max(1) as f64;
    figures.extend(done.in_vain.map(|count| (Quantity::InVain, per_thousand(count))));
    if let Some(counts) = frictions {
        figures.push((Quantity::CasFailures, per_thousand(counts.cas_failures)));
        figures.push((Quantity::Helped, per_thousand(counts.helped)));
        figures.push((Quantity::Refused, per_thousand(counts.refused)));
    }
    figures
}
