//! Any text as a time.
#![no_main]
bartizan_fuzz::target!(bartizan_fuzz::timestamp);
