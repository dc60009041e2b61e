//! Thresholds that somebody chose for labels or families of them, in the place of those that the rules have.

use std::sync::Arc;

use bartizan_vocabulary::Label;

use crate::choose::is_under;
use crate::detector::Detector;
use crate::ruled::CompiledRule;

/// From which score on labels count, in basis points, by a label or a family of labels such as `pii.id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds(Arc<[(String, u16)]>);

impl Thresholds {
    /// These, by label or family.
    pub fn new(thresholds: impl IntoIterator<Item = (String, u16)>) -> Self {
        Self(thresholds.into_iter().collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was named for a label, and its threshold: the most specific one counts, and of the same named twice the later one.
    fn named(&self, label: &str) -> Option<&(String, u16)> {
        self.0.iter().filter(|(word, _)| is_under(label, word)).max_by_key(|(word, _)| word.len())
    }

    /// The threshold that was chosen for a label.
    pub fn of(&self, label: &str) -> Option<u16> {
        self.named(label).map(|(_, threshold_bp)| *threshold_bp)
    }

    /// The label or family that decides for a label.
    pub fn deciding(&self, label: &str) -> Option<&str> {
        self.named(label).map(|(word, _)| word.as_str())
    }
}

impl Detector {
    /// The same with other thresholds, for rules, names, tables, documents and subjects alike. What is added later keeps its own, so
    /// this comes last.
    #[must_use]
    pub fn with_thresholds(&self, thresholds: &Thresholds) -> Self {
        if thresholds.is_empty() {
            return self.clone();
        }
        let mut compiled = self.compiled().clone();
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"thresholds").update(&self.digest());
        for info in &mut compiled.labels {
            let Some(threshold_bp) = thresholds.of(info.label.as_str()) else { continue };
            info.threshold_bp = threshold_bp;
            hasher.update(&(info.label.as_str().len() as u64).to_le_bytes()).update(info.label.as_str().as_bytes());
            hasher.update(&threshold_bp.to_le_bytes());
        }
        for rule in &mut compiled.rules {
            rule.threshold_bp = thresholds.of(rule.label.as_str()).unwrap_or(rule.threshold_bp);
        }
        // What is no text is scanned under the digest of the rules alone.
        compiled.digest = *hasher.finalize().as_bytes();
        let digest = compiled.digest;
        self.with_compiled(compiled, thresholds, digest)
    }

    /// The score that a finding of a label can have at most, in basis points; `None` where nothing finds it.
    pub fn highest_score(&self, label: &Label) -> Option<u16> {
        let rules = self.compiled().rules.iter().filter(|rule| rule.label == *label).map(CompiledRule::highest_bp);
        rules.chain(self.subject_set().highest(label.as_str())).max()
    }
}
