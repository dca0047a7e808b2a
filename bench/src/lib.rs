//! Programs that measure the store beside its rivals.
//!
//! `cargo run --release -p bench --bin side-by-side` prints the storage rows of the project's
//! targets: every row for every contender, our ratio to the rival the row names, and whether it
//! keeps to what was asked. Rows in which we lose are printed like the others.
//!
//! From the ground up: [`workload`] is what is asked, [`contender`] who is asked, [`measure`] how
//! the time is taken, [`report`] what is made of it, [`program`] the processes around it.
//!
//! [`scale`] asks the same contenders with more and more threads, [`rivals`] shows what happens on a bad day, and [`counts`]
//! counts instructions.
//!
//! `replay` and `executor` are about blocks of transactions: [`blocks`] are generated ones and who
//! executes them, [`traces`] those of real blocks; [`replay`] compares every result with sequential
//! execution, [`executor`] measures the executor's rows of the targets.
//!
//! `durable` is about stores with a parent on a disk: [`adapter`] says which, [`durable`] measures.

// One contender of the feature `heavy` needs a block of it: CONTRIBUTING.md says why that one.
#![cfg_attr(not(feature = "heavy"), forbid(unsafe_code))]
#![cfg_attr(feature = "heavy", deny(unsafe_code))]

pub mod workload;

pub mod contender;

pub mod measure;

pub mod report;

pub mod program;

pub mod scale;

pub mod counts;

pub mod rivals;

pub mod upkeep;

pub mod layers;

pub mod adapter;

pub mod durable;

pub mod blocks;

pub mod traces;

pub mod replay;

pub mod executor;
