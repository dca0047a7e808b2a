//! What is chosen by the environment: `MICRO_KEYS`, keys that the maps hold (default 100,000), and `MICRO_CASE`, which keys
//! (`prefix`, the default, or `fix`).

use std::env;
use std::time::Duration;

use bench::measure::Plan;
use bench::workload::{Case, MAX_KEYS};
use clap::ValueEnum;

/// Keys unless told otherwise: more than caches hold, few enough to load some sixty maps.
const KEYS: usize = 100_000;

/// Keys where every operation is only tried once, by an unoptimised build.
const KEYS_TRIED: usize = 2_000;

/// Fewer would not be enough for the longest commits and ranges.
const LEAST_KEYS: usize = 1_000;

/// The plan that the environment asks for. Its times are not used: criterion keeps the clock.
///
/// # Errors
/// A variable says something else than what it may.
pub fn plan() -> Result<Plan, String> {
    let keys = match env::var("MICRO_KEYS") {
        Err(_) if is_only_tried() => KEYS_TRIED,
        Err(_) => KEYS,
        Ok(text) => keys(&text)?,
    };
    let case = match env::var("MICRO_CASE") {
        Err(_) => Case::Prefix,
        Ok(text) => Case::from_str(&text, true)
            .map_err(|_| format!("MICRO_CASE is fix or prefix, not {text:?}"))?,
    };
    Ok(Plan { case, keys, cell: Duration::ZERO, round: 0 })
}

fn keys(text: &str) -> Result<usize, String> {
    let keys = text.replace(['_', ','], "").parse().ok();
    keys.filter(|keys| (LEAST_KEYS..=MAX_KEYS).contains(keys))
        .ok_or_else(|| format!("MICRO_KEYS is from {LEAST_KEYS} to {MAX_KEYS}, not {text:?}"))
}

/// Whether criterion will try every operation once instead of measuring it. Cargo says `--bench` where it wants figures.
fn is_only_tried() -> bool {
    let is_given = |flag: &str| env::args().any(|argument| argument == flag);
    is_given("--test") || !is_given("--bench")
}
