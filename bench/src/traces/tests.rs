//! Two small blocks written by hand (`bench/tests/data`), as they are and damaged in every way that was thought of.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::player::{Player, Seen};
use super::*;
use crate::blocks::sequential::{Reference, Strings, execute};

const SEVEN: &str = include_str!("../../tests/data/7.jsonl");
const EIGHT: &str = include_str!("../../tests/data/8.jsonl");

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7.jsonl.gz");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn load_text(text: &str) -> Result<Trace, TraceError> {
    load(&file(&packed(text)).1)
}

#[test]
fn a_trace_is_loaded_and_agrees_with_itself() {
    let trace = load_text(SEVEN).unwrap();
    assert_eq!((trace.block, trace.gas, trace.keys.len()), (7, 198_000, 7));
    assert_eq!(trace.transactions.len(), 6);
    let paid = trace.transactions[0].payment.unwrap();
    assert_eq!((paid.0, paid.1[31]), (1, 100));
    let plain = expected(&trace, Transfers::Plain);
    assert_eq!(plain.end, trace.end);
    let own = trace.transactions.iter().map(|transaction| transaction.digest);
    assert!(own.eq(plain.digests.iter().copied()));
    // The state is the same; who pays does not look at who is paid.
    let added = expected(&trace, Transfers::Added);
    assert_eq!(added.end, trace.end);
    assert_ne!(added.digests[0], plain.digests[0]);
    assert_eq!(added.digests[2], plain.digests[2]);
}

#[test]
fn a_folder_is_loaded_in_the_order_of_blocks() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl.gz"), packed(EIGHT)).unwrap();
    fs::write(folder.path().join("b.jsonl.gz"), packed(SEVEN)).unwrap();
    fs::write(folder.path().join("README.md"), "no trace").unwrap();
    let blocks: Vec<u64> =
        load_folder(folder.path()).unwrap().iter().map(|trace| trace.block).collect();
    assert_eq!(blocks, [7, 8]);
}

#[test]
fn who_plays_a_trace_in_order_sees_what_was_expected() {
    for text in [SEVEN, EIGHT] {
        let trace = load_text(text).unwrap();
        for transfers in Transfers::ALL {
            let player = Player::new(&trace, transfers, 0.0);
            let mut state = Strings::load(&player.base());
            let outs = execute(&player, &mut state);
            assert_eq!(player.differing(&outs, &expected(&trace, transfers)), [0; 0]);
            let entries = state.entries();
            let entries = entries.iter().map(|(key, value)| (&key[..], &value[..]));
            assert_eq!(final_hash(entries), trace.end);
        }
    }
}

#[test]
fn a_wrong_read_is_noticed() {
    let trace = load_text(SEVEN).unwrap();
    let player = Player::new(&trace, Transfers::Plain, 0.0);
    let mut base = player.base();
    base.last_mut().unwrap().1[31] ^= 1; // the slot that the third transaction reads and deletes
    let outs: Vec<Seen> = execute(&player, &mut Strings::load(&base));
    assert_eq!(player.differing(&outs, &expected(&trace, Transfers::Plain)), [2]);
    assert_eq!(player.differing(&outs[..5], &expected(&trace, Transfers::Plain)), [2, 5]);
}

#[test]
fn dependencies_are_found() {
    let trace = load_text(SEVEN).unwrap();
    let plain = dependencies(&trace, Transfers::Plain);
    // Longest: 0 -> 1 -> 3 -> 4 -> 5, by who is paid, and the last one reads all fees. Heaviest: 0 -> 2 -> 4 -> 5.
    assert_eq!(plain, Dependencies { dependent: 5, longest: 5, heaviest: 156_000, gas: 198_000 });
    let added = dependencies(&trace, Transfers::Added);
    assert!(added.heaviest <= plain.heaviest);
    assert!((plain.bound(8) - 198.0 / 156.0).abs() < 1e-9);
    assert_eq!(plain.bound(1), 1.0);
}

