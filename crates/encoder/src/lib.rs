#![doc = include_str!("../README.md")]
//!
//! What does not live here: files, deadlines, queues, and how names are resolved with what rules found.

mod classes;
mod model;
mod spans;
mod wordpiece;

pub use model::{Encoder, EncoderError, Files, Threads, one_thread};
pub use spans::Span;
