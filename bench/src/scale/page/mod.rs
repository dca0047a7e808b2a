//! The report as one page of HTML: plots as SVG inside it, every figure in a table below its plot. It refers to no other
//! file and no network, follows the reader's choice of light or dark, and fits a telephone.

mod draw;
mod lines;
mod rows;

use std::fmt::Write as _;

use super::table::{duration, friction};
use super::{Place, Quantity, Run, Workload};
use crate::contender::Roster;
use crate::measure::{Cell, MEMORY_METHOD};
use crate::report::{Spread, figure, grouped, package_version};
use draw::escaped;
use lines::{Plot, Series};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn html(run: &Run<'_>) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>epoch-store: what more threads bring</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    head(run, &mut page);
    throughput(run, &mut page);
    latency(run, &mut page);
    memory(run, &mut page);
    frictions(run, &mut page);
    foot(run, &mut page);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn head(run: &Run<'_>, page: &mut String) {
    let (plan, machine) = (run.options.plan(0), &run.machine);
    page.push_str("<h1>epoch-store: what more threads bring</h1>\n<dl>\n");
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", escaped(value));
    };
    let (keys, cell) = (grouped(plan.keys as f64), plan.cell.as_millis());
    fact("data", &format!("{keys} keys, case {}, 32-byte values", plan.case.name()));
    fact(
        "measured",
        &format!("{cell} ms each figure, interleaved rounds: {}", run.options.rounds()),
    );
    fact("machine", &format!("{}, {} cores, {}", machine.cpu, machine.cores, machine.system));
    let load = machine.load.map_or("unknown".to_owned(), |load| format!("{load:.1}"));
    fact("load before", &load);
    if let Some((least, most)) = machine.transfer {
        fact("a line from core to core", &format!("{least:.0} to {most:.0} ns"));
    }
    fact("build", &format!("{}, {}, {}", machine.rustc, machine.profile, machine.flags));
    fact("allocator", &machine.allocator);
    fact("commit", &machine.commit);
    page.push_str(
        "</dl>\n<p>Points are medians over the rounds, thin lines behind them reach from the lowest to the highest round. \
         Every contender and round has a process of its own, and gets the same requests. Tables with all \
         figures are below the plots.</p>\n",
    );
}

fn throughput(run: &Run<'_>, page: &mut String) {
    page.push_str("<h2>Throughput</h2>\n<p class=\"soft\">All threads together; more is better.</p>\n<div class=\"plots\">\n");
    for workload in run.options.workloads() {
        let title = workload.title();
        rates(run, workload, Quantity::Rate, title, workload.detail(), workload.unit(), page);
        if workload == Workload::Beside {
            let (title, unit) = ("The writer beside those scans", "thousand commits a second");
            let detail = "1 thread: the writer alone";
            rates(run, workload, Quantity::Writer, title, detail, unit, page);
        }
    }
    page.push_str("</div>\n");
}

fn rates(
    run: &Run<'_>,
    workload: Workload,
    quantity: Quantity,
    title: &str,
    detail: &str,
    unit: &str,
    page: &mut String,
) {
    let all = run.options.threads();
    let of = |who| {
        let found = all.iter().filter_map(|&threads| {
            Some((threads, run.figures.spread(Place { workload, threads }, quantity, who)?))
        });
        Series { who, points: found.collect() }
    };
    let mut series: Vec<Series> = run.options.contenders().into_iter().map(of).collect();
    series.retain(|one| !one.points.is_empty());
    if series.is_empty() {
        return;
    }
    let id = format!("{}-{}", workload.name(), quantity.name());
    let cores = run.machine.cores;
    let plot = Plot { id: &id, title, unit, threads: &all, cores, series: &series };
    let head = all.iter().copied().map(threads);
    let rows = series.iter().map(|one| {
        let of = |threads: &usize| one.points.iter().find(|(at, _)| at == threads);
        let cells = all.iter().map(|at| cell(of(at).map(|(_, spread)| *spread)));
        (one.who.name().to_owned(), cells.collect())
    });
    let below = format!("{unit}; {detail}");
    figure_of(title, &below, &plot.svg(), &table("contender", head, rows), page);
}

