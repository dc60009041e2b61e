#![doc = include_str!("../README.md")]
//!
//! What does not live here: anything that the product itself needs at run time.

pub mod canned;
pub mod documents;
pub mod driven;
pub mod load;
pub mod process;
pub mod stats;
pub mod traffic;
pub mod tree;

mod answer;
mod body;
mod echo;
mod serve;
mod upstream;

pub use answer::{Answer, Ending, Piece};
pub use echo::Manner;
pub use upstream::{Recorded, ScriptedUpstream, refused_url};
