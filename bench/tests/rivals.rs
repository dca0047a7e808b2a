//! The program `rivals` from the outside: each side in a process of its own, ours right where it counts, and nonsense refused
//! with a sentence.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

fn rivals(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rivals")).args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn both_sides_are_shown_and_ours_may_be_relied_on() {
    let folder = tempfile::tempdir().expect("a folder for the report");
    let path = folder.path().join("report.json");
    let path = path.to_str().expect("a name in UTF-8");
    let small = ["--keys", "2000", "--rounds", "2", "--json", path];
    let output = rivals(&[&["history", "queue", "sleeper", "ticks"], &small[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("What a program may rely on"));
    let report: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("valid JSON");
    assert_eq!(report["failures"], serde_json::json!([]));

    let lines = |of: &str| report["demonstrations"][of].as_array().expect("a list").clone();
    for tick in lines("ticks") {
        assert_eq!(tick["sides"]["ours"]["min"], 1.0, "{}", tick["what"]);
    }
    for of in ["history", "queue", "sleeper"] {
        for line in lines(of) {
            for side in ["ours", "surrealmx"] {
                let samples = line["sides"][side]["samples"].as_array().map(Vec::len);
                assert_eq!(samples, Some(2), "{of}: {} of {side}", line["what"]);
            }
        }
    }
    // Counts that do not depend on the machine: with one old snapshot two versions of a key are enough.
    let history = lines("history");
    let held = history.iter().find(|line| line["what"].to_string().contains("versions held"));
    let held = held.expect("a line")["sides"]["ours"]["max"].as_f64().expect("a number");
    assert!(held <= 2_000.0, "{held}");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let cases: [(&[&str], &str); 4] = [
        (&["--sides", "ours,btree"], "nothing is shown of btree"),
        (&["no-such-thing"], "no-such-thing"),
        (&["--keys", "7"], "2000"),
        (&["ticks", "--json", "no-such-folder/report.json"], "cannot write"),
    ];
    for (args, sentence) in cases {
        let output = rivals(args);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(sentence) && !said.contains("panicked"), "{args:?}: {said}");
    }
}
