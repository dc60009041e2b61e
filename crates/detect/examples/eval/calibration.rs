//! What a score is worth: of the findings with about this score, how many are right. Over all labelled texts, findings below their
//! thresholds included.

use bartizan_detect::Scan;
use bartizan_vocabulary::Finding;

use crate::report::Report;
use crate::rows::{Row, Span};
use crate::score::{is_hit, share};

/// Scores are put together by tenths.
const BINS: usize = 10;
/// A bin with fewer findings says nothing.
const FEW: usize = 30;
/// How far what is right may be from the score of a bin before it is called off.
const OFF: f64 = 0.2;

/// The findings whose scores fall into one tenth.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    count: usize,
    right: usize,
    /// The sum of their scores.
    sum: f64,
}

/// Findings by score.
#[derive(Clone, Debug, Default)]
pub struct Scores([Bin; BINS]);

impl Scores {
    /// Takes note of a finding.
    pub fn add(&mut self, score_bp: u16, right: bool) {
        let bin = (usize::from(score_bp) * BINS / 10_000).min(BINS - 1);
        self.0[bin].count += 1;
        self.0[bin].right += usize::from(right);
        self.0[bin].sum += f64::from(score_bp) / 10_000.0;
    }

    fn error(&self) -> f64 {
        let all: usize = self.0.iter().map(|bin| bin.count).sum();
        let apart = |bin: &Bin| (bin.right as f64 - bin.sum).abs();
        self.0.iter().map(apart).sum::<f64>() / all.max(1) as f64
    }

    /// Tells what they come to.
    pub fn tell(&self, report: &mut Report) {
        let mut rows = Vec::new();
        let mut off = Vec::new();
        for (at, bin) in self.0.iter().enumerate() {
            let name = format!("{:.1}–{:.1}", at as f64 / 10.0, (at + 1) as f64 / 10.0);
            if bin.count == 0 {
                rows.push(format!("| {name} | 0 | – | – | – |"));
                continue;
            }
            let (right, mean) = (share(bin.right, bin.count), bin.sum / bin.count as f64);
            rows.push(format!("| {name} | {} | {} | {right:.3} | {mean:.3} |", bin.count, bin.right));
            if bin.count >= FEW && (right - mean).abs() > OFF {
                off.push(format!("{name} ({} scores too {})", bin.count, if right > mean { "low" } else { "high" }));
            }
        }
        let note = "All findings in the labelled texts of this page whose truth is known (synthetic sentences, recognisers, secrets with marked places, texts that the project makes, languages), those below their thresholds too. Most of these texts hold something: in ordinary text, where little is to be found, less of each score is right.";
        report.section("What a score is worth", note);
        report.note(&format!("| score | findings | right | share right | mean score |\n|---|---|---|---|---|\n{}", rows.join("\n")));
        let far = if off.is_empty() { "none".to_owned() } else { off.join(", ") };
        report.note(&format!(
            "Expected calibration error: {:.3}. Off by more than {OFF}, of those with at least {FEW} findings: {far}. Scores are set by hand, and this figure tunes nothing.",
            self.error()
        ));
        report.figure("calibration_error", self.error());
    }
}

/// Notes all findings of a text whose marked places are known.
pub fn judged(scan: &Scan, row: &Row, scores: &mut Scores) {
    for finding in scan.findings.iter().chain(&scan.below) {
        let span = span(finding);
        scores.add(finding.score_bp, row.spans.iter().any(|gold| is_hit(&span, gold)));
    }
}

fn span(finding: &Finding) -> Span {
    Span { start: finding.start, end: finding.end, label: finding.label.as_str().to_owned() }
}
