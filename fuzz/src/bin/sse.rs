//! Any bytes as an event stream, split anywhere.
#![no_main]
bartizan_fuzz::target!(bartizan_wire::fuzz::sse);
