//! Any bytes as an index: refused, or harmless.
#![no_main]
bartizan_fuzz::target!(bartizan_detect::exact::fuzz_exact);
