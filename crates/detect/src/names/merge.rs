//! Names beside what the rules found: rules come first, except that an address may hold a number that a weak rule took for
//! something else.

use bartizan_vocabulary::{Finding, Label, RuleId};

use super::{Kind, Name};
use crate::plan::{LabelInfo, kind};
use crate::rules::Severity;

/// From this score on a name is a finding.
const THRESHOLD_BP: u16 = 5_000;
/// Up to this score a telephone number inside an address is part of it.
const WEAK_BP: u16 = 6_000;
/// Fewest letters and digits that count of what a rule leaves of a name.
const REST: usize = 3;

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
}

/// Adds names to the findings and to those below their threshold. All are in raw offsets and sorted.
pub(crate) fn merge(text: &str, names: &[Name], findings: &mut Vec<Finding>, below: &mut Vec<Finding>) {
    if names.is_empty() {
        return;
    }
    let mut added = Vec::new();
    for name in names {
        let enough = name.score_bp >= name.kind.threshold_bp();
        if enough && name.kind == Kind::Address {
            findings.retain(|finding| !(is_weak(finding) && name.start <= finding.start && finding.end <= name.end));
        }
        let first = findings.partition_point(|finding| finding.end <= name.start);
        let over = findings.iter().skip(first).take_while(|finding| finding.start < name.end);
        let mut from = name.start;
        let mut whole = true;
        let mut parts = Vec::new();
        for finding in over {
            parts.push((from, finding.start));
            from = finding.end;
            whole = false;
        }
        parts.push((from, name.end));
        for (start, end) in parts {
            let Some((start, end)) = trimmed(text, start, end) else { continue };
            if !whole && text.get(start..end).is_none_or(|part| part.chars().filter(|c| c.is_alphanumeric()).count() < REST) {
                continue;
            }
            let finding = Finding {
                start,
                end,
                label: Label::from(name.kind.label()),
                rule: RuleId::from(name.kind.label()),
                score_bp: name.score_bp,
            };
            if enough { added.push(finding) } else { below.push(finding) }
        }
    }
    if !added.is_empty() {
        findings.append(&mut added);
        findings.sort_by_key(|finding| finding.start);
    }
    below.sort_by_key(|finding| finding.start);
}

fn is_weak(finding: &Finding) -> bool {
    finding.score_bp <= WEAK_BP && finding.label.as_str() == "pii.phone"
}

/// The part without white space and marks at its ends.
fn trimmed(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let part = text.get(start..end)?;
    let front = part.len() - part.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    let back = part.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    (front < back).then_some((start + front, start + back))
}
