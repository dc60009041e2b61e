//! Counts what was found against what is marked: spans by label, characters whatever the label.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_detect::names::Names;
use bartizan_detect::{Detector, Hint};

use crate::data::Row;

/// From this score on a name counts, in basis points.
pub const THRESHOLD_BP: u16 = 5_000;
/// Most bytes between two parts of one place.
const JOINT: usize = 4;
/// Times the templates are drawn anew for an interval.
const DRAWS: usize = 1_000;

/// Right, wrong and missed.
#[derive(Clone, Copy, Debug, Default)]
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

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.missed += other.missed;
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Counts of some sentences.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    labels: BTreeMap<&'static str, Tally>,
    /// The same before parts of one place are joined.
    apart: BTreeMap<&'static str, Tally>,
    any: Tally,
    /// Characters, with the labels too that are not scored.
    every: Tally,
}

impl Counts {
    pub fn any(&self) -> Tally {
        self.any
    }

    pub fn label(&self, label: &str) -> Tally {
        self.labels.get(label).copied().unwrap_or_default()
    }

    pub fn typed(&self) -> Tally {
        let mut sum = Tally::default();
        self.labels.iter().filter(|(label, _)| is_scored(label)).for_each(|(_, tally)| sum.add(*tally));
        sum
    }

    fn add(&mut self, other: &Self) {
        other.labels.iter().for_each(|(label, tally)| self.labels.entry(label).or_default().add(*tally));
        other.apart.iter().for_each(|(label, tally)| self.apart.entry(label).or_default().add(*tally));
        self.any.add(other.any);
        self.every.add(other.every);
    }
}

/// One label for what two schemes call by different names.
fn mapped(label: &str) -> &'static str {
    match label {
        "PERSON" | "pii.person" => "PERSON",
        "GPE" | "STREET_ADDRESS" | "pii.location" | "pii.address" => "LOCATION",
        "DATE_TIME" | "pii.date" | "pii.date_of_birth" => "DATE",
        "NRP" | "pii.nrp" => "NRP",
        "PHONE_NUMBER" | "pii.phone" => "PHONE",
        "CREDIT_CARD" | "pci.card" => "CARD",
        "IBAN_CODE" | "pci.iban" => "IBAN",
        "EMAIL_ADDRESS" | "pii.email" => "EMAIL",
        "DOMAIN_NAME" | "pii.url" => "URL",
        "US_SSN" | "pii.us_ssn" => "SSN",
        "pii.ip" => "IP",
        "ORGANIZATION" | "pii.organization" => "ORG",
        "AGE" | "pii.age" => "AGE",
        "ZIP_CODE" => "ZIP",
        "TITLE" => "TITLE",
        _ => "OTHER",
    }
}

fn is_scored(label: &str) -> bool {
    !matches!(label, "ORG" | "AGE" | "ZIP" | "TITLE")
}

type Span = (usize, usize, &'static str);

/// What the rules and the names find together, in order.
pub fn found(detector: &Detector, names: &Names, text: &str) -> Vec<Span> {
    let scan = detector.with_names(names.clone()).scan(text, Hint::default());
    scan.findings.iter().map(|finding| (finding.start, finding.end, mapped(finding.label.as_str()))).collect()
}

/// Joins neighbouring parts of a place, on both sides alike.
fn joined(text: &str, spans: &[Span]) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for span in spans {
        match all.iter_mut().rfind(|last| last.2 == span.2) {
            Some(last) if span.2 == "LOCATION" && is_joint(text, last.1, span.0) => last.1 = last.1.max(span.1),
            _ => all.push(*span),
        }
    }
    all
}

fn is_joint(text: &str, from: usize, to: usize) -> bool {
    to <= from || text.get(from..to).is_some_and(|between| between.len() <= JOINT && between.chars().all(|c| !c.is_alphanumeric()))
}

fn overlap(a: &Span, b: &Span) -> usize {
    a.1.min(b.1).saturating_sub(a.0.max(b.0))
}

fn is_hit(found: &Span, gold: &Span) -> bool {
    let both = overlap(found, gold);
    found.2 == gold.2 && both * 2 >= (found.1 - found.0) + (gold.1 - gold.0) - both
}

/// Spans by label; complaints go to `say`.
fn spans(found: &[Span], gold: &[Span], say: &mut dyn FnMut(&str, &Span)) -> BTreeMap<&'static str, Tally> {
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let mut used = vec![false; found.len()];
    for wanted in gold {
        let tally = tallies.entry(wanted.2).or_default();
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
        let unscored = gold.iter().any(|wanted| !is_scored(wanted.2) && overlap(span, wanted) * 2 >= span.1 - span.0);
        if !unscored {
            tallies.entry(span.2).or_default().wrong += 1;
            say("wrong", span);
        }
    }
    tallies
}

