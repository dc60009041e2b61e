//! The gate over real sockets: a scripted provider behind it, a raw client before it, a journal that remembers.
//!
//! One file a boundary; `harness` holds what they share. Nothing internal is called.

mod answers;
mod bad_input;
mod faults;
mod harness;
mod leaks;
mod operators;
mod order;
mod pass_through;
mod restoring;
