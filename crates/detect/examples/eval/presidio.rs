//! The recognisers and validators of Presidio, each against the label that stands for it with us, alone and at threshold 0.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bartizan_detect::{Detector, Hint, RuleFile};

use crate::labels::{COUNTRIES, EXPLAINED, LABELS};
use crate::report::{Report, Wanted};
use crate::rows::{Row, Span, rows};
use crate::score::{Counts, is_hit, share};

/// One detector for each label, so that no other label can win.
struct Alone {
    files: Vec<RuleFile>,
    made: BTreeMap<&'static str, Detector>,
}

impl Alone {
    fn label(rule: &str) -> Option<&'static str> {
        LABELS.iter().find(|(name, _)| *name == rule).map(|(_, label)| *label)
    }

    /// What the label of a case's recogniser finds, with the score of each; nothing where no label stands for it.
    fn found(&mut self, row: &Row) -> Option<Vec<(Span, u16)>> {
        let label = Self::label(&row.rule)?;
        let file = self.files.iter().find(|file| file.label == label)?;
        if !self.made.contains_key(label) {
            self.made.insert(label, Detector::from_rules(std::slice::from_ref(file)).ok()?);
        }
        let country = COUNTRIES.iter().find(|(entity, _)| *entity == row.entity).map(|(_, country)| *country);
        let asked = |id: &str| {
            let places = file.rules.iter().find(|rule| rule.id == id).map_or(&[][..], |rule| &rule.jurisdiction);
            country.is_none_or(|country| places.is_empty() || places.iter().any(|place| place == country || place == "international"))
        };
        let scan = self.made.get(label)?.scan(&row.text, Hint::default());
        let mut spans: Vec<(Span, u16)> = scan
            .findings
            .iter()
            .chain(&scan.below)
            .filter(|finding| asked(finding.rule.as_str()))
            .map(|finding| (Span { start: finding.start, end: finding.end, label: label.to_owned() }, finding.score_bp))
            .collect();
        spans.sort();
        Some(spans)
    }
}

/// Judges both sets.
pub fn run(folder: &Path, files: &[RuleFile], report: &mut Report) {
    let mut alone = Alone { files: files.to_vec(), made: BTreeMap::new() };
    recognisers(&rows(&folder.join("presidio_recognizers.jsonl")), &mut alone, report);
    validators(&rows(&folder.join("presidio_validators.jsonl")), &mut alone, report);
}

/// Cases of which the same text is said to match and not to match.
fn contradictions(rows: &[Row]) -> BTreeSet<(&str, &str, &str)> {
    let mut said: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        said.entry((&row.rule, &row.entity, &row.text)).or_default().insert(&row.expected);
    }
    said.into_iter().filter(|(_, said)| said.len() > 1).map(|(case, _)| case).collect()
}

fn recognisers(rows: &[Row], alone: &mut Alone, report: &mut Report) {
    let both = contradictions(rows);
    let (mut positive, mut found, mut negative, mut clean, mut skipped) = (0, 0, 0, 0, 0);
    let mut counts = Counts::default();
    for row in rows {
        let Some(scored) = alone.found(row) else { continue };
        if both.contains(&(row.rule.as_str(), row.entity.as_str(), row.text.as_str())) {
            skipped += 1;
            continue;
        }
        let label = Alone::label(&row.rule).unwrap_or_default();
        let gold: Vec<Span> = row.spans.iter().map(|span| Span { label: label.to_owned(), ..span.clone() }).collect();
        if row.expected == "no_match" || !gold.is_empty() {
            for (span, score) in &scored {
                report.scores.add(*score, gold.iter().any(|gold| is_hit(span, gold)));
            }
        }
        let hits: Vec<Span> = scored.into_iter().map(|(span, _)| span).collect();
        counts.add(&Counts::of(row, &hits, &gold, &mut |_, _| {}));
        let right = if row.expected == "no_match" {
            negative += 1;
            clean += usize::from(hits.is_empty());
            hits.is_empty()
        } else {
            positive += 1;
            let all = gold.iter().all(|span| hits.iter().any(|hit| hit.start < span.end && span.start < hit.end));
            found += usize::from(all && !hits.is_empty());
            all && !hits.is_empty()
        };
        if !right {
            let hits: Vec<&str> = hits.iter().map(|hit| row.part(hit.start, hit.end)).collect();
            report.miss("presidio", &format!("{} {}: {:?} found {hits:?}", row.rule, row.expected, row.text));
        }
    }
    let note = format!(
        "Each case against the label that stands for its recogniser, at threshold 0, for the type that it asks for. {skipped} cases say both that a text matches and that it does not; they are left out."
    );
    report.table("Recognisers of Presidio", &note, &counts);
    report.bar("presidio_positive", share(found, positive), Wanted::AtLeast(0.99), format!("{found} of {positive} cases"));
    report.bar("presidio_negative", share(clean, negative), Wanted::AtLeast(0.99), format!("{clean} of {negative} cases"));
}

fn validators(rows: &[Row], alone: &mut Alone, report: &mut Report) {
    let mut said: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        said.entry((&row.rule, &row.text)).or_default().insert(&row.expected);
    }
    let (mut judged, mut agreed, mut explained) = (0, 0, Vec::new());
    for row in rows {
        let decided = row.expected != "undecided" && said.get(&(row.rule.as_str(), row.text.as_str())).is_none_or(|said| said.len() <= 2);
        let Some(hits) = alone.found(row).filter(|_| decided) else { continue };
        judged += 1;
        let whole = hits.iter().any(|(hit, _)| (hit.start, hit.end) == (0, row.text.len()));
        let reason = EXPLAINED.iter().find(|(rule, text, _)| *rule == row.rule && *text == row.text);
        if whole == (row.expected == "valid") {
            agreed += 1;
        } else if let Some((rule, text, reason)) = reason {
            explained.push(format!("- {rule} calls `{text}` {}: {reason}", row.expected));
        } else {
            report.miss("validator", &format!("{} {}: {:?}", row.rule, row.expected, row.text));
        }
    }
    report.note(&format!("Validators: {agreed} of {judged} agree. Disagreements with a reason:\n\n{}", explained.join("\n")));
    let how = format!("{agreed} of {judged} agree, {} disagree for a reason", explained.len());
    report.bar("validators", share(agreed + explained.len(), judged), Wanted::AtLeast(1.0), how);
}
