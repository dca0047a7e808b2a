//! The program `executor` from the outside: it prints every row asked for, and refuses nonsense with a sentence.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

const SMALL: [&str; 3] = ["--quick", "--transactions", "100"];

fn executor(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_executor")).args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn rows_are_measured_and_judged() {
    let folder = tempfile::tempdir().expect("a folder for the report");
    let path = folder.path().join("report.json");
    let path = path.to_str().expect("a name in UTF-8");
    let only = "chain,range-ratio,validate,seal,most-runs-many,blocks-plain";
    let output = executor(&[&SMALL[..], &["--only", only, "--json", path]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let report: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("valid JSON");
    assert_eq!(report["differences"], json!([]));
    let rows = report["rows"].as_array().expect("a list of rows");
    assert_eq!(rows.len(), 6);
    for row in rows {
        let id = row["id"].as_str().expect("rows have names");
        assert!(printed.contains(&format!("| {id} ")), "{id}: {printed}");
        let verdict = row["must"]["verdict"].as_str().expect("each of these has a must");
        // No traces were given.
        assert_eq!(verdict == "not measured", id == "blocks-plain", "{row}");
    }
    // Bounded runs are no matter of speed.
    let runs = rows.iter().find(|row| row["id"] == "most-runs-many").expect("it was asked for");
    assert_eq!(runs["must"]["verdict"], "met", "{runs}");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let cases: [(&[&str], &str); 5] = [
        (&["--only", "no-such-row"], "no row `no-such-row`"),
        (&["--transactions", "3"], "invalid"),
        (&["--rounds", "0"], "invalid"),
        (&["--traces", "no-such-folder"], "no-such-folder"),
        (&["--quick", "--json", "no-such-folder/report.json"], "cannot write"),
    ];
    for (args, sentence) in cases {
        let output = executor(args);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(sentence) && !said.contains("panicked"), "{args:?}: {said}");
    }
}
