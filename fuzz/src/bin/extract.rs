//! Any bytes as a document of any kind.
#![no_main]
bartizan_fuzz::target!(bartizan_extract::fuzz_extract);
