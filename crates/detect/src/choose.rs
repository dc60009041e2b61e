//! Which findings count, where a caller asks for other labels or another threshold than the rules have; and offsets in code points.

use std::collections::BTreeMap;

use bartizan_vocabulary::Finding;

use crate::detector::Scan;

/// What a caller wants of a scan.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Report from this score on, in basis points, instead of from each label's threshold.
    pub min_score_bp: Option<u16>,
    /// Only these labels and what lies below them; empty is all.
    pub only: Vec<String>,
}

impl Choice {
    /// Whether a label is wanted.
    pub fn wants(&self, label: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| is_under(label, only))
    }

    /// What counts, sorted and not overlapping, and what stays below.
    pub fn of(&self, scan: Scan) -> (Vec<Finding>, Vec<Finding>) {
        let (mut findings, mut below) = (scan.findings, scan.below);
        findings.retain(|finding| self.wants(finding.label.as_str()));
        below.retain(|finding| self.wants(finding.label.as_str()));
        let Some(least) = self.min_score_bp else { return (findings, below) };
        findings.retain(|finding| finding.score_bp >= least);
        let (raised, rest): (Vec<_>, Vec<_>) = below.into_iter().partition(|finding| finding.score_bp >= least);
        let mut taken: BTreeMap<usize, usize> = findings.iter().map(|finding| (finding.start, finding.end)).collect();
        for finding in raised {
            let before = taken.range(..finding.end).next_back();
            if before.is_none_or(|(_, end)| *end <= finding.start) {
                taken.insert(finding.start, finding.end);
                findings.push(finding);
            }
        }
        findings.sort_by_key(|finding| finding.start);
        (findings, rest)
    }
}

/// Whether a label is this one or lies below it.
pub fn is_under(label: &str, word: &str) -> bool {
    label.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A score between 0 and 1 as basis points: the least of them that is not below it.
pub fn basis_points(score: f64) -> Option<u16> {
    let least = (0..=10_000_u16).find(|bp| f64::from(*bp) >= score * 10_000.0 - 1e-6);
    least.filter(|_| score >= 0.0)
}

/// Counts code points up to byte offsets that do not go back.
#[derive(Clone, Debug)]
pub struct CodePoints<'a> {
    text: &'a str,
    bytes: usize,
    count: usize,
}

impl<'a> CodePoints<'a> {
    /// From the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, bytes: 0, count: 0 }
    }

    /// Code points before a byte.
    pub fn at(&mut self, bytes: usize) -> usize {
        self.count += self.text.get(self.bytes..bytes).map_or(0, |part| part.chars().count());
        self.bytes = bytes;
        self.count
    }

    /// The byte before which so many code points stand, which do not go back; `None` behind the end.
    pub fn byte(&mut self, count: usize) -> Option<usize> {
        let more = count.checked_sub(self.count)?;
        let rest = self.text.get(self.bytes..)?;
        let step = if more == 0 { 0 } else { rest.char_indices().nth(more - 1).map(|(at, c)| at + c.len_utf8())? };
        (self.bytes, self.count) = (self.bytes + step, count);
        Some(self.bytes)
    }
}
