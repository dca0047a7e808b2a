//! The tables of figures in README.md and DESIGN.md are those of the reports that they name: nobody types a figure. A test that
//! fails prints the table as it should stand.

use std::fs;
use std::path::Path;

use bench::report::figure;
use serde_json::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The report that `text` names behind `mark`: `bench/results/NAME.txt`, whose figures are in `NAME.json`.
fn report(text: &str, mark: &str) -> Value {
    let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no `{mark}`"));
    let (_, rest) = rest.split_once("bench/results/").expect("a report is named");
    let (name, _) = rest.split_once(".txt").expect("a report ends with .txt");
    serde_json::from_str(&read(&format!("bench/results/{name}.json"))).expect("a report is JSON")
}

/// Fails unless each line stands in `text`.
fn assert_in(text: &str, lines: &[String], what: &str) {
    let missing: Vec<&String> = lines.iter().filter(|line| !text.contains(*line)).collect();
    assert!(
        missing.is_empty(),
        "{what} should be\n{}\nand {missing:#?} are not there",
        lines.join("\n")
    );
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// A median of both key cases, `-` where there is none.
fn both(report: &Value, cell: &str, contender: &str) -> String {
    let median = |case: &str| {
        number(&report["cases"][case]["cells"][cell]["contenders"][contender]["median"])
    };
    match (median("fix"), median("prefix")) {
        (Some(fix), Some(prefix)) => format!("{} / {}", figure(fix), figure(prefix)),
        _ => "-".to_owned(),
    }
}

/// The rows of the README: what stands there, its unit, and the cell of the report.
const ROWS: [(&str, &str, &str); 23] = [
    ("look-up in a held snapshot", "ns", "get_ns"),
    ("look-up in batches of 16, per key", "ns", "get_many_ns"),
    ("look-up of an absent key", "ns", "miss_ns"),
    ("overwrite of one key, a commit", "ns", "overwrite_ns"),
    ("insert of a new random key, a commit", "ns", "insert_ns"),
    ("bulk load, random, batches of 1,000", "ns", "load_random_ns"),
    ("bulk load, sorted", "ns", "load_sorted_ns"),
    ("full scan, per entry", "ns", "scan_ns"),
    ("the same backwards", "ns", "scan_back_ns"),
    ("100 entries from a random key", "us", "range_us"),
    ("writer beside an endless scan", "M/s", "beside_writer_mops"),
    ("snapshot open + drop, writer running", "ns", "snapshot_beside_ns"),
    ("first entry of a range", "us", "iterator_many_us"),
    ("commits of 100 keys, 1 thread", "k/s", "commits_100_kps"),
    ("the same, 2 threads", "k/s", "commits_100_two_kps"),
    ("zipf 95 % reads, 2 threads", "M/s", "mix_95_5_mops"),
    ("zipf 50 % reads, 2 threads", "M/s", "mix_50_50_mops"),
    ("bytes per entry", "B", "memory_loaded_bytes"),
    ("... after one overwrite of each", "B", "memory_overwritten_bytes"),
    ("versions of one key after 1M overwrites, one snapshot", "", "chain_versions"),
    ("2 threads over 1, one-key commits", "x", "puts_scale"),
    ("p99.9 of a small commit beside one of 300,000 keys", "us", "tail_us"),
    ("16,000th overwrite under an old reader", "ns", "old_reader_late_ns"),
];

const OTHERS: [&str; 5] = ["rwbtree", "artmap", "vartmap", "skipmap", "surrealmx"];

/// The dagger of a row in which somebody is over a quarter better than ours, in a key case.
fn dagger(report: &Value, unit: &str, cell: &str) -> &'static str {
    let more_is_better = ["M/s", "k/s", "x"].contains(&unit);
    let is_lost = ["fix", "prefix"].into_iter().any(|case| {
        let contenders = &report["cases"][case]["cells"][cell]["contenders"];
        let median = |who: &str| number(&contenders[who]["median"]);
        OTHERS.iter().filter_map(|other| median(other).zip(median("ours"))).any(|(other, ours)| {
            if more_is_better { other > 1.25 * ours } else { ours > 1.25 * other }
        })
    });
    if is_lost { " †" } else { "" }
}

#[test]
fn the_tables_of_the_map_are_those_of_its_report() {
    let readme = read("README.md");
    let report = report(&readme, "### The map");
    let of = |cell, contender| both(&report, cell, contender);
    let lines = ROWS.map(|(name, unit, cell)| {
        let others = OTHERS.map(|other| of(cell, other));
        let dagger = dagger(&report, unit, cell);
        format!("| {name}{dagger} | {unit} | **{}** | {} |", of(cell, "ours"), others.join(" | "))
    });
    assert_in(&readme, &lines, "the long table of the map");

    // The short one has some of the rows, with the unit behind the name.
    let (_, part) = readme.split_once("### The map").expect("a section of its own");
    let (part, _) = part.split_once("<details>").expect("the long table is folded");
    let short: Vec<&str> = part.lines().filter(|line| line.contains("| **")).skip(1).collect();
    assert!(short.len() >= 8, "a short table");
    for line in short {
        let (_, figures) = line.split_once("| **").expect("ours is bold");
        let (name, _) = line[2..].split_once([',', '|', '†']).expect("a row has a name");
        assert!(
            lines.iter().any(|long| long.ends_with(figures)),
            "`{name}` is no row of the long table: {line}"
        );
    }
}

