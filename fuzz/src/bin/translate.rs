//! Any bytes as request, answer and stream of each chat format, translated into each other one.
#![no_main]
bartizan_fuzz::target!(bartizan_wire::fuzz::translate);
