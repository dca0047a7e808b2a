//! The program `scale` from the outside: it measures everyone with every number of threads, writes a report and a page that
//! needs nothing else, and refuses nonsense with a sentence.

use std::fs;
use std::process::{Command, Output};

use bench::contender::Roster;
use bench::scale::Workload;
use serde_json::Value;

const SMALL: [&str; 5] = ["--quick", "--keys", "1000", "--cell-ms", "2"];

fn scale(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scale")).args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a small run with `args` prints, reports and shows.
fn run(args: &[&str]) -> (String, Value, String) {
    let folder = tempfile::tempdir().expect("a folder for the reports");
    let name = |file: &str| folder.path().join(file).to_str().expect("a name in UTF-8").to_owned();
    let (json, html) = (name("report.json"), name("page.html"));
    let output = scale(&[&SMALL[..], &["--json", &json, "--html", &html], args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = fs::read_to_string(json).expect("a report");
    let report = serde_json::from_str(&report).expect("valid JSON");
    (text(&output.stdout), report, fs::read_to_string(html).expect("a page"))
}

#[test]
fn every_workload_is_measured_for_everyone_with_every_number_of_threads() {
    let (printed, report, page) = run(&["--threads", "1,3"]);
    assert_eq!(report["threads"], serde_json::json!([1, 3]));
    assert_eq!(report["failures"], serde_json::json!([]));
    for workload in Workload::ALL {
        assert!(printed.contains(workload.title()), "no table of {}", workload.name());
        assert!(
            page.contains(&format!("id=\"{}-rate-t\"", workload.name())),
            "{}",
            workload.name()
        );
        assert!(
            page.contains(&format!("id=\"{}-times-t\"", workload.name())),
            "{}",
            workload.name()
        );
        let found = &report["workloads"][workload.name()]["contenders"];
        for threads in ["1", "3"] {
            for who in ["ours", "surrealmx", "rwbtree"] {
                for quantity in ["rate", "p50_ns", "p999_ns"] {
                    let median = found[who][threads][quantity]["median"].as_f64();
                    assert!(median.is_some_and(|one| one > 0.0), "{workload:?} {who} {quantity}");
                }
            }
            let lost = &found["ours"][threads]["cas_failures_per_1000"]["median"];
            assert!(lost.as_f64().is_some(), "{workload:?}: no counts");
        }
    }
    let gets = &report["workloads"]["gets"]["contenders"];
    // One thread's, and those that are made for a disk, are no contenders here.
    let others = [&[Roster::Btree], Roster::ON_DISK].concat();
    for who in Roster::ALL.iter().filter(|who| !others.contains(who)) {
        assert!(gets[who.name()]["3"]["rate"]["median"].is_number(), "{}", who.name());
    }
}

#[test]
fn who_promises_less_has_no_figure_and_says_so() {
    let (_, report, page) = run(&["--only", "commits,beside", "--contenders", "ours,artmap"]);
    let of = |workload: &str| &report["workloads"][workload]["contenders"];
    assert!(of("commits")["ours"].is_object() && of("commits")["artmap"].is_null());
    assert!(of("beside")["artmap"]["2"]["writer"].is_object());
    let notes = report["notes"].as_array().expect("a list");
    let of_artmap = |note: &&Value| note["contender"] == "artmap" && note["workload"] == "beside";
    let note = notes.iter().find(of_artmap).expect("a remark")["note"].as_str().expect("a text");
    assert!(note.starts_with("not consistent: "), "{note}");
    assert!(page.contains("not consistent: "));
    assert!(report["workloads"]["gets"].is_null() && !page.contains("surrealmx ("));
}

#[test]
fn the_page_is_whole_and_refers_to_nothing_outside() {
    let (_, _, page) = run(&["--only", "gets,puts", "--contenders", "ours,imbl"]);
    for outside in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<link"]
    {
        assert!(!page.contains(outside), "{outside}");
    }
    let count = |what: &str| page.matches(what).count();
    // Two of rates, two of times, one of memory where the system tells it.
    assert!(count("<svg") >= 4);
    for told in ["</svg>", "role=\"img\"", "<title id=", "<desc id="] {
        assert_eq!(count(told), count("<svg"), "{told}");
    }
    for broken in ["NaN", "inf\"", "{}"] {
        assert!(!page.contains(broken), "{broken}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("width=device-width"));
    for fact in ["allocator", "commit", "rustc", "opt-level", "ms each figure"] {
        assert!(page.contains(fact), "{fact}");
    }
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let cases: [(&[&str], &str); 5] = [
        (&["--threads", "0"], "1..=1024"),
        (&["--threads", "1024", "--keys", "1000"], "1024 threads need as many keys"),
        (&["--only", "nothing"], "nothing"),
        (&["--contenders", "nobody"], "nobody"),
        (&["--quick", "--html", "no-such-folder/page.html"], "cannot write"),
    ];
    for (args, sentence) in cases {
        let output = scale(args);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(sentence) && !said.contains("panicked"), "{args:?}: {said}");
    }
}
