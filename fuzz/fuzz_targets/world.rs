#![no_main]

#[path = "../../tests/worlds/mod.rs"]
mod worlds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worlds::bytes::world(bytes));
