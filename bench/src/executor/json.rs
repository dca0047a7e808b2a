//! The report for programs: every sample, and the judgements on them.

use serde_json::{Map, Value, json};

use super::{Judged, Limit, Options, Survey};
use crate::replay::Hints;
use crate::report::{Machine, Verdict, machine_json, spread_json};

/// Everything of a run.
pub fn report(judged: &[Judged], survey: &Survey, options: &Options, machine: &Machine) -> Value {
    let spots = survey.samples.iter().map(|(spot, samples)| {
        json!({
            "workload": spot.workload.name(),
            "accounts": spot.accounts,
            "work_us": spot.micros,
            "workers": spot.workers,
            "sequential_ms": samples.sequential,
            "ours_ms": samples.ours,
            "seal_ms": samples.seal,
            "locked_ms": samples.locked,
            "speed_up": samples.speed_up().map(spread_json),
            "locked_speed_up": samples.locked_speed_up().map(spread_json),
            "runs_per_transaction": samples.figures.runs_each(),
            "most_runs": samples.figures.most_runs,
            "validations": samples.figures.validations,
            "aborts": samples.figures.aborts.iter()
                .map(|(cause, count)| ((*cause).to_owned(), json!(count)))
                .collect::<Map<String, Value>>(),
        })
    });
    let figures =
        survey.figures.iter().map(|(figure, samples)| (figure.name().to_owned(), json!(samples)));
    json!({
        "program": "executor",
        "machine": machine_json(machine),
        "transactions": options.transactions(),
        "rounds": options.rounds(),
        "ballast": options.ballast(),
        "hints": options.hints == Hints::On,
        "rows": judged.iter().map(row).collect::<Vec<_>>(),
        "spots": spots.collect::<Vec<_>>(),
        "figures": figures.collect::<Map<String, Value>>(),
        "differences": survey.differences,
    })
}

fn row(one: &Judged) -> Value {
    let unit = one.row.quantity.unit();
    json!({
        "id": one.row.id,
        "label": one.row.label,
        "unit": unit,
        "worst_spot": one.spot.map(|spot| spot.to_string()),
        "found": one.found.map(spread_json),
        "locked": one.locked.map(spread_json),
        "must": demand(one.row.must, one.must, unit),
        "aim": demand(one.row.aim, one.aim, unit),
    })
}

fn demand(limit: Option<Limit>, verdict: Option<Verdict>, unit: &str) -> Value {
    match (limit, verdict) {
        (Some(limit), Some(verdict)) => json!({
            "demand": limit.text(unit), "limit": limit.at, "verdict": verdict.name(),
        }),
        _ => Value::Null,
    }
}
