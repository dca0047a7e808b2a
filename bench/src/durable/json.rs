//! The report for programs: every sample, and the judgements on them.

use serde_json::{Value, json};

use super::{Limit, Options, Row, Rows};
use crate::report::{Machine, Spread, Verdict, machine_json, spread_json};

/// Everything of a run.
pub fn report(rows: &Rows, options: &Options, machine: &Machine) -> Value {
    json!({
        "program": "durable",
        "machine": machine_json(machine),
        "keys": options.keys,
        "block": options.block_len(),
        "rounds": options.rounds,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let spread = |samples: &[f64]| Spread::of(samples.to_vec()).map(spread_json);
    let (bound, limit) = match row.must {
        Some(Limit::AtMost(most)) => (Some("at most"), Some(most)),
        Some(Limit::AtLeast(least)) => (Some("at least"), Some(least)),
        None => (None, None),
    };
    json!({
        "group": row.group.name(),
        "id": row.id,
        "label": row.label,
        "adapter": row.adapter.name(),
        "unit": row.unit,
        "ours": spread(&row.ours),
        "samples": row.ours,
        "beside": row.beside.as_ref().map(|(name, samples)| json!({
            "name": name, "spread": spread(samples), "samples": samples,
        })),
        "ratio": row.ratio().map(spread_json),
        "must": row.must.map(|_| json!({
            "bound": bound, "limit": limit, "verdict": row.verdict().map(Verdict::name),
        })),
    })
}