/// Replaces in line `line` (from 1), and tells what loading says.
fn damaged(line: usize, from: &str, to: &str) -> TraceError {
    let mut lines: Vec<String> = SEVEN.lines().map(str::to_owned).collect();
    assert!(lines[line - 1].contains(from), "{}", lines[line - 1]);
    lines[line - 1] = lines[line - 1].replacen(from, to, 1);
    load_text(&(lines.join("\n") + "\n")).unwrap_err()
}

#[test]
fn a_damaged_line_is_named() {
    let cases = [
        (1, "block-access-trace", "access-log", 1, "not a trace"),
        (1, "\"version\":1", "\"version\":2", 1, "version 2"),
        (1, "\"txs\":6", "\"txs\":7", 15, "ends where a transaction should be"),
        (1, "\"txs\":6", "\"txs\":5", 14, "more lines"),
        (1, "\"keys\":7", "\"keys\":8", 9, "not a key"),
        (1, "198000", "198001", 1, "gas"),
        (1, "\"txs\":6", "\"txs\":\"six\"", 1, "no number \"txs\""),
        (2, "a/", "b/", 2, "no key"),
        (2, "00000001\"", "0000000x\"", 2, "no key"),
        (3, "000002\"", "000001\"", 3, "was there before"),
        (3, "\"a/", "{\"a/", 3, "no JSON"),
        (2, "c5d2", "C5d2", 2, "not hex"),
        (2, "c5d2", "c5d", 2, "143 hex digits where 144"),
        (9, "\"g\":21000,", "", 9, "no number \"g\""),
        (9, "[0,1]", "[0,7]", 9, "there is no key 7"),
        (9, "[0,1]", "[0,-1]", 9, "there is no key -1"),
        (9, "[[2,\"a\"]]", "[[4,\"a\"]]", 9, "no account"),
        (9, "[[2,\"a\"]]", "[[2,\"0a\"]]", 9, "no amount"),
        (9, "[[2,\"a\"]]", "[[1,\"a\"]]", 9, "twice"),
        (9, "\"p\":[1,\"64\"]", "\"p\":[1,\"65\"]", 9, "plain transfer"),
        (10, "\"d\":\"", "\"d\":\"0", 10, "hex digits"),
        (11, "\"r\":[0,3,4,5]", "\"r\":[0,3,5,4]", 11, "do not see"),
    ];
    for (line, from, to, blamed, what) in cases {
        let error = damaged(line, from, to);
        assert!(error.what.contains(what), "{from} -> {to}: {error}");
        assert_eq!(error.line, blamed, "{from} -> {to}: {error}");
        assert!(error.to_string().contains("7.jsonl.gz, line"), "{error}");
    }
    // Another state than the header says, without any transaction that is wrong in itself.
    let error = damaged(1, "\"final_sha256\":\"", "\"final_sha256\":\"00");
    assert!(error.what.contains("66 hex digits"), "{error}");
}

#[test]
fn what_is_no_trace_is_refused() {
    let whole = packed(SEVEN);
    let mut bent = whole.clone();
    let middle = bent.len() / 2;
    bent[middle] ^= 0x55;
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file ends"),
        (b"plain text, not compressed", "gzip"),
        (&whole[..whole.len() / 2], ""),
        (&whole[..whole.len() - 4], ""),
        (&bent, ""),
        (&packed("{\"a\":1}\n"), "not a trace"),
    ];
    for (bytes, what) in cases {
        let (_folder, path) = file(bytes);
        let error = load(&path).unwrap_err();
        assert!(error.what.contains(what) && error.file == path, "{error}");
    }
    let missing = load(Path::new("no-such-file.jsonl.gz")).unwrap_err();
    assert_eq!(missing.line, 0);
    let cut = load_text(SEVEN.trim_end()).unwrap_err();
    assert!(cut.what.contains("cut off"), "{cut}");
    let empty = tempfile::tempdir().unwrap();
    assert!(load_folder(empty.path()).unwrap_err().what.contains("no traces"));
}
