//! The tables for people.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::{Chain, Course, Findings, Options, Played};
use crate::report::{Machine, figure, grouped};

/// Everything as text.
pub fn text(findings: &Findings, options: &Options, machine: &Machine) -> String {
    let mut text = format!("{machine}\n{} workers\n\n", options.workers(),);
    if !findings.chains.is_empty() {
        let _ = writeln!(text, "{}\n{CHAINS}", chains(&findings.chains));
    }
    if !findings.blocks.is_empty() {
        let _ = writeln!(text, "{}\n{BLOCKS}\n{}", blocks(findings), sums(findings, options));
    }
    if let Some(held) = findings.held {
        let _ = writeln!(
            text,
            "{} snapshots of older blocks were held; {} times one was read whole meanwhile, and was what it was",
            held.snapshots, held.readings
        );
    }
    if let Some(stored) = &findings.stored {
        let _ = writeln!(
            text,
            "{} on {}: resumed at block {} of {} (opened in {:.1} ms), the rest was durable after {:.1} ms\nstate {}",
            stored.workload,
            stored.adapter,
            stored.resumed_at,
            stored.blocks,
            stored.opening.as_secs_f64() * 1e3,
            stored.took.as_secs_f64() * 1e3,
            stored.hash
        );
    }
    let verdict = match findings.differences.len() {
        0 => "every result and every final state equals sequential execution".to_owned(),
        count => format!("DIFFERENT from sequential execution in {count} places"),
    };
    let _ = writeln!(text, "{verdict}");
    text
}

const CHAINS: &str = "speed-up: over sequential execution, of median blocks. runs: per transaction. Latency: from the call that \
executes a block until its writes are in the store. memory: what the store counts, at its highest; of the others, growth of \
resident memory while their state was loaded.\n";

const BLOCKS: &str = "bound: no schedule of so many workers is faster. speed-up: over sequential execution, of median repetitions. \
plain: transfers as they stand; added: as additions to the recipient. runs: per transaction.\n";

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    for column in 1..head.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn chains(chains: &[Chain]) -> Table {
    let mut table = table(&[
        "workload",
        "who",
        "tx/s",
        "speed-up",
        "runs",
        "most",
        "in vain",
        "p50 ms",
        "p90",
        "p99",
        "max",
        "memory MiB",
        "differing",
    ]);
    for chain in chains {
        for course in &chain.courses {
            let over = chain.courses.first().map_or(1.0, |sequential| course.over(sequential));
            let mut row = vec![
                chain.workload.to_owned(),
                course.who.to_owned(),
                grouped(course.rate()),
                figure(over),
                figure(course.figures.runs_each()),
                most(course),
                course.aborts(),
            ];
            row.extend([50, 90, 99, 100].map(|percent| figure(course.percentile(percent))));
            row.push(course.bytes.map_or("-".to_owned(), |bytes| figure(bytes as f64 / 1048576.0)));
            row.push(chain.differing.to_string());
            table.add_row(row);
        }
    }
    table
}

fn most(course: &Course) -> String {
    match course.figures.most_runs {
        0 => "-".to_owned(),
        most => most.to_string(),
    }
}

fn ways(findings: &Findings) -> Vec<&'static str> {
    let first = findings.blocks.first();
    first.map_or(vec![], |block| block.played.iter().map(|played| played.transfers).collect())
}

fn blocks(findings: &Findings) -> Table {
    let mut head = vec!["block".to_owned(), "txs".to_owned(), "gas".to_owned()];
    for way in ways(findings) {
        let columns = ["bound", "speed-up", "runs", "most", "in vain", "ms"];
        head.extend(columns.map(|column| format!("{way}\n{column}")));
    }
    head.push("differing".to_owned());
    let mut table = table(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for block in &findings.blocks {
        let mut row = vec![
            block.number.to_string(),
            block.transactions.to_string(),
            grouped(block.gas as f64),
        ];
        for played in &block.played {
            row.extend([
                figure(played.bound),
                figure(played.ours.over(&played.sequential)),
                figure(played.ours.figures.runs_each()),
                most(&played.ours),
                played.ours.aborts(),
                figure(played.ours.percentile(50)),
            ]);
        }
        row.push(block.differing.to_string());
        table.add_row(row);
    }
    table
}

/// Of one way of replaying transfers: the speed-up of all blocks together, and its bound.
pub fn together(findings: &Findings, way: usize) -> Option<(&'static str, f64, f64, f64)> {
    let played: Vec<&Played> =
        findings.blocks.iter().filter_map(|block| block.played.get(way)).collect();
    let name = played.first()?.transfers;
    let sum = |of: &dyn Fn(&Played) -> f64| played.iter().map(|one| of(one)).sum::<f64>();
    let speed_up = sum(&|one| one.sequential.percentile(50)) / sum(&|one| one.ours.percentile(50));
    let gas: u64 = findings.blocks.iter().map(|block| block.gas).sum();
    let bound = gas as f64 / sum(&|one| one.least_gas);
    let runs = sum(&|one| one.ours.figures.executions as f64)
        / sum(&|one| one.ours.figures.transactions as f64);
    Some((name, speed_up, bound, runs))
}

fn sums(findings: &Findings, options: &Options) -> String {
    let lines = (0..ways(findings).len()).filter_map(|way| {
        let (name, speed_up, bound, runs) = together(findings, way)?;
        Some(format!(
            "all blocks, transfers {name}, {} workers: {speed_up:.2} x sequential (bound {bound:.2}), {runs:.2} runs per transaction\n",
            options.workers()
        ))
    });
    lines.collect()
}
