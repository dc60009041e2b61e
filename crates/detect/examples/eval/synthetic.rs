//! Synthetic sentences with names: two folds by template, our findings and those of peers by the same scorer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bartizan_detect::names::Names;
use bartizan_detect::{Detector, Hint, Scan};
use bartizan_vocabulary::Finding;
use serde_json::{Value, json};

use crate::pack::Pack;
use crate::report::{Report, Wanted};
use crate::rows::{Row, Span, rows};
use crate::score::{Counts, interval, is_hit, is_scored, mapped};

/// A figure of some counts.
type Figure = (&'static str, fn(&Counts) -> f64, f64);

/// What is judged, and its bar.
const FIGURES: [Figure; 6] = [
    ("characters_f2", |counts| counts.any().f(2.0), 0.85),
    ("typed_f1", |counts| counts.typed().f(1.0), 0.72),
    ("person_f1", |counts| counts.label("PERSON").f(1.0), 0.82),
    ("phone_f1", |counts| counts.label("PHONE").f(1.0), 0.92),
    ("card_f1", |counts| counts.label("CARD").f(1.0), 0.97),
    ("date_precision", |counts| counts.label("DATE").precision(), 0.90),
];

/// The same with an encoder.
const PACKED: [Figure; 6] = [
    ("pack_characters_f2", |counts| counts.any().f(2.0), 0.90),
    ("pack_typed_f1", |counts| counts.typed().f(1.0), 0.78),
    ("pack_person_f1", |counts| counts.label("PERSON").f(1.0), 0.86),
    ("pack_phone_f1", |counts| counts.label("PHONE").f(1.0), 0.92),
    ("pack_card_f1", |counts| counts.label("CARD").f(1.0), 0.97),
    ("pack_date_precision", |counts| counts.label("DATE").precision(), 0.90),
];

/// The sentences, and which of the two folds each is judged in.
pub struct Sentences {
    pub rows: Vec<Row>,
    templates: Vec<u64>,
}

impl Sentences {
    pub fn read(folder: &Path) -> Self {
        let rows = rows(&folder.join("presidio_synthetic.jsonl"));
        let mut templates: Vec<u64> = rows.iter().map(|row| row.template).collect();
        templates.sort_unstable();
        templates.dedup();
        Self { rows, templates }
    }

    /// The fold that judges a sentence; the other one may learn from it.
    pub fn fold(&self, row: &Row) -> usize {
        self.templates.binary_search(&row.template).unwrap_or(0) % 2
    }
}

/// Counts by template and by fold.
#[derive(Default)]
struct Folds {
    folds: [Counts; 2],
    templates: BTreeMap<u64, Counts>,
}

impl Folds {
    fn add(&mut self, fold: usize, template: u64, counts: &Counts) {
        if let Some(fold) = self.folds.get_mut(fold) {
            fold.add(counts);
        }
        self.templates.entry(template).or_default().add(counts);
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.folds.iter().for_each(|fold| total.add(fold));
        total
    }

    fn mean(&self, value: fn(&Counts) -> f64) -> f64 {
        self.folds.iter().map(value).sum::<f64>() / 2.0
    }
}

fn gold(row: &Row) -> Vec<Span> {
    row.spans.iter().map(|span| Span { label: mapped(&span.label).to_owned(), ..*span }).collect()
}

/// Judges the rules with the names that belong to a fold, and writes what was found where that is asked for.
pub fn run(detector: &Detector, sentences: &Sentences, names: [&Names; 2], predictions: Option<&Path>, report: &mut Report) {
    let detectors = names.map(|names| detector.with_names(names.clone()));
    let mut folds = Folds::default();
    let mut lines = String::new();
    for row in &sentences.rows {
        let fold = sentences.fold(row);
        let Some(detector) = detectors.get(fold) else { continue };
        let scan = detector.scan(&row.text, Hint::default());
        let found = spans(&scan);
        scores(&scan, row, report);
        let _ = writeln!(lines, "{}", line(row, &found));
        let mut say = |what: &str, span: &Span| {
            report.miss("synthetic", &format!("[{}] {what} {}: {:?}", row.template, span.label, row.part(span.start, span.end)));
        };
        folds.add(fold, row.template, &Counts::of(row, &found, &gold(row), &mut say));
    }
    if let Some(path) = predictions
        && let Err(error) = fs::write(path, lines)
    {
        eprintln!("`{}`: {error}", path.display());
    }
    tell("Synthetic sentences of Presidio", FIGURES, &folds, sentences, report);
}

/// The same with the names of an encoder besides.
pub fn packed(detector: &Detector, sentences: &Sentences, names: [&Names; 2], pack: &Pack, report: &mut Report) {
    let detectors = names.map(|names| detector.with_names(names.clone()));
    let mut folds = Folds::default();
    for row in &sentences.rows {
        let fold = sentences.fold(row);
        let Some(detector) = detectors.get(fold) else { continue };
        let found = spans(&detector.scan_given(&row.text, Hint::default(), pack.given(row)));
        folds.add(fold, row.template, &Counts::of(row, &found, &gold(row), &mut |_, _| {}));
    }
    tell("The same sentences with the accuracy pack", PACKED, &folds, sentences, report);
}

fn spans(scan: &Scan) -> Vec<Span> {
    let span = |finding: &Finding| Span { start: finding.start, end: finding.end, label: mapped(finding.label.as_str()).to_owned() };
    scan.findings.iter().map(span).collect()
}

/// Notes what each score is worth here; labels that are not scored have no truth.
fn scores(scan: &Scan, row: &Row, report: &mut Report) {
    let gold = gold(row);
    for finding in scan.findings.iter().chain(&scan.below) {
        let span = Span { start: finding.start, end: finding.end, label: mapped(finding.label.as_str()).to_owned() };
        if is_scored(&span.label) {
            report.scores.add(finding.score_bp, gold.iter().any(|gold| is_hit(&span, gold)));
        }
    }
}

fn tell(title: &str, figures: [Figure; 6], folds: &Folds, sentences: &Sentences, report: &mut Report) {
    let note = format!(
        "{} sentences, {} templates. Spans count from half overlap on (IoU) and the same label; parts of a place at most 4 marks apart are joined on both sides. The last row is all scored labels, and for characters whatever the label. The figures that are judged are means of two folds by template; intervals draw templates anew.",
        sentences.rows.len(),
        sentences.templates.len()
    );
    report.table(title, &note, &folds.total());
    let total = folds.total();
    report.note(&format!(
        "Places without joining neighbours: F1 {:.3}. Characters of all labels, also those that are not scored: F2 {:.3}.",
        total.apart().f(1.0),
        total.every().f(2.0)
    ));
    for (name, value, bar) in figures {
        let (low, high) = interval(&folds.templates, &value);
        report.bar(name, folds.mean(value), Wanted::AtLeast(bar), format!("mean of two folds; 95 %: {low:.3} to {high:.3}"));
    }
}

/// A sentence's findings, in code points, as peers write them.
fn line(row: &Row, found: &[Span]) -> Value {
    let point = |byte: usize| row.text.get(..byte).map_or(0, |text| text.chars().count());
    let spans: Vec<Value> =
        found.iter().map(|span| json!({"start": point(span.start), "end": point(span.end), "label": span.label})).collect();
    json!({"id": row.id, "spans": spans})
}

/// Judges what peers found: a file of lines with `id` and `spans`, offsets in code points.
pub fn peers(sentences: &Sentences, peers: &[(String, PathBuf)], report: &mut Report) {
    for (name, path) in peers {
        let content = fs::read_to_string(path).unwrap_or_default();
        let lines = content.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let by_id: BTreeMap<String, Value> =
            lines.map(|line| (line["id"].as_str().unwrap_or_default().to_owned(), line["spans"].clone())).collect();
        let mut folds = Folds::default();
        for row in &sentences.rows {
            let found = by_id.get(&row.id).map_or_else(Vec::new, |spans| read(row, spans));
            folds.add(sentences.fold(row), row.template, &Counts::of(row, &found, &gold(row), &mut |_, _| {}));
        }
        report.table(&format!("The same sentences: {name}"), &format!("{} sentences were answered.", by_id.len()), &folds.total());
        for (figure, value, _) in FIGURES {
            let (low, high) = interval(&folds.templates, &value);
            report.note(&format!("{figure}: {:.3} (95 %: {low:.3} to {high:.3})", folds.mean(value)));
            report.figure(&format!("{name}_{figure}"), folds.mean(value));
        }
    }
}

fn read(row: &Row, spans: &Value) -> Vec<Span> {
    let byte = |point: &Value| {
        let at = point.as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        row.text.char_indices().nth(at).map_or(row.text.len(), |(byte, _)| byte)
    };
    let span = |span: &Value| Span {
        start: byte(&span["start"]),
        end: byte(&span["end"]),
        label: mapped(span["label"].as_str().unwrap_or_default()).to_owned(),
    };
    let mut spans: Vec<Span> = spans.as_array().into_iter().flatten().map(span).collect();
    spans.sort();
    spans
}