/// Characters; those that only an unscored label covers are left out unless `every` counts.
fn characters(text: &str, found: &[Span], gold: &[Span], every: bool) -> Tally {
    let covers =
        |spans: &[Span], at: usize, scored: bool| spans.iter().any(|span| span.0 <= at && at < span.1 && (scored == is_scored(span.2)));
    let mut tally = Tally::default();
    for (at, _) in text.char_indices() {
        let side = covers(gold, at, false);
        let wanted = covers(gold, at, true) || every && side;
        let got = found.iter().any(|span| span.0 <= at && at < span.1);
        match (wanted, got) {
            (true, true) => tally.right += 1,
            (true, false) => tally.missed += 1,
            (false, true) if !side => tally.wrong += 1,
            _ => {}
        }
    }
    tally
}

/// Counts of many sentences, by template.
#[derive(Debug, Default)]
pub struct Report {
    pub total: Counts,
    templates: BTreeMap<u64, Counts>,
}

impl Report {
    pub fn of(detector: &Detector, names: &Names, rows: &[&Row], verbose: bool) -> Self {
        let mut report = Self::default();
        let mut told = BTreeSet::new();
        for row in rows {
            let gold: Vec<Span> = row.spans.iter().map(|(start, end, label)| (*start, *end, mapped(label))).collect();
            let found = found(detector, names, &row.text);
            let (found_joined, gold_joined) = (joined(&row.text, &found), joined(&row.text, &gold));
            let mut complaints = Vec::new();
            let labels = spans(&found_joined, &gold_joined, &mut |what, span| {
                if is_scored(span.2) {
                    complaints.push(format!("{what} {}: {:?}", span.2, row.text.get(span.0..span.1).unwrap_or_default()));
                }
            });
            if verbose && !complaints.is_empty() && told.insert((row.template, told.len() / 200)) {
                println!("  [{}] {:?}\n      {}", row.template, row.text, complaints.join("\n      "));
            }
            let counts = Counts {
                labels,
                apart: spans(&found, &gold, &mut |_, _| {}),
                any: characters(&row.text, &found, &gold, false),
                every: characters(&row.text, &found, &gold, true),
            };
            report.total.add(&counts);
            report.templates.entry(row.template).or_default().add(&counts);
        }
        report
    }

    pub fn absorb(&mut self, other: &Self) {
        self.total.add(&other.total);
        other.templates.iter().for_each(|(id, counts)| self.templates.entry(*id).or_default().add(counts));
    }

    pub fn print(&self, title: &str) {
        println!("== {title}");
        println!("{:10} {:>6} {:>6} {:>6} {:>6}   {:>6} {:>6} {:>6}", "label", "gold", "P", "R", "F1", "right", "wrong", "missed");
        for (label, tally) in &self.total.labels {
            println!(
                "{label:10} {:6} {:6.3} {:6.3} {:6.3}   {:6} {:6} {:6}{}",
                tally.right + tally.missed,
                tally.precision(),
                tally.recall(),
                tally.f(1.0),
                tally.right,
                tally.wrong,
                tally.missed,
                if is_scored(label) { "" } else { "   not scored" }
            );
        }
        let apart = self.total.apart.get("LOCATION").copied().unwrap_or_default();
        println!("LOCATION without joining neighbours: F1 {:.3}", apart.f(1.0));
        let line = |name: &str, tally: Tally, interval: (f64, f64), beta: f64| {
            println!(
                "{name:28} P {:.3} R {:.3} F1 {:.3} F2 {:.3}   95 % of F{beta}: {:.3} to {:.3}",
                tally.precision(),
                tally.recall(),
                tally.f(1.0),
                tally.f(2.0),
                interval.0,
                interval.1
            );
        };
        line("any-PII, characters", self.total.any, self.interval(&|counts| counts.any.f(2.0)), 2.0);
        line("the same, all labels", self.total.every, self.interval(&|counts| counts.every.f(2.0)), 2.0);
        line("typed, IoU from 0.5 on", self.total.typed(), self.interval(&|counts| counts.typed().f(1.0)), 1.0);
        line("PERSON", self.total.label("PERSON"), self.interval(&|counts| counts.label("PERSON").f(1.0)), 1.0);
    }

    /// Between what 95 of 100 values lie when templates are drawn anew.
    fn interval(&self, value: &dyn Fn(&Counts) -> f64) -> (f64, f64) {
        let all: Vec<&Counts> = self.templates.values().collect();
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
}
