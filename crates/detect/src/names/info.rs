//! Names as findings: what `labels` tells about their kinds, and the place of each kind among the rules.

use bartizan_vocabulary::{Label, RuleId};

use super::Kind;
use crate::plan::{CompiledRule, LabelInfo, Origin, kind};
use crate::rules::Severity;

/// From this score on a name is a finding.
const THRESHOLD_BP: u16 = 5_000;
/// A sure name has this score.
const HIGHEST_BP: u16 = 10_000;
/// Names give way to whatever a rule found.
const RANK: u8 = 5;

impl Kind {
    /// From which score on its names are findings, in basis points.
    pub fn threshold_bp(self) -> u16 {
        THRESHOLD_BP
    }

    /// What `labels` tells about it.
    pub(crate) fn info(self) -> LabelInfo {
        let (description, severity) = match self {
            Self::Person => ("Names of persons.", Severity::Medium),
            Self::Location => ("Countries, regions, cities and other places.", Severity::Low),
            Self::Address => ("Street addresses with all of their lines.", Severity::Medium),
            Self::Organization => ("Companies, authorities and other organisations.", Severity::Low),
            Self::Nrp => ("Nationalities.", Severity::Medium),
            Self::Date => ("Dates that are not a date of birth.", Severity::Low),
            Self::DateOfBirth => ("Dates of birth.", Severity::Medium),
            Self::Age => ("Ages in years.", Severity::Low),
        };
        LabelInfo {
            label: Label::from(self.label()),
            description: description.to_owned(),
            threshold_bp: self.threshold_bp(),
            severity,
            kind: kind(self.label()),
            rules: vec![RuleId::from(self.label())],
            examples: 0,
        }
    }

    /// Its place among the rules, so that overlaps of names and of what rules found are resolved together.
    pub(crate) fn rule(self) -> CompiledRule {
        CompiledRule::beside(Origin::Name, &self.info(), (RuleId::from(self.label()), RANK), HIGHEST_BP)
    }
}
