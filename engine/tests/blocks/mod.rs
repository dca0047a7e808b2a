//! The oracle of blocks: what a block must do, written as naively as it can be and with nothing of the engine's in it.
//!
//! - `program`: transactions made of data, so that they can be generated, made smaller and printed; they run on any
//!   [`Target`](program::Target).
//! - `sequential`: executes programs one after the other over a `BTreeMap`. What an executor must equal, bit by bit.
//! - `versions`: a multi-version block as a map of lists, with read sets that are plain copies of what was answered.
//! - `strategy`: generators that shrink; `cases`: runs of them whose seed is printed.
//! - `adapter`, `by_hand`, `executors`: programs on the engine's views, blocks without an executor, and with one.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod adapter;
pub mod by_hand;
pub mod cases;
pub mod executors;
pub mod program;
pub mod sequential;
pub mod strategy;
pub mod versions;
