//! The one scorer: what was found against what is marked, by spans and by characters, for us and for peers.

use std::collections::BTreeMap;

use crate::rows::{Row, Span};

/// Most bytes between two parts of one place.
const JOINT: usize = 4;
/// Times the templates are drawn anew for an interval.
const DRAWS: usize = 1_000;

/// Right, wrong and missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub right: usize,
    pub wrong: usize,
    pub missed: usize,
}

impl Tally {
    pub fn precision(self) -> f64 {
        share(self.right, self.right + self.wrong)
    }

    pub fn recall(self) -> f64 {
        share(self.right, self.right + self.missed)
    }

    pub fn f(self, beta: f64) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        let below = beta * beta * precision + recall;
        if below > 0.0 { (1.0 + beta * beta) * precision * recall / below } else { 0.0 }
    }

    pub fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.missed += other.missed;
    }
}

/// A part of a whole; all of nothing is all.
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// What a label comes to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cell {
    pub spans: Tally,
    pub chars: Tally,
}

/// Counts of some texts.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    labels: BTreeMap<String, Cell>,
    /// Places before their parts are joined.
    apart: Tally,
    /// Characters, whatever the label.
    any: Tally,
    /// Characters, with the labels too that are not scored.
    every: Tally,
}

impl Counts {
    pub fn any(&self) -> Tally {
        self.any
    }

    pub fn every(&self) -> Tally {
        self.every
    }

    pub fn apart(&self) -> Tally {
        self.apart
    }

    pub fn labels(&self) -> impl Iterator<Item = (&str, Cell)> {
        self.labels.iter().map(|(label, cell)| (label.as_str(), *cell))
    }

    pub fn label(&self, label: &str) -> Tally {
        self.labels.get(label).copied().unwrap_or_default().spans
    }

    /// Spans of all labels that are scored.
    pub fn typed(&self) -> Tally {
        let mut sum = Tally::default();
        self.labels.iter().filter(|(label, _)| is_scored(label)).for_each(|(_, cell)| sum.add(cell.spans));
        sum
    }

    pub fn add(&mut self, other: &Self) {
        for (label, cell) in &other.labels {
            let own = match self.labels.get_mut(label) {
                Some(own) => own,
                None => self.labels.entry(label.clone()).or_default(),
            };
            own.spans.add(cell.spans);
            own.chars.add(cell.chars);
        }
        self.apart.add(other.apart);
        self.any.add(other.any);
        self.every.add(other.every);
    }

    /// Counts one text. Neighbouring parts of a place are joined on both sides alike. Complaints go to `say`.
    pub fn of(row: &Row, found: &[Span], gold: &[Span], say: &mut dyn FnMut(&str, &Span)) -> Self {
        let mut counts = Self::default();
        let (found_joined, gold_joined) = (joined(&row.text, found), joined(&row.text, gold));
        let tallies = spans(&found_joined, &gold_joined, &mut |what, span| {
            if is_scored(&span.label) {
                say(what, span);
            }
        });
        for (label, tally) in tallies {
            counts.labels.entry(label.to_owned()).or_default().spans = tally;
        }
        counts.apart = spans(found, gold, &mut |_, _| {}).get("LOCATION").copied().unwrap_or_default();
        counts.characters(&row.text, found, gold);
        counts
    }

    fn characters(&mut self, text: &str, found: &[Span], gold: &[Span]) {
        let at = |spans: &'_ [Span], at: usize| -> Vec<String> {
            spans.iter().filter(|span| span.start <= at && at < span.end).map(|span| span.label.clone()).collect()
        };
        for (place, _) in text.char_indices() {
            let (wanted, got) = (at(gold, place), at(found, place));
            let side = wanted.iter().any(|label| !is_scored(label));
            let scored = wanted.iter().any(|label| is_scored(label));
            note(&mut self.any, scored, !got.is_empty(), side);
            note(&mut self.every, scored || side, !got.is_empty(), side);
            for label in wanted.iter().chain(got.iter().filter(|label| !wanted.contains(label))) {
                let cell = self.labels.entry(label.clone()).or_default();
                note(&mut cell.chars, wanted.contains(label), got.contains(label), side);
            }
        }
    }
}

