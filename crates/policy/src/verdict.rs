//! What judging gives back.

use std::fmt;
use std::sync::Arc;

use bartizan_vocabulary::{FiredPolicy, Label, PolicyId, Remedy};
use serde::Serialize;

/// Refines a remedy; given by `@operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `keep_last:N`: mask all but the last N characters. Refines `mask`.
    KeepLast(u8),
    /// `generalise`: what is left when the value is made coarser, such as the year of a date. Refines `mask`.
    Generalise,
    /// `hash`: replace by a keyed hash instead of a fixed word. Refines `redact`.
    Hash,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepLast(count) => write!(f, "keep_last:{count}"),
            Self::Generalise => f.write_str("generalise"),
            Self::Hash => f.write_str("hash"),
        }
    }
}

impl Serialize for Operator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One entry of `@labels`: a label, everything below one (`pii.*`), or everything (`*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelPattern(Arc<str>);

impl LabelPattern {
    pub(crate) fn new(pattern: &str) -> Self {
        Self(Arc::from(pattern))
    }

    /// Whether a finding of this label is meant.
    pub fn matches(&self, label: &Label) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => label.as_str().starts_with(prefix),
            None => label.as_str() == &*self.0,
        }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for LabelPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What one policy asks to be done with findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prescription {
    /// With findings of these labels.
    pub labels: Arc<[LabelPattern]>,
    /// `redact`, `mask`, `surrogate`, `encrypt` or `tokenise`.
    pub remedy: Remedy,
    /// How exactly.
    pub operator: Option<Operator>,
    /// Who asks for it.
    pub policy: PolicyId,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockReason {
    /// A forbid without a remedy, or with `@remedy("block")`, matched.
    Forbidden,
    /// No permit matched.
    NotPermitted,
    /// The edits were made and a policy still forbids what is left.
    StillForbidden,
}

impl BlockReason {
    /// A sentence for the caller.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Forbidden => "a policy forbids this request",
            Self::NotPermitted => "no policy permits this request",
            Self::StillForbidden => "a policy still forbids this request after its findings were removed",
        }
    }
}

/// The decision of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Pass it on as it is.
    Permit,
    /// Denied by forbids with remedies only: make the edits and judge again.
    Remedies(Vec<Prescription>),
    /// Refuse.
    Block(BlockReason),
    /// An enforcing policy could not be evaluated: refuse. The errors are in [`Verdict::errors`].
    Failed,
}

/// A policy whose evaluation ended in an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyFailure {
    /// Which one.
    pub policy: PolicyId,
    /// What Cedar says.
    pub message: String,
    /// It was a recording rule, so the decision stands.
    pub recording: bool,
}

/// What one evaluation of the policies gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The decision.
    pub outcome: Outcome,
    /// Enforcing policies that determined it, in the order of the sources.
    pub policies: Vec<FiredPolicy>,
    /// When forbids without an edit blocked: those, and not the ones that would have been content with an edit.
    pub blocking: Vec<PolicyId>,
    /// Labels of which one must be there for a policy that refused to match; `None` when that is not known of all of them.
    #[serde(skip)]
    pub looked_for: Option<Vec<Arc<str>>>,
    /// `log`, `coach` and shadow policies that matched.
    pub recorded: Vec<FiredPolicy>,
    /// Sentences for the caller: of matching `coach` policies, of the forbids that blocked, or of those whose edits are asked for.
    pub coach: Vec<Arc<str>>,
    /// Policies that could not be evaluated.
    pub errors: Vec<PolicyFailure>,
}

impl Verdict {
    /// What to do with a finding of this label: the strongest remedy that any policy asks for it.
    pub fn remedy_for(&self, label: &Label) -> Option<(Remedy, Option<Operator>)> {
        let Outcome::Remedies(asked) = &self.outcome else { return None };
        let meant = asked.iter().filter(|one| one.labels.iter().any(|pattern| pattern.matches(label)));
        // Remedies are declared strongest first; without an operator a remedy shows least of the value.
        meant.map(|one| (one.remedy, one.operator)).min()
    }

    /// Whether a label may be a reason why this was refused: policies that refuse look for it, or for one above it.
    pub fn is_about(&self, label: &Label) -> bool {
        let below = |word: &str| label.as_str().strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.looked_for.as_ref().is_none_or(|words| words.iter().any(|word| below(word)))
    }

    /// The same verdict as the last word: when the edits were made and a remedy is still asked for, it is a block.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if matches!(self.outcome, Outcome::Remedies(_)) {
            self.outcome = Outcome::Block(BlockReason::StillForbidden);
        }
        self
    }
}
