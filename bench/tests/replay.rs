//! The program `replay` from the outside: it finds what it should, and refuses with a sentence what it cannot use.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const BLOCKS: [(&str, &str); 2] =
    [("7.jsonl.gz", include_str!("data/7.jsonl")), ("8.jsonl.gz", include_str!("data/8.jsonl"))];

const SMALL: [&str; 10] = [
    "--blocks",
    "2",
    "--transactions",
    "150",
    "--work-us",
    "1",
    "--accounts",
    "10",
    "--ballast",
    "50",
];

fn replay(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_replay")).args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn pack(folder: &Path, name: &str, content: &str) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content.as_bytes()).expect("to memory");
    fs::write(folder.join(name), encoder.finish().expect("to memory")).expect("a file");
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for traces");
    BLOCKS.iter().for_each(|(name, content)| pack(folder.path(), name, content));
    folder
}

#[test]
fn every_workload_equals_sequential_execution_with_any_number_of_workers() {
    for workers in ["1", "2", "5"] {
        let output = replay(&[&SMALL[..], &["--workers", workers, "--baseline"]].concat());
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{workers} workers: {}", text(&output.stderr));
        assert!(printed.contains("equals sequential execution"), "{printed}");
        for name in ["transfers", "wide", "hot", "chain", "range", "mixed", "reads", "zipf"] {
            let rows = printed.matches(&format!("| {name} ")).count();
            assert_eq!(rows, 3, "{name}: sequential, ours and locked");
        }
    }
}

#[test]
fn the_report_for_programs_has_everything() {
    let folder = tempfile::tempdir().expect("a folder for the report");
    let path = folder.path().join("report.json");
    let path = path.to_str().expect("a name in UTF-8");
    let args = [&SMALL[..], &["--workload", "hot,range", "--json", path]].concat();
    assert!(replay(&args).status.success());
    let report: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("valid JSON");
    assert_eq!(report["differences"], json!([]));
    assert_eq!(report["chains"].as_array().map(Vec::len), Some(2));
    let ours = &report["chains"][0]["courses"][1];
    assert_eq!((&ours["who"], &ours["transactions"]), (&json!("ours"), &json!(300)));
    assert_eq!(ours["block_ms"].as_array().map(Vec::len), Some(2));
    assert!(ours["runs_per_transaction"].as_f64().is_some_and(|runs| runs >= 1.0), "{ours}");
    assert!(ours["changed_keys"].as_u64().is_some_and(|keys| keys > 0), "{ours}");
}

#[test]
fn traces_are_replayed_in_both_ways() {
    let folder = folder();
    let traces = folder.path().to_str().expect("a name in UTF-8");
    for workers in ["1", "3"] {
        let args = ["--traces", traces, "--workers", workers, "--ns-per-gas", "0.5"];
        let output = replay(&args);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        for words in ["| 7 ", "| 8 ", "198,000", "transfers plain", "transfers added"] {
            assert!(printed.contains(words), "{words}: {printed}");
        }
    }
}

