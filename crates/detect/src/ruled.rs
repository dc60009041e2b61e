//! A rule as a scan knows it, whoever finds what it stands for.

use bartizan_vocabulary::{Label, RuleId};
use serde::{Deserialize, Serialize};

use crate::plan::LabelInfo;
use crate::rules::{CoverKind, Edge};
use crate::validate::Check;

/// A rule without its pattern, which its machine holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CompiledRule {
    pub(crate) id: RuleId,
    pub(crate) label: Label,
    pub(crate) threshold_bp: u16,
    pub(crate) score_bp: u16,
    pub(crate) context_bp: u16,
    /// Words by their number, in order: those that raise the score before the match, those that drop it, those that raise it
    /// after the match.
    pub(crate) context: Vec<u16>,
    pub(crate) negative: Vec<u16>,
    pub(crate) after: Vec<u16>,
    pub(crate) left: Edge,
    pub(crate) right: Edge,
    pub(crate) checks: Vec<Check>,
    pub(crate) cover: Option<CoverKind>,
    pub(crate) rank: u8,
    /// Whether it counts in what is no text.
    pub(crate) prefixed: bool,
    /// Who finds it.
    #[serde(skip)]
    pub(crate) origin: Origin,
}

/// Who finds what a rule stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A machine.
    #[default]
    Machine,
    /// The recogniser of names.
    Name,
    /// What a company knows of its own: a table, a dictionary, documents.
    Own,
}

impl CompiledRule {
    /// A rule that no machine finds.
    /// `highest_bp` is the score that it gives at most.
    pub(crate) fn beside(origin: Origin, info: &LabelInfo, (id, rank): (RuleId, u8), highest_bp: u16) -> Self {
        Self {
            id,
            label: info.label.clone(),
            threshold_bp: info.threshold_bp,
            score_bp: highest_bp,
            context_bp: highest_bp,
            context: Vec::new(),
            negative: Vec::new(),
            after: Vec::new(),
            left: Edge::Any,
            right: Edge::Any,
            checks: Vec::new(),
            cover: None,
            rank,
            prefixed: false,
            origin,
        }
    }

    /// The score that it gives at most.
    pub(crate) fn highest_bp(&self) -> u16 {
        if self.context.is_empty() && self.after.is_empty() { self.score_bp } else { self.score_bp.max(self.context_bp) }
    }
}
