//! The driver: hands each input that libFuzzer makes up to the steps and the model that `epoch-store/tests/fuzz.rs` uses too.

#![no_main]

#[path = "../../epoch-store/tests/common/mod.rs"]
mod common;

libfuzzer_sys::fuzz_target!(|input: &[u8]| common::decode::run(input));
