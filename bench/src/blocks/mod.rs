//! Blocks of transactions, and those who execute them.
//!
//! A transaction is data ([`program`]) that runs over whatever can be read and written ([`state`]); blocks are drawn from a seed
//! ([`workload`]). [`sequential`] execution says what is right; [`locked`] is an executor as chains have it, [`ours`] the engine's.

pub mod state;

pub mod work;

pub mod program;

pub mod workload;

pub mod sequential;

pub mod locked;

pub mod contender;

pub mod ours;
