//! The report for programs: every sample.

use serde_json::{Map, Value, json};

use super::{Place, Quantity, Run, Workload};
use crate::contender::Roster;
use crate::measure::{Cell, MEMORY_METHOD};
use crate::report::{machine_json, package_version, spread_json};

/// Everything of a run.
pub fn report(run: &Run<'_>) -> Value {
    let (options, plan) = (run.options, run.options.plan(0));
    json!({
        "program": "scale",
        "machine": machine_json(&run.machine),
        "case": plan.case.name(),
        "keys": plan.keys,
        "cell_ms": plan.cell.as_millis() as u64,
        "rounds": options.rounds(),
        "threads": options.threads(),
        "contenders": options.contenders().iter().map(|one| json!({
            "name": one.name(),
            "package": one.package(),
            "version": one.package().and_then(package_version),
            "caveat": one.caveat(),
        })).collect::<Vec<_>>(),
        "workloads": options.workloads().into_iter().map(|workload| {
            (workload.name().to_owned(), json!({
                "title": workload.title(),
                "detail": workload.detail(),
                "unit": workload.unit(),
                "contenders": by_contender(run, |who| by_threads(run, workload, who)),
            }))
        }).collect::<Map<_, _>>(),
        "memory": {
            "method": MEMORY_METHOD,
            "unit": "bytes an entry",
            "contenders": by_contender(run, |who| memory(run, who)),
        },
        "notes": run.figures.notes().map(|(workload, who, note)| json!({
            "workload": workload.name(), "contender": who.name(), "note": note,
        })).collect::<Vec<_>>(),
        "failures": run.figures.failures(),
    })
}

fn by_contender(run: &Run<'_>, of: impl Fn(Roster) -> Map<String, Value>) -> Map<String, Value> {
    let contenders = run.options.contenders().into_iter();
    let all = contenders.map(|who| (who.name().to_owned(), of(who)));
    all.filter(|(_, found)| !found.is_empty()).map(|(name, found)| (name, found.into())).collect()
}

fn by_threads(run: &Run<'_>, workload: Workload, who: Roster) -> Map<String, Value> {
    let mut all = Map::new();
    for threads in run.options.threads() {
        let at = Place { workload, threads };
        let mut found = Map::new();
        for quantity in Quantity::ALL {
            if let Some(spread) = run.figures.spread(at, *quantity, who) {
                let mut entry = spread_json(spread);
                entry["samples"] = run.figures.samples(at, *quantity, who).into();
                found.insert(quantity.name().to_owned(), entry);
            }
        }
        if !found.is_empty() {
            all.insert(threads.to_string(), found.into());
        }
    }
    all
}

fn memory(run: &Run<'_>, who: Roster) -> Map<String, Value> {
    let case = run.options.plan(0).case;
    let cells = [("loaded", Cell::MemoryLoaded), ("overwritten", Cell::MemoryOverwritten)];
    let of = |cell| run.figures.memory(case, who, cell).map(spread_json);
    cells.into_iter().filter_map(|(name, cell)| Some((name.to_owned(), of(cell)?))).collect()
}
