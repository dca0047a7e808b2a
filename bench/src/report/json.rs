//! The report for programs: every sample, and the judgements on them.

use serde_json::{Map, Value, json};

use super::{Demand, Judgement, Machine, Results, Row, Spread, Verdict, machine};
use crate::contender::Roster;
use crate::measure::{Cell, Plan};

/// Everything of a run. `cases` holds, for each key case measured, its plan and the rows asked for.
pub fn json(
    machine: &Machine,
    rounds: u64,
    contenders: &[Roster],
    cases: &[(Plan, Vec<Row>)],
    results: &Results,
) -> Value {
    let by_case = cases.iter().map(|(plan, rows)| {
        let case = json!({
            "keys": plan.keys,
            "cell_ms": plan.cell.as_millis() as u64,
            "cells": cells(plan, contenders, results),
            "rows": rows.iter().map(|row| row_json(plan, row, results)).collect::<Vec<_>>(),
            "notes": results.notes(plan.case).map(|(cell, contender, note)| json!({
                "cell": cell.name(), "contender": contender.name(), "note": note,
            })).collect::<Vec<_>>(),
        });
        (plan.case.name().to_owned(), case)
    });
    json!({
        "program": "side-by-side",
        "machine": machine_json(machine),
        "rounds": rounds,
        "memory_method": crate::measure::MEMORY_METHOD,
        "contenders": contenders.iter().map(|one| json!({
            "name": one.name(),
            "package": one.package(),
            "version": one.package().and_then(machine::package_version),
            "caveat": one.caveat(),
        })).collect::<Vec<_>>(),
        "cases": by_case.collect::<Map<String, Value>>(),
        "failures": results.failures(),
    })
}

/// Where and with what it was measured.
pub fn machine_json(machine: &Machine) -> Value {
    json!({
        "cpu": machine.cpu,
        "cores": machine.cores,
        "system": machine.system,
        "rustc": machine.rustc,
        "profile": machine.profile,
        "flags": machine.flags,
        "allocator": machine.allocator,
        "commit": machine.commit,
        "load_before": machine.load,
        "transfer_ns": machine.transfer.map(|(least, most)| [least, most]),
        "unix_time": machine.unix_time,
    })
}

/// Every cell that was measured: its unit, and the samples of each contender.
fn cells(plan: &Plan, contenders: &[Roster], results: &Results) -> Map<String, Value> {
    let mut cells = Map::new();
    for cell in Cell::ALL {
        let mut by_contender = Map::new();
        for contender in contenders {
            if let Some(spread) = results.spread(plan.case, *contender, *cell) {
                let mut entry = spread_json(spread);
                entry["samples"] = results.samples(plan.case, *contender, *cell).collect();
                by_contender.insert(contender.name().to_owned(), entry);
            }
        }
        if !by_contender.is_empty() {
            let entry = json!({ "unit": cell.unit().name(), "contenders": by_contender });
            cells.insert(cell.name().to_owned(), entry);
        }
    }
    cells
}

fn row_json(plan: &Plan, row: &Row, results: &Results) -> Value {
    let ratio = row
        .reference
        .and_then(|rival| results.ratio(plan.case, (Roster::Ours, row.cell), (rival, row.cell)));
    json!({
        "id": row.id,
        "label": row.label,
        "cell": row.cell.name(),
        "reference": row.reference.map(Roster::name),
        "ratio": ratio.map(spread_json),
        "must": demands(plan, &row.must, results),
        "aim": demands(plan, &row.aim, results),
    })
}

fn demands(plan: &Plan, demands: &[Demand], results: &Results) -> Value {
    let judged: Vec<Judgement> =
        demands.iter().map(|demand| demand.judge(plan.case, results)).collect();
    json!({
        "verdict": Verdict::overall(&judged).map(Verdict::name),
        "demands": judged.iter().map(|one| json!({
            "demand": one.demand.text(),
            "limit": one.demand.limit,
            "unit": one.demand.unit().name(),
            "found": one.found.map(spread_json),
            "verdict": one.verdict.name(),
        })).collect::<Vec<_>>(),
    })
}

/// A spread.
pub fn spread_json(spread: Spread) -> Value {
    json!({ "median": spread.median, "min": spread.min, "max": spread.max })
}
