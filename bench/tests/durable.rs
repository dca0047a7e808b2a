//! The program `durable` from the outside, on sizes that say nothing about speed: every row is there, and everything that was
//! read was right.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

const SMALL: [&str; 4] = ["--keys", "1000", "--rounds", "2"];

fn durable(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_durable")).args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_row_is_measured_and_judged() {
    let place = tempfile::tempdir().expect("a folder");
    let (report, dir) = (place.path().join("report.json"), place.path().join("files"));
    let names = [&report, &dir].map(|path| path.to_str().expect("a name in UTF-8"));
    let output = durable(&[&SMALL[..], &["--json", names[0], "--dir", names[1]]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let report: Value =
        serde_json::from_str(&fs::read_to_string(report).expect("a report")).expect("valid JSON");
    let rows = report["rows"].as_array().expect("a list of rows");
    for adapter in ["redb", "fjall"] {
        let of = rows.iter().filter(|row| row["adapter"] == adapter);
        let ids: Vec<&str> = of.filter_map(|row| row["id"].as_str()).collect();
        for id in ["put-p50", "block-mean", "pipelined", "get-memory", "scan-below", "open-budget"]
        {
            assert!(ids.contains(&id), "{adapter}: {id} is not among {ids:?}");
            assert!(printed.contains(&format!("| {id} ")), "{id}: {printed}");
        }
    }
    for row in rows {
        assert!(row["ours"]["median"].as_f64().is_some_and(|figure| figure > 0.0), "{row}");
        assert!(row["must"].is_null() || row["must"]["verdict"] != "not measured", "{row}");
    }
    assert!(printed.contains("which parent"), "{printed}");
    let left = fs::read_dir(dir).expect("the folder is there").count();
    assert_eq!(left, 0, "what was written is removed");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let cases: [(&[&str], &str); 4] = [
        (&["--keys", "3"], "invalid"),
        (&["--adapter", "none"], "invalid"),
        (&["--only", "everything"], "possible values"),
        (&["--json", "no-such-folder/report.json"], "cannot write"),
    ];
    for (args, sentence) in cases {
        let output = durable(args);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(sentence) && !said.contains("panicked"), "{args:?}: {said}");
    }
}
