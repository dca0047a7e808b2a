//! Reads traces, and believes nothing of them.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use super::sequential;
use super::trace::{ACCOUNT_KEY_LEN, ADDRESS_LEN, FinalHash, Trace, Transaction};
use crate::blocks::state::{ACCOUNT_LEN, NUMBER_LEN, Number};

/// Most bytes of a trace: a damaged file can unpack to anything.
const MAX_BYTES: u64 = 1 << 30;

/// What is wrong with a trace.
#[derive(Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 where it is the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}, line {line}: {}", self.file.display(), self.what),
        }
    }
}

impl std::error::Error for TraceError {}

/// What is wrong with a line, or with a part of one.
type Parsed<T> = Result<T, String>;

/// A key, or a value.
type Bytes = Box<[u8]>;

/// The traces of a folder, in the order of their blocks.
///
/// # Errors
/// The first file that cannot be read, or is no trace; a folder without traces.
pub fn load_folder(folder: &Path) -> Result<Vec<Trace>, TraceError> {
    let broken = |what: String| TraceError { file: folder.to_owned(), line: 0, what };
    let entries = fs::read_dir(folder).map_err(|error| broken(error.to_string()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| broken(error.to_string()))?.path();
        if path.to_string_lossy().ends_with(".jsonl.gz") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(broken("no traces (*.jsonl.gz) in this folder".to_owned()));
    }
    files.sort();
    let mut traces = files.iter().map(|file| load(file)).collect::<Result<Vec<_>, _>>()?;
    traces.sort_by_key(|trace| trace.block);
    Ok(traces)
}

/// The trace in a file. It is replayed once, one transaction after the other: what is returned agrees with itself.
///
/// # Errors
/// The file cannot be read, is no trace, or contradicts itself; with the line.
pub fn load(path: &Path) -> Result<Trace, TraceError> {
    let broken = |line: usize, what: String| TraceError { file: path.to_owned(), line, what };
    let file = File::open(path).map_err(|error| broken(0, error.to_string()))?;
    let text = MultiGzDecoder::new(BufReader::new(file));
    let mut lines = Lines { text: BufReader::new(text.take(MAX_BYTES)), number: 0 };
    let trace = read(&mut lines).map_err(|what| broken(lines.number, what))?;
    // The header is line 1 and each key has a line.
    let first = trace.keys.len() + 2;
    sequential::check(&trace).map_err(|wrong| match wrong.transaction {
        Some(index) => broken(first + index, wrong.what),
        None => broken(1, wrong.what),
    })?;
    Ok(trace)
}

/// Lines, counted.
struct Lines<R> {
    text: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    /// The next line, or `None` at the end.
    fn next(&mut self) -> Parsed<Option<Value>> {
        self.number += 1;
        let mut line = String::new();
        let len = self.text.read_line(&mut line).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidInput => "not compressed by gzip, or damaged".to_owned(),
            std::io::ErrorKind::UnexpectedEof => "the file ends in the middle".to_owned(),
            _ => format!("cannot be read: {error}"),
        })?;
        if len == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') {
            return Err("cut off in the middle of the line".to_owned());
        }
        serde_json::from_str(&line).map(Some).map_err(|error| format!("no JSON: {error}"))
    }

    fn expect(&mut self, what: &str) -> Parsed<Value> {
        self.next()?.ok_or_else(|| format!("the file ends where {what} should be"))
    }
}

fn read<R: BufRead>(lines: &mut Lines<R>) -> Parsed<Trace> {
    let head = lines.expect("the header")?;
    if head["format"] != "block-access-trace" {
        return Err("not a trace of storage accesses: no \"format\":\"block-access-trace\"".into());
    }
    if head["version"] != 1 {
        return Err(format!("a trace of version {}; version 1 is known", head["version"]));
    }
    let count = |name: &str| number(&head, name);
    let (transactions, keys) = (count("txs")?, count("keys")?);
    let (block, gas) = (count("block")?, count("gas_used")?);
    let end = FinalHash(bytes(text(&head, "final_sha256")?)?);

    let mut trace = Trace { block, gas, keys: vec![], before: vec![], transactions: vec![], end };
    let mut seen = HashSet::new();
    for index in 0..keys {
        let row = lines.expect("a key")?;
        let (key, value) = key_row(&row)?;
        if !seen.insert(key.clone()) {
            return Err(format!("key {index} was there before"));
        }
        trace.keys.push(key);
        trace.before.push(value);
    }
    for _ in 0..transactions {
        let row = lines.expect("a transaction")?;
        let transaction = transaction(&row, &trace.keys)?;
        trace.transactions.push(transaction);
    }
    match lines.next()? {
        None => Ok(trace),
        Some(_) => Err(format!("more lines than the {transactions} transactions of the header")),
    }
}