#[test]
fn traces_are_replayed_as_one_chain_beside_readers_of_older_blocks() {
    let folder = folder();
    let traces = folder.path().to_str().expect("a name in UTF-8");
    let output = replay(&["--traces", traces, "--chain", "--ns-per-gas", "20"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(printed.contains("2 snapshots of older blocks were held"), "{printed}");
}

#[test]
fn blocks_of_nothing_and_fewer_transactions_than_workers_are_fine() {
    for transactions in ["0", "1", "3"] {
        let args = ["--transactions", transactions, "--blocks", "2", "--ballast", "0"];
        let output = replay(&[&args[..], &["--workers", "6", "--workload", "mixed"]].concat());
        assert!(output.status.success(), "{transactions}: {}", text(&output.stderr));
    }
}

/// A chain that takes some seconds, in blocks that do not.
const CHAIN: [&str; 10] = [
    "--blocks",
    "40",
    "--transactions",
    "200",
    "--work-us",
    "20",
    "--accounts",
    "50",
    "--ballast",
    "500",
];

fn on_store(folder: &Path, adapter: &str) -> Vec<String> {
    let place = ["--store", folder.to_str().expect("a name in UTF-8"), "--adapter", adapter];
    CHAIN.iter().chain(&place).map(|arg| (*arg).to_owned()).collect()
}

/// Runs the chain to its end. The block that it began at, and the state.
fn finish(folder: &Path, adapter: &str) -> (u64, String) {
    let report = folder.with_extension("json");
    let mut args = on_store(folder, adapter);
    args.extend(["--json".to_owned(), report.to_str().expect("a name in UTF-8").to_owned()]);
    let output =
        Command::new(env!("CARGO_BIN_EXE_replay")).args(&args).output().expect("it starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value =
        serde_json::from_str(&fs::read_to_string(report).expect("a report")).expect("valid JSON");
    let stored = &report["stored"];
    assert_eq!((&report["differences"], &stored["blocks"]), (&json!([]), &json!(40)));
    (stored["resumed_at"].as_u64().expect("a height"), stored["state"].to_string())
}

/// Runs the chain, and kills it when some blocks are durable.
fn kill_midway(folder: &Path, adapter: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(on_store(folder, adapter))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
    let durable = |line: &str| line.rsplit_once("durable: ")?.1.parse::<u64>().ok();
    let seen =
        lines.map_while(Result::ok).filter_map(|line| durable(&line)).find(|many| *many >= 3);
    child.kill().expect("SIGKILL"); // nothing is said to it first
    child.wait().expect("it has ended");
    assert!(seen.is_some_and(|many| many < 40), "it was to be killed in the middle: {seen:?}");
}

#[test]
fn a_chain_on_a_store_goes_on_after_a_kill_and_ends_in_the_same_state() {
    let place = tempfile::tempdir().expect("a folder for stores");
    for adapter in ["redb", "fjall"] {
        let [whole, killed] = ["whole", "killed"].map(|name| format!("{name}-{adapter}"));
        let (whole, killed) = (place.path().join(whole), place.path().join(killed));
        let (begun_at, state) = finish(&whole, adapter);
        assert_eq!(begun_at, 0);
        kill_midway(&killed, adapter);
        let (begun_at, again) = finish(&killed, adapter);
        assert!((3..40).contains(&begun_at), "{adapter}: resumed at block {begun_at}");
        assert_eq!(again, state, "{adapter}");
        // There is nothing left to do.
        assert_eq!(finish(&killed, adapter), (40, state), "{adapter}");
    }
}

#[test]
fn a_store_with_another_chain_is_left_alone() {
    let place = tempfile::tempdir().expect("a folder for a store");
    let args = [&SMALL[..], &["--store", place.path().to_str().expect("a name in UTF-8")]].concat();
    assert!(replay(&args).status.success());
    let output = replay(&[&args[..], &["--seed", "7"]].concat());
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("holds another chain"), "{said}");
    let output = replay(&[&args[..], &["--workload", "hot,chain"]].concat());
    assert!(text(&output.stderr).contains("one --workload"));
}

#[test]
fn a_damaged_trace_is_named_with_its_line() {
    let folder = folder();
    let lines: Vec<String> = BLOCKS[1].1.lines().map(str::to_owned).collect();
    let mut damaged = lines.clone();
    damaged[6] = damaged[6].replacen("\"g\":21000", "\"g\":\"21000\"", 1);
    pack(folder.path(), "8.jsonl.gz", &(damaged.join("\n") + "\n"));
    let output = replay(&["--traces", folder.path().to_str().expect("a name in UTF-8")]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("8.jsonl.gz, line 7: no number \"g\""), "{said}");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let cases: [(&[&str], &str); 7] = [
        (&["--traces", "no-such-folder"], "no-such-folder"),
        (&["--traces", "src"], "no traces"),
        (&["--chain"], "--traces"),
        (&["--workers", "0"], "invalid"),
        (&["--workload", "everything"], "possible values"),
        (&["--work-us", "-3"], "unexpected argument"),
        (&["--json", "no-such-folder/report.json"], "cannot write"),
    ];
    for (args, sentence) in cases {
        let output = replay(args);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(sentence) && !said.contains("panicked"), "{args:?}: {said}");
    }
}
