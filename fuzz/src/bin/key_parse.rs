//! Any text as a virtual key, and as the headers that carry one.
#![no_main]
bartizan_fuzz::target!(bartizan_identity::fuzz_parse_key);
