//! Counts the instructions of a row, by running this program under valgrind.

use std::env::current_exe;
use std::process::Command;

use super::Row;
use crate::program::Outcome;

/// The function whose instructions, and those of all it calls, are counted.
const COUNTED: &str = "*counts::row::Row*::counted*";

/// Instructions a unit of `row`.
pub fn per_unit(row: Row) -> Outcome<f64> {
    let operations = row.operations();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(current_exe()?)
        .args(["--row", row.name(), "--operations", &operations.to_string()])
        .output()
        .map_err(|error| format!("cannot start valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}: {}: {said}", row.name(), output.status).into());
    }
    match counted(&said) {
        Some(count) if count > 0 => Ok(count as f64 / (operations * row.units()) as f64),
        _ => Err(format!("{}: valgrind counted nothing: {said}", row.name()).into()),
    }
}

/// The count in what valgrind says: `==77== Collected : 1234567`.
fn counted(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    let (_, number) = line.split_once("Collected :")?;
    number.trim().parse().ok()
}

/// The version of valgrind, or `None` where there is none.
pub fn version() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_among_other_lines() {
        let said = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 1234567\n";
        assert_eq!(counted(said), Some(1_234_567));
        assert_eq!(counted("==7== Callgrind\n"), None);
    }
}
