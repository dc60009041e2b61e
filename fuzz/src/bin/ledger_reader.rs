//! Any bytes as journal, bundle, checkpoint and proof.
#![no_main]
bartizan_fuzz::target!(bartizan_fuzz::ledger_reader);
