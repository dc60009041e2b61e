//! Any text in any pieces: the same findings and the same output.
#![no_main]
bartizan_fuzz::target!(bartizan_detect::fuzz_stream);