/// One character: wanted, found, and whether an unscored label covers it, which excuses a finding.
fn note(tally: &mut Tally, wanted: bool, got: bool, side: bool) {
    match (wanted, got) {
        (true, true) => tally.right += 1,
        (true, false) => tally.missed += 1,
        (false, true) if !side => tally.wrong += 1,
        _ => {}
    }
}

/// One label for what several schemes call by different names.
pub fn mapped(label: &str) -> &'static str {
    match label {
        "PERSON" | "pii.person" => "PERSON",
        "GPE" | "LOCATION" | "STREET_ADDRESS" | "pii.location" | "pii.address" => "LOCATION",
        "DATE_TIME" | "pii.date" | "pii.date_of_birth" => "DATE",
        "NRP" | "pii.nrp" => "NRP",
        "PHONE_NUMBER" | "pii.phone" => "PHONE",
        "CREDIT_CARD" | "pci.card" => "CARD",
        "IBAN_CODE" | "pci.iban" => "IBAN",
        "EMAIL_ADDRESS" | "pii.email" => "EMAIL",
        "DOMAIN_NAME" | "URL" | "pii.url" => "URL",
        "US_SSN" | "pii.us_ssn" => "SSN",
        "IP_ADDRESS" | "pii.ip" => "IP",
        "ORGANIZATION" | "pii.organization" => "ORG",
        "AGE" | "pii.age" => "AGE",
        "ZIP_CODE" => "ZIP",
        "TITLE" => "TITLE",
        _ => "OTHER",
    }
}

/// Whether a label counts; the others excuse what is found on them.
pub fn is_scored(label: &str) -> bool {
    !matches!(label, "ORG" | "AGE" | "ZIP" | "TITLE")
}

fn joined(text: &str, spans: &[Span]) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for span in spans {
        match all.iter_mut().rfind(|last| last.label == span.label) {
            Some(last) if span.label == "LOCATION" && is_joint(text, last.end, span.start) => last.end = last.end.max(span.end),
            _ => all.push(span.clone()),
        }
    }
    all
}

fn is_joint(text: &str, from: usize, to: usize) -> bool {
    to <= from || text.get(from..to).is_some_and(|between| between.len() <= JOINT && between.chars().all(|c| !c.is_alphanumeric()))
}

fn overlap(a: &Span, b: &Span) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// The same label, and at least half of what both cover is covered by both.
pub fn is_hit(found: &Span, gold: &Span) -> bool {
    let both = overlap(found, gold);
    found.label == gold.label && both * 2 >= (found.end - found.start) + (gold.end - gold.start) - both
}

/// Spans by label; complaints go to `say`.
fn spans<'a>(found: &'a [Span], gold: &'a [Span], say: &mut dyn FnMut(&str, &Span)) -> BTreeMap<&'a str, Tally> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut used = vec![false; found.len()];
    for wanted in gold {
        let tally = tallies.entry(&wanted.label).or_default();
        let hit = found.iter().zip(&mut used).find(|(span, used)| !**used && is_hit(span, wanted));
        if let Some((_, used)) = hit {
            *used = true;
            tally.right += 1;
        } else {
            tally.missed += 1;
            say("missed", wanted);
        }
    }
    for (span, _) in found.iter().zip(&used).filter(|(_, used)| !**used) {
        let unscored = gold.iter().any(|wanted| !is_scored(&wanted.label) && overlap(span, wanted) * 2 >= span.end - span.start);
        if !unscored {
            tallies.entry(&span.label).or_default().wrong += 1;
            say("wrong", span);
        }
    }
    tallies
}

/// Between what 95 of 100 values lie when templates are drawn anew.
pub fn interval(templates: &BTreeMap<u64, Counts>, value: &dyn Fn(&Counts) -> f64) -> (f64, f64) {
    let all: Vec<&Counts> = templates.values().collect();
    let mut state = 11_u64;
    let mut values: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let mut drawn = Counts::default();
            for _ in 0..all.len() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(state >> 33).unwrap_or(0) % all.len();
                if let Some(counts) = all.get(at) {
                    drawn.add(counts);
                }
            }
            value(&drawn)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |share: usize| values.get(DRAWS * share / 1_000).copied().unwrap_or(0.0);
    (at(25), at(975))
}
