//! From samples to the tables and the JSON file: every row of the targets, ours beside the rivals,
//! with what is asked of it.

mod demand;
mod json;
mod machine;
mod results;
mod rows;
mod table;

pub use demand::{Basis, Bound, Demand, Judgement, Verdict};
pub use json::{json, machine_json, spread_json};
pub use machine::{Machine, package_version};
pub use results::{Results, Spread};
pub use rows::{Row, rows};
pub use table::{extent, figure, grouped, table, with_extent};
