//! The program from the outside: it ends well, prints every row, and refuses nonsense with a
//! sentence.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use bench::contender::Roster;
use bench::measure::Plan;
use bench::report::rows;
use bench::workload::Case;

const SMALL: [&str; 7] = ["--quick", "--keys", "2000", "--rounds", "1", "--cell-ms", "2"];

fn side_by_side(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_side-by-side"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_row_is_printed_for_everyone_in_both_cases() {
    let folder = tempfile::tempdir().expect("a folder for the report");
    let path = folder.path().join("report.json");
    let path = path.to_str().expect("a name in UTF-8");
    let output = side_by_side(&[&SMALL[..], &["--json", path]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));

    let printed = text(&output.stdout);
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("valid JSON");
    for case in [Case::Fix, Case::Prefix] {
        let of_case = &report["cases"][case.name()];
        let plan = Plan { case, keys: 2_000, cell: Duration::ZERO, round: 0 };
        for row in rows(&plan) {
            assert!(printed.matches(&format!("| {} ", row.id)).count() >= 2, "no row {}", row.id);
            let cell = &of_case["cells"][row.cell.name()]["contenders"];
            for who in [Roster::Ours, Roster::Surrealmx] {
                let median = cell[who.name()]["median"].as_f64();
                // Resident memory is only told by Linux.
                let told = cfg!(target_os = "linux") || !row.id.starts_with("memory");
                assert!(!told || median.is_some(), "{} of {}", row.id, who.name());
            }
        }
        for who in Roster::IN_TARGETS {
            let get = &of_case["cells"]["get_ns"]["contenders"][who.name()]["median"];
            assert!(get.as_f64().is_some_and(|nanos| nanos > 0.0), "{} {get}", who.name());
        }
    }
    assert_eq!(report["failures"], serde_json::json!([]));
}

#[test]
fn only_what_was_asked_for_is_measured() {
    let args =
        [&SMALL[..], &["--only", "get,miss", "--case", "fix", "--contenders", "btree,artmap"]];
    let output = side_by_side(&args.concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("| get ") && printed.contains("| miss "));
    assert!(!printed.contains("| scan ") && !printed.contains("surrealmx "));
    assert!(!printed.contains("Case prefix"));
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let missing_folder = ["--quick", "--json", "no-such-folder/report.json"];
    let cases: [(&[&str], &str); 5] = [
        (&["--only", "no-such-row"], "no row `no-such-row`"),
        (&["--contenders", "nobody"], "nobody"),
        (&["--keys", "3"], "1000"),
        (&["--rounds", "zero"], "invalid"),
        (&missing_folder, "cannot write"),
    ];
    for (args, sentence) in cases {
        let output = side_by_side(args);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(sentence) && !said.contains("panicked"), "{args:?}: {said}");
    }
}