fn latency(run: &Run<'_>, page: &mut String) {
    // With more threads than cores, times are those of the scheduler.
    let all = run.options.threads();
    let own = all.iter().copied().filter(|threads| *threads <= run.machine.cores).max();
    let threads = own.unwrap_or(all[0]);
    let _ = writeln!(
        page,
        "<h2>Time of one operation, with {}</h2>\n<p class=\"soft\">Percentiles of operations timed by \
         themselves (of short ones each 17th or 61st; reading the clock is in them), medians of the rounds; less is \
         better.</p>\n<div class=\"plots\">",
        self::threads(threads)
    );
    for workload in run.options.workloads() {
        let at = Place { workload, threads };
        let of = |who| {
            let time = |quantity| Some(run.figures.spread(at, quantity, who)?.median);
            let times = [time(Quantity::Middle)?, time(Quantity::Slow)?, time(Quantity::Slowest)?];
            Some((who, times))
        };
        let rows: Vec<(Roster, [f64; 3])> =
            run.options.contenders().into_iter().filter_map(of).collect();
        if rows.is_empty() {
            continue;
        }
        let plot = rows::times(&format!("{}-times", workload.name()), workload.title(), &rows);
        let head = ["p50", "p99", "p99.9"].map(str::to_owned).into_iter();
        let lines =
            rows.iter().map(|(who, times)| (who.name().to_owned(), times.map(duration).to_vec()));
        let below = workload.operation();
        figure_of(workload.title(), &below, &plot, &table("contender", head, lines), page);
    }
    page.push_str("</div>\n");
}

fn memory(run: &Run<'_>, page: &mut String) {
    let case = run.options.plan(0).case;
    let of = |who| {
        let loaded = run.figures.memory(case, who, Cell::MemoryLoaded)?;
        Some((who, loaded, run.figures.memory(case, who, Cell::MemoryOverwritten)))
    };
    let rows: Vec<_> = run.options.contenders().into_iter().filter_map(of).collect();
    if rows.is_empty() {
        return;
    }
    page.push_str("<h2>Memory</h2>\n<div class=\"plots\">\n");
    let plot = rows::bytes("memory", "Bytes an entry", &rows);
    let head = ["loaded", "overwritten"].map(str::to_owned).into_iter();
    let lines = rows
        .iter()
        .map(|(who, loaded, over)| (who.name().to_owned(), vec![cell(Some(*loaded)), cell(*over)]));
    figure_of("Bytes an entry", MEMORY_METHOD, &plot, &table("contender", head, lines), page);
    page.push_str("</div>\n");
}

/// The counts of our map that decide how it scales, also where there are few cores.
fn frictions(run: &Run<'_>, page: &mut String) {
    page.push_str(
        "<h2>What decides how ours scales</h2>\n<p class=\"soft\">Counted by the map, per 1,000 operations. Times depend \
         on the machine, these hardly do. What is not listed was zero throughout.</p>\n",
    );
    let lines = run.frictions().into_iter().map(|(workload, quantity, found)| {
        let name = format!("{}: {}", workload.title(), friction(quantity));
        (name, found.into_iter().map(cell).collect())
    });
    let table = table("count", run.options.threads().into_iter().map(threads), lines);
    let _ = writeln!(page, "<div class=\"wide\">{table}</div>");
}

fn foot(run: &Run<'_>, page: &mut String) {
    page.push_str("<h2>Contenders</h2>\n<ul>\n");
    for who in run.options.contenders() {
        let version = who.package().and_then(package_version).unwrap_or("std");
        let package = who.package().unwrap_or("standard library");
        let _ = writeln!(
            page,
            "<li><strong>{}</strong> ({package} {version}): {}</li>",
            who.name(),
            escaped(who.caveat())
        );
    }
    page.push_str("</ul>\n");
    let notes = run.figures.notes().map(|(workload, who, note)| {
        format!("{}, {}: {note}", who.name(), workload.title().to_lowercase())
    });
    list("Remarks", notes, page);
    list("What failed", run.figures.failures().iter().cloned(), page);
}

fn list(title: &str, lines: impl Iterator<Item = String>, page: &mut String) {
    let lines: Vec<String> = lines.map(|line| format!("<li>{}</li>", escaped(&line))).collect();
    if !lines.is_empty() {
        let _ = writeln!(page, "<h2>{title}</h2>\n<ul>\n{}\n</ul>", lines.join("\n"));
    }
}

fn figure_of(title: &str, below: &str, plot: &str, table: &str, page: &mut String) {
    let _ = writeln!(
        page,
        "<figure>\n<figcaption><h3>{}</h3><span class=\"soft\">{}</span></figcaption>\n{plot}\
         <details><summary>all figures</summary><div class=\"wide\">{table}</div></details>\n</figure>",
        escaped(title),
        escaped(below)
    );
}

fn table(
    corner: &str,
    head: impl Iterator<Item = String>,
    rows: impl Iterator<Item = (String, Vec<String>)>,
) -> String {
    let head: String = head.map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let mut text = format!("<table><tr><th scope=\"col\">{corner}</th>{head}</tr>");
    for (name, cells) in rows {
        let cells: String = cells.into_iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>{cells}</tr>", escaped(&name));
    }
    text.push_str("</table>");
    text
}

/// So many threads, in words.
fn threads(count: usize) -> String {
    if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") }
}

fn cell(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |spread| {
        let [median, min, max] = [spread.median, spread.min, spread.max].map(figure);
        format!("{median}<small>{min}..{max}</small>")
    })
}
