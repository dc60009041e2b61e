#![doc = include_str!("../README.md")]
//!
//! What does not live here: finding things in texts (`detect`), making edits (`wire`), reading files, and the clock.

mod annotate;
mod cedar_input;
mod compile;
mod condition;
mod defaults;
mod diagnose;
mod encode;
mod explain;
mod facts;
mod judge;
mod load;
mod rule;
mod scan;
mod slice;
mod table;
mod verdict;
mod words;

pub use cedar_input::SCHEMA;
pub use defaults::{DEFAULT_TABLE, default_sources};
pub use diagnose::{Diagnostic, LoadErrors, near};
pub use explain::{ExplainedRemedy, ExplainedStep, Explanation, Ruling, settle};
pub use facts::{
    Action, BelowThreshold, ByRole, Context, Facts, LabelStat, Labels, ProviderFacts, Resource, RoleFacts, TimeFacts, TrainingUse,
};
pub use judge::{Judge, PolicySet};
pub use load::Source;
pub use table::{RowReport, TableError, TableReport, run_table};
pub use verdict::{BlockReason, LabelPattern, Operator, Outcome, PolicyFailure, Prescription, Verdict};
pub use words::KnownWords;
