#![doc = include_str!("../README.md")]
//!
//! What does not live here: wire formats, policy, anything that reads, writes, sleeps or draws random numbers.

mod allow;
mod anchors;
mod automaton;
mod beside;
mod callers;
mod candidate;
mod chars;
mod choose;
mod compile;
mod context;
mod cover;
mod destination;
mod detector;
mod determinise;
mod digits;
mod edges;
mod edit;
mod encoded;
mod escapes;
pub mod exact;
mod explain;
mod fuzz;
mod heard;
mod host;
pub mod known;
mod mask;
mod mesh;
mod mint;
pub mod names;
mod normal;
mod numbers;
mod opaque;
mod operate;
pub mod phrases;
mod place;
mod plan;
pub mod prints;
mod resolve;
mod ruled;
mod rules;
mod sextets;
mod sieve;
mod spelled;
mod spoken;
mod stream;
mod stretch;
pub mod subjects;
mod thresholds;
mod token;
mod trace;
mod trial;
mod trie;
mod validate;
mod words;

pub use allow::{AllowEntry, AllowError, AllowList, AllowedValue, LONGEST_ALLOWED, MOST_ALLOWED, MOST_ALLOWED_BYTES};
pub use callers::{Allowed, CallerPattern, CallerWords, LONGEST_MATCH, PatternError, PatternFlags, Step};
pub use choose::{Choice, CodePoints, basis_points, is_under};
pub use context::Place;
pub use detector::{Detector, Hint, Scan};
pub use edit::{Action, Decide, Edit, Subject, TextEditor, apply};
pub use explain::{Explained, Lost, Moved, Outcome, Source, Stronger, Threshold, Why};
#[doc(hidden)]
pub use fuzz::fuzz_stream;
pub use host::{hosts, hosts_reached};
pub use mask::{keep_last, placeholder};
pub use mint::{Minter, Original, Pseudonyms, Scope, canonical, is_encoded};
pub use normal::normalise;
pub use operate::{
    Invented, LONGEST_SEALED, Operator, OperatorError, OperatorKeys, Operators, RANDOM, SealKey, derived, generalise, operate, reveal,
    sealed,
};
pub use plan::LabelInfo;
pub use rules::{Class, CoverKind, Edge, Example, Rule, RuleError, RuleFile, Severity, WINDOW};
pub use stream::{Event, TextScan};
pub use thresholds::Thresholds;
pub use token::{Token, TokenHit, TokenPlace, give_way};
pub use trace::Reading;
pub use trial::FailedExample;
pub use validate::Check;
