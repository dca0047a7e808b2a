//! The report for programs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::table::together;
use super::{Course, Findings, Options};
use crate::report::{Machine, machine_json};

/// Everything of a run.
pub fn report(findings: &Findings, options: &Options, machine: &Machine) -> Value {
    let chains = findings.chains.iter().map(|chain| {
        let sequential = chain.courses.first();
        json!({
            "workload": chain.workload,
            "differing": chain.differing,
            "courses": chain.courses.iter()
                .map(|one| course(one, sequential)).collect::<Vec<_>>(),
        })
    });
    let blocks = findings.blocks.iter().map(|block| {
        let played = block.played.iter().map(|played| {
            let value = json!({
                "bound": played.bound,
                "sequential": course(&played.sequential, None),
                "ours": course(&played.ours, Some(&played.sequential)),
            });
            (played.transfers.to_owned(), value)
        });
        json!({
            "block": block.number,
            "transactions": block.transactions,
            "gas": block.gas,
            "differing": block.differing,
            "transfers": played.collect::<Map<String, Value>>(),
        })
    });
    let sums =
        (0..2).filter_map(|way| together(findings, way)).map(|(name, speed, bound, runs)| {
            (
                name.to_owned(),
                json!({ "speed_up": speed, "bound": bound, "runs_per_transaction": runs }),
            )
        });
    json!({
        "program": "replay",
        "machine": machine_json(machine),
        "workers": options.workers(),
        "chains": chains.collect::<Vec<_>>(),
        "blocks": blocks.collect::<Vec<_>>(),
        "all_blocks": sums.collect::<Map<String, Value>>(),
        "held": findings.held.map(|held| json!({
            "snapshots": held.snapshots, "readings": held.readings,
        })),
        "stored": findings.stored.as_ref().map(|stored| json!({
            "workload": stored.workload,
            "adapter": stored.adapter,
            "resumed_at": stored.resumed_at,
            "blocks": stored.blocks,
            "opening_ms": millis(&stored.opening),
            "took_ms": millis(&stored.took),
            "state": stored.hash,
        })),
        "differences": findings.differences,
    })
}

fn millis(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn course(course: &Course, sequential: Option<&Course>) -> Value {
    let figures = &course.figures;
    json!({
        "who": course.who,
        "transactions": figures.transactions,
        "transactions_per_second": course.rate(),
        "speed_up": sequential.map(|sequential| course.over(sequential)),
        "executions": figures.executions,
        "runs_per_transaction": figures.runs_each(),
        "most_runs": figures.most_runs,
        "validations": figures.validations,
        "aborts": figures.aborts.iter()
            .map(|(cause, count)| ((*cause).to_owned(), json!(count)))
            .collect::<Map<String, Value>>(),
        "changed_keys": figures.changed,
        "inlined": figures.inlined,
        "seal_ms": millis(&figures.seal),
        "validating_ms": millis(&figures.validating),
        "committing_ms": millis(&figures.committing),
        "idle_ms": millis(&figures.idle),
        "block_ms": course.blocks.iter().map(millis).collect::<Vec<_>>(),
        "bytes": course.bytes,
    })
}