fn key_row(row: &Value) -> Parsed<(Bytes, Option<Bytes>)> {
    let Some([Value::String(text), before]) = row.as_array().map(Vec::as_slice) else {
        return Err("not a key and its value".to_owned());
    };
    let key = key(text)?;
    let value = value(&key, before)?;
    Ok((key, value))
}

/// A key: `a/<address>` or `s/<address>/<slot>`.
fn key(text: &str) -> Parsed<Bytes> {
    let wrong = || format!("no key: {text:?}");
    let mut key = Vec::with_capacity(text.len());
    let (kind, rest) = text.split_once('/').ok_or_else(wrong)?;
    key.extend_from_slice(kind.as_bytes());
    key.push(b'/');
    match (kind, rest.split_once('/')) {
        ("a", None) => key.extend_from_slice(&bytes::<ADDRESS_LEN>(rest).map_err(|_| wrong())?),
        ("s", Some((address, slot))) => {
            key.extend_from_slice(&bytes::<ADDRESS_LEN>(address).map_err(|_| wrong())?);
            key.push(b'/');
            key.extend_from_slice(&bytes::<32>(slot).map_err(|_| wrong())?);
        }
        _ => return Err(wrong()),
    }
    Ok(key.into())
}

/// What a key may hold: an account's record, or a slot's word.
fn value(key: &[u8], value: &Value) -> Parsed<Option<Bytes>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if key.len() == ACCOUNT_KEY_LEN => {
            bytes::<ACCOUNT_LEN>(text).map(|bytes| Some(bytes.into()))
        }
        Value::String(text) => bytes::<32>(text).map(|bytes| Some(bytes.into())),
        other => Err(format!("no value: {other}")),
    }
}

/// Exactly `N` bytes in lower-case hex.
fn bytes<const N: usize>(text: &str) -> Parsed<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return Err(format!("{} hex digits where {} should be", text.len(), 2 * N));
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let pair = digit(*high).zip(digit(*low));
        let (high, low) = pair.ok_or_else(|| format!("not hex: {text:?}"))?;
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

/// An amount: hex without leading zeros, not zero.
fn amount(value: &Value) -> Parsed<Number> {
    let wrong = || format!("no amount: {value}");
    let text = value.as_str().ok_or_else(wrong)?;
    if text.is_empty() || text.starts_with('0') || text.len() > 2 * NUMBER_LEN {
        return Err(wrong());
    }
    bytes(&format!("{text:0>width$}", width = 2 * NUMBER_LEN)).map_err(|_| wrong())
}

fn number(object: &Value, name: &str) -> Parsed<u64> {
    object[name].as_u64().ok_or_else(|| format!("no number \"{name}\""))
}

fn text<'a>(object: &'a Value, name: &str) -> Parsed<&'a str> {
    object[name].as_str().ok_or_else(|| format!("no text \"{name}\""))
}

fn list<'a>(object: &'a Value, name: &str) -> Parsed<&'a [Value]> {
    let list = object[name].as_array().ok_or_else(|| format!("no list \"{name}\""))?;
    Ok(list)
}

fn transaction(row: &Value, keys: &[Box<[u8]>]) -> Parsed<Transaction> {
    let index = |value: &Value| {
        let index = value.as_u64().filter(|index| *index < keys.len() as u64);
        index.map(|index| index as u32).ok_or_else(|| format!("there is no key {value}"))
    };
    let pair = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([key, value]) => Ok((index(key)?, value.clone())),
        _ => Err(format!("not a key and a value: {value}")),
    };
    let account = |(at, value): (u32, Value)| {
        if keys[at as usize].len() != ACCOUNT_KEY_LEN {
            return Err(format!("key {at} is no account"));
        }
        Ok((at, amount(&value)?))
    };
    let write = |entry: &Value| {
        let (at, held) = pair(entry)?;
        Ok((at, value(&keys[at as usize], &held)?))
    };
    let transaction = Transaction {
        gas: number(row, "g")?,
        reads: list(row, "r")?.iter().map(index).collect::<Parsed<_>>()?,
        writes: list(row, "w")?.iter().map(write).collect::<Parsed<_>>()?,
        additions: list(row, "a")?
            .iter()
            .map(|entry| account(pair(entry)?))
            .collect::<Parsed<_>>()?,
        payment: row.get("p").map(|entry| account(pair(entry)?)).transpose()?,
        digest: bytes(text(row, "d")?)?,
    };
    Ok(transaction)
}
