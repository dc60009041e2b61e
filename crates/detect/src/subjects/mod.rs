//! What a text is about: source code, a contract, a personnel matter. A linear model over windows of tokens, trained from texts of
//! ours and from folders of examples. What lives here: tokens, weights, the walk over a text. Training lives in [`train`].
//!
//! A subject is said of a passage and stands beside the findings: it neither hides one nor is hidden (decision 030).

mod features;
mod info;
mod model;
mod scan;
pub mod train;

use std::sync::Arc;

pub use model::{ModelError, Subjects};
pub use scan::Passage;

use self::model::Model;
use crate::thresholds::Thresholds;

/// Tokens of a block: words, numbers and marks. Passages begin and end with blocks.
pub(crate) const BLOCK: usize = 40;
/// Blocks of a window.
pub(crate) const WINDOW: usize = 4;
/// A text of fewer tokens has no subject: so few words are about anything.
pub const LEAST: usize = 64;
/// Most subjects of one model.
pub const MOST: usize = 15;
/// Columns of a row of weights.
pub(crate) const COLUMNS: usize = 16;

/// The subjects that are part of the program, in the order of the built-in model, and what each is.
pub const BUILTIN: [(&str, &str); 7] = [
    ("source_code", "Source code of programs."),
    ("contract", "Contracts: clauses, undertakings, terms between parties."),
    ("financial_statement", "Financial statements and results: balance sheets, income, cash flows, budgets."),
    ("hr", "Personnel matters: reviews, warnings, pay, applicants, dismissals."),
    ("health", "Health of a person: findings, diagnoses, treatment, laboratory values."),
    ("merger", "Mergers and acquisitions: offers, due diligence, valuations of a deal."),
    ("roadmap", "Plans for products: roadmaps, releases, priorities, what is not announced yet."),
];

/// One model or several, each of which says what passages are about. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct SubjectSet {
    models: Arc<[Subjects]>,
    thresholds: Thresholds,
}

impl SubjectSet {
    /// The same with one more.
    #[must_use]
    pub fn with(&self, subjects: Subjects) -> Self {
        Self { models: self.models.iter().cloned().chain([subjects]).collect(), thresholds: self.thresholds.clone() }
    }

    /// The same with thresholds that somebody chose.
    pub(crate) fn with_thresholds(&self, thresholds: Thresholds) -> Self {
        Self { models: Arc::clone(&self.models), thresholds }
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    pub(crate) fn models(&self) -> &[Subjects] {
        &self.models
    }
}

impl Subjects {
    pub(crate) fn model(&self) -> &Model {
        &self.0
    }
}
