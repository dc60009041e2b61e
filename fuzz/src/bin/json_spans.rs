//! Any bytes as a JSON body: spans, splicing, unescaping.
#![no_main]
bartizan_fuzz::target!(bartizan_wire::fuzz::json_spans);
