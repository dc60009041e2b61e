//! Subjects as findings: their labels, what `labels` tells about them, and the reading of a text by a detector.

use bartizan_vocabulary::{Finding, Label, RuleId};

use super::scan::Reader;
use super::{BUILTIN, SubjectSet, Subjects};
use crate::plan::{LabelInfo, kind};
use crate::rules::Severity;

/// From this score on a passage is a finding.
pub(crate) const THRESHOLD_BP: u16 = 8_000;

/// The label of a subject.
pub(crate) fn label(name: &str) -> String {
    format!("subject.{name}")
}

impl Subjects {
    /// What `labels` tells about its subjects.
    pub(crate) fn infos(&self) -> Vec<LabelInfo> {
        let info = |name: &String| {
            let known = BUILTIN.iter().find(|(known, _)| known == name);
            let label = label(name);
            LabelInfo {
                description: known.map_or_else(|| "A subject of your own.".to_owned(), |(_, says)| (*says).to_owned()),
                threshold_bp: THRESHOLD_BP,
                severity: Severity::Low,
                kind: kind(&label),
                rules: vec![RuleId::from(label.as_str())],
                label: Label::from(label.as_str()),
                examples: 0,
            }
        };
        self.names().iter().map(info).collect()
    }
}

impl SubjectSet {
    /// The highest score that a passage of this label can have.
    pub(crate) fn highest(&self, of: &str) -> Option<u16> {
        let each = |subjects: &Subjects| {
            let subject = subjects.names().iter().position(|name| label(name) == of)?;
            Some(subjects.model().highest(subject))
        };
        self.models().iter().filter_map(each).max()
    }

    /// The subjects of a text that comes in parts, one behind the other, from `floor_bp` on. Passages of one model do not overlap;
    /// those of different ones may. `None` when `go_on` said no, which is asked every few words.
    pub(crate) fn find(&self, parts: &[&str], floor_bp: Option<u16>, go_on: &mut dyn FnMut() -> bool) -> Option<Vec<Finding>> {
        let mut findings = Vec::new();
        for subjects in self.models() {
            let floor = |name: &String| floor_bp.unwrap_or_else(|| self.thresholds().of(&label(name)).unwrap_or(THRESHOLD_BP));
            let mut reader = Reader::new(subjects.model(), subjects.names().iter().map(floor).collect());
            for part in parts {
                if !reader.part(part, go_on) {
                    return None;
                }
            }
            for passage in reader.finish() {
                let Some(name) = subjects.names().get(passage.subject) else { continue };
                let label = label(name);
                findings.push(Finding {
                    start: passage.start,
                    end: passage.end,
                    rule: RuleId::from(label.as_str()),
                    label: Label::from(label.as_str()),
                    score_bp: passage.score_bp,
                });
            }
        }
        findings.sort_by_key(|finding| (finding.start, finding.end));
        Some(findings)
    }
}
