//! Any bytes as a JSON array of objects that comes bit by bit, split anywhere.
#![no_main]
bartizan_fuzz::target!(bartizan_wire::fuzz::json_array);