/// A limit, what was reached, and bold where it was missed: of both key cases, where they differ.
fn judged(fix: &Value, prefix: &Value) -> [String; 2] {
    let demands = |side: &Value| side["demands"].as_array().cloned().unwrap_or_default();
    let (fix, prefix) = (demands(fix), demands(prefix));
    if fix.is_empty() {
        return ["-".to_owned(), "-".to_owned()];
    }
    let reached = |demand: &Value| {
        let found = number(&demand["found"]["median"]).map_or("-".to_owned(), figure);
        if demand["verdict"] == "met" { found } else { format!("**{found}**") }
    };
    let words = |demand: &Value| demand["demand"].as_str().expect("a demand has words").to_owned();
    let asked = fix.iter().zip(&prefix).map(|(fix, prefix)| {
        if words(fix) == words(prefix) {
            words(fix)
        } else {
            format!("{} / {}", words(fix), words(prefix))
        }
    });
    let found = fix
        .iter()
        .zip(&prefix)
        .map(|(fix, prefix)| format!("{} / {}", reached(fix), reached(prefix)));
    [asked.collect::<Vec<_>>().join("; "), found.collect::<Vec<_>>().join("; ")]
}

#[test]
fn the_targets_of_the_map_are_those_of_its_report() {
    let design = read("DESIGN.md");
    let report = report(&design, "### 11.1");
    let rows = |case: &str| report["cases"][case]["rows"].as_array().expect("a report has rows");
    let lines = rows("fix").iter().zip(rows("prefix")).filter_map(|(fix, prefix)| {
        let (must, aim) =
            (judged(&fix["must"], &prefix["must"]), judged(&fix["aim"], &prefix["aim"]));
        let (label, cell) = (fix["label"].as_str()?, fix["cell"].as_str()?);
        let unit = report["cases"]["fix"]["cells"][cell]["unit"].as_str()?;
        let ours = both(&report, cell, "ours");
        let is_asked = must[0] != "-" || aim[0] != "-";
        is_asked.then(|| {
            format!(
                "| {label} | {ours} {unit} | {} | {} | {} | {} |",
                must[0], must[1], aim[0], aim[1]
            )
        })
    });
    assert_in(&design, &lines.collect::<Vec<_>>(), "the table of the map's targets");
}

#[test]
fn the_targets_of_the_executor_are_those_of_its_report() {
    let design = read("DESIGN.md");
    let report = report(&design, "### 11.2");
    let lines = report["rows"].as_array().expect("a report has rows").iter().filter_map(|row| {
        let side = |name: &str| {
            let words = row[name]["demand"].as_str().unwrap_or("-");
            if row[name]["verdict"] == "missed" { format!("**{words}**") } else { words.to_owned() }
        };
        let (label, unit) = (row["label"].as_str()?, row["unit"].as_str()?);
        let found = figure(number(&row["found"]["median"])?);
        let spot = row["worst_spot"].as_str().unwrap_or("-");
        Some(format!("| {label} | {found} {unit} | {spot} | {} | {} |", side("must"), side("aim")))
    });
    assert_in(&design, &lines.collect::<Vec<_>>(), "the table of the executor's targets");
}

#[test]
fn the_targets_of_durable_stores_are_those_of_their_report() {
    let design = read("DESIGN.md");
    let report = report(&design, "### 11.3");
    let lines = report["rows"].as_array().expect("a report has rows").iter().filter_map(|row| {
        let limit = number(&row["must"]["limit"])?;
        let bound = if row["must"]["bound"] == "at most" { "<=" } else { ">=" };
        let (label, adapter) = (row["label"].as_str()?, row["adapter"].as_str()?);
        let (unit, ours) = (row["unit"].as_str()?, figure(number(&row["ours"]["median"])?));
        let ratio = format!("{}x", figure(number(&row["ratio"]["median"])?));
        let ratio = if row["must"]["verdict"] == "met" { ratio } else { format!("**{ratio}**") };
        let id = row["id"].as_str()?;
        Some(format!("| `{id}` {label} | {adapter} | {ours} {unit} | {ratio} | {bound} {limit}x |"))
    });
    assert_in(&design, &lines.collect::<Vec<_>>(), "the table of the targets of durable stores");
}
