//! The gate over real sockets: a scripted provider behind it, a raw client before it, a journal that remembers.
//!
//! One file a boundary; `harness` holds what they share. Nothing internal is called.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what is not as it should be fails the test, in helpers as in tests"
)]

mod answers;
mod attachments;
mod bad_input;
mod caches;
mod conversations;
mod decide;
mod events;
mod fail_open;
mod faults;
mod files;
mod formats;
mod gemini;
mod gemini_streams;
mod growth;
mod harness;
mod leaks;
mod limits;
mod logprobs;
mod names;
mod objects;
mod operators;
mod order;
mod own;
mod pack;
mod parts;
mod pass_through;
mod requests;
mod responses;
mod restoring;
mod routing;
mod signed;
mod splits;
mod stand_ins;
mod streams;
mod subjects;
mod telemetry;
mod translation;
mod unread;
