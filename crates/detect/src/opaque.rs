//! Secrets in what is no text: base64 of images and sealed values, where most rules would find chance matches. Only rules whose
//! values begin with a fixed prefix and end where a word does are run there, and only where such a prefix stands.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use bartizan_vocabulary::Finding;

use crate::detector::{Detector, Hint};
use crate::plan::CompiledRule;
use crate::rules::RuleError;
use crate::{Scan, WINDOW};

/// Finds the prefixes.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes {
    automaton: AhoCorasick,
}

impl Prefixes {
    /// The keywords of the rules that count, as they are written.
    pub(crate) fn new<'a>(keywords: impl Iterator<Item = &'a str>) -> Result<Self, RuleError> {
        let automaton = AhoCorasick::new(keywords).map_err(|error| RuleError::Keywords(error.to_string()))?;
        Ok(Self { automaton })
    }

    /// Ranges in which a value with such a prefix lies, with its neighbours; sorted, and apart from one another.
    fn ranges(&self, value: &str) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        // What begins a value is looked at whatever it begins with: chance has one try only.
        let starts = std::iter::once(0).chain(self.automaton.find_iter(value).map(|hit| hit.start()));
        for start in starts {
            let (from, to) = (value.floor_char_boundary(start.saturating_sub(8)), value.ceil_char_boundary(start + WINDOW + 8));
            match ranges.last_mut() {
                Some(last) if from <= last.end => last.end = to,
                _ => ranges.push(from..to),
            }
        }
        ranges
    }
}

impl Detector {
    /// Looks over a value that is no text for secrets with a fixed prefix. `scan` inspects a stretch of it with the detector it
    /// is given, which does not read base64 in it; it is only called around prefixes, and `None` of it ends the search.
    pub fn scan_opaque(&self, value: &str, mut scan: impl FnMut(&Self, &str, Hint<'static>) -> Option<Scan>) -> Option<Scan> {
        let plain = self.without_base64();
        let compiled = self.compiled();
        let prefixed = |finding: &Finding| compiled.rules.iter().any(|rule: &CompiledRule| rule.prefixed && rule.id == finding.rule);
        let mut all = Scan::default();
        for range in compiled.prefixes.ranges(value) {
            let stretch = value.get(range.clone()).unwrap_or_default();
            for finding in scan(&plain, stretch, Hint::default())?.findings {
                let first = range.start + finding.start == 0 && finding.label.as_str().starts_with("secret.");
                if first || prefixed(&finding) {
                    all.findings.push(Finding { start: range.start + finding.start, end: range.start + finding.end, ..finding });
                }
            }
        }
        Some(all)
    }
}
