//! `bartizan detect` and `bartizan redact`: the gate's detectors over files and lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bartizan_detect::names::Names;
use bartizan_detect::{Detector, Edit, Hint, Severity, apply, placeholder};
use bartizan_vocabulary::Finding;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::detect_lines;
use crate::output::{FAILED, FOUND, Format, GOOD, Paint, print, print_json, print_line, read_text, say};

/// Said with `--explain` when nothing was found: what a check rules out leaves no trace that could be shown.
const NOT_EVEN_SEEN: &str = "lines above, if any, name what stayed below its threshold; not listed is what a check rules out: a number with a wrong \
                             check digit or of a range that is never given out, a key that is a known placeholder";

/// Arguments of `bartizan detect`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan detect notes.txt src/                    what is in these files, by line and column
  cat prompt.txt | bartizan detect                  the same from standard input
  bartizan detect --jsonl < texts.jsonl             one {\"id\",\"text\"} a line in, one line of findings out
  bartizan detect --names letter.txt                names and addresses too
  bartizan detect --labels --format json            everything that can be found
Exit code: 0 nothing found, 1 findings, 2 something could not be read.")]
pub struct DetectArgs {
    #[command(flatten)]
    scan: ScanArgs,
    /// Exit 0 although something was found.
    #[arg(long)]
    exit_zero: bool,
    /// Say what each finding is, how sure it is, and what stayed below its threshold.
    #[arg(long)]
    explain: bool,
    /// List the labels instead of reading anything.
    #[arg(long, conflicts_with_all = ["files", "jsonl"])]
    labels: bool,
}

/// Arguments of `bartizan redact`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan redact notes.txt > clean.txt             every finding becomes [REDACTED_…]
  pbpaste | bartizan redact                         the same from standard input
  bartizan redact --jsonl < texts.jsonl             one {\"id\",\"text\"} a line in, the same with the text redacted out
  bartizan redact --only secret notes.txt           keys and passwords only
Exit code: 0 everything that was found was redacted, 2 something could not be read.")]
pub struct RedactArgs {
    #[command(flatten)]
    scan: ScanArgs,
}

/// What is read, and what counts.
#[derive(Args, Clone, Debug)]
pub struct ScanArgs {
    /// Files and folders; `-` or nothing is standard input.
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Each line is an object with `id` and `text`; one line of JSON comes out for each.
    #[arg(long)]
    pub jsonl: bool,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// In what `start` and `end` count.
    #[arg(long, value_enum, default_value = "chars")]
    offsets: Offsets,
    /// Report findings from this score on (0 to 1) instead of from their label's own threshold.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    min_score: Option<u16>,
    /// Only these labels and what lies below them, such as `pii.email` or `secret`.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    only: Vec<String>,
    /// Also names of persons, places, addresses and organisations, by the trained recogniser.
    #[arg(long)]
    names: bool,
}

/// In what offsets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Offsets {
    /// Unicode code points.
    Chars,
    /// Bytes of UTF-8.
    Bytes,
}

/// A finding as it is printed. Never holds the value.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    label: String,
    start: usize,
    end: usize,
    score: f64,
    rule: String,
}

/// A finding in a file, as it is printed.
#[derive(Serialize)]
struct FoundIn<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    #[serde(flatten)]
    found: &'a Found,
}

/// A detector with what the flags say.
pub struct Scanner {
    detector: Detector,
    offsets: Offsets,
    min_score: Option<u16>,
    only: Vec<String>,
}

/// What came of one text.
pub struct Scanned {
    /// What counts, sorted, not overlapping; byte offsets.
    pub findings: Vec<Finding>,
    /// What does not reach its threshold.
    below: Vec<Finding>,
}

/// A score between 0 and 1, in basis points.
fn score(text: &str) -> Result<u16, String> {
    let value: f64 = text.parse().map_err(|_| "give a number between 0 and 1".to_owned())?;
    (0..=10_000_u16)
        .find(|bp| f64::from(*bp) >= value * 10_000.0 - 1e-6)
        .filter(|_| value >= 0.0)
        .ok_or("give a number between 0 and 1".to_owned())
}

impl Scanner {
    fn new(args: &ScanArgs) -> Result<Self> {
        let mut detector = Detector::builtin().context("the built-in rules cannot be compiled")?;
        if args.names {
            detector = detector.with_names(Names::builtin().context("the built-in weights cannot be loaded")?);
        }
        let labels = detector.labels();
        for wanted in &args.only {
            if !labels.iter().any(|info| is_under(info.label.as_str(), wanted)) {
                bail!("there is no label `{wanted}`; `bartizan detect --labels` lists them");
            }
        }
        Ok(Self { detector, offsets: args.offsets, min_score: args.min_score, only: args.only.clone() })
    }

    /// Scans one text.
    pub fn scan(&self, text: &str) -> Scanned {
        let scan = self.detector.scan(text, Hint::default());
        let wanted = |finding: &Finding| self.only.is_empty() || self.only.iter().any(|only| is_under(finding.label.as_str(), only));
        let (mut findings, mut below) = (scan.findings, scan.below);
        findings.retain(wanted);
        below.retain(wanted);
        if let Some(least) = self.min_score {
            findings.retain(|finding| finding.score_bp >= least);
            let (raised, rest): (Vec<_>, Vec<_>) = below.into_iter().partition(|finding| finding.score_bp >= least);
            below = rest;
            for finding in raised {
                if !findings.iter().any(|other| other.start < finding.end && finding.start < other.end) {
                    findings.push(finding);
                }
            }
            findings.sort_by_key(|finding| finding.start);
        }
        Scanned { findings, below }
    }

    /// Findings as they are printed.
    pub fn printed(&self, text: &str, findings: &[Finding]) -> Vec<Found> {
        let mut chars = CodePoints { text, bytes: 0, count: 0 };
        let mut offset = |at: usize| if self.offsets == Offsets::Bytes { at } else { chars.at(at) };
        findings
            .iter()
            .map(|finding| Found {
                label: finding.label.as_str().to_owned(),
                start: offset(finding.start),
                end: offset(finding.end),
                score: f64::from(finding.score_bp) / 10_000.0,
                rule: finding.rule.as_str().to_owned(),
            })
            .collect()
    }
}

/// The text with every finding replaced by its placeholder.
pub fn redacted(text: &str, findings: &[Finding]) -> String {
    let edit = |finding: &Finding| Edit { start: finding.start, end: finding.end, replacement: placeholder(&finding.label) };
    apply(text, &findings.iter().map(edit).collect::<Vec<_>>())
}

fn is_under(label: &str, word: &str) -> bool {
    label.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Counts code points up to byte offsets that do not go back.
struct CodePoints<'a> {
    text: &'a str,
    bytes: usize,
    count: usize,
}

impl CodePoints<'_> {
    fn at(&mut self, bytes: usize) -> usize {
        self.count += self.text.get(self.bytes..bytes).map_or(0, |part| part.chars().count());
        self.bytes = bytes;
        self.count
    }
}

/// Runs `bartizan detect`.
///
/// # Errors
/// When rules or labels are not good, or nobody takes the output.
pub fn detect(args: &DetectArgs) -> Result<u8> {
    if args.labels {
        return labels(&args.scan);
    }
    let scanner = Scanner::new(&args.scan)?;
    let code = if args.scan.jsonl {
        detect_lines::run(&inputs(&args.scan), &scanner, detect_lines::Task::Detect { explain: args.explain })?
    } else {
        detect_files(args, &scanner)?
    };
    Ok(if args.exit_zero && code == FOUND { GOOD } else { code })
}

/// Runs `bartizan redact`.
///
/// # Errors
/// As [`detect`].
pub fn redact(args: &RedactArgs) -> Result<u8> {
    let scanner = Scanner::new(&args.scan)?;
    if args.scan.jsonl {
        return detect_lines::run(&inputs(&args.scan), &scanner, detect_lines::Task::Redact);
    }
    let mut code = GOOD;
    for path in inputs(&args.scan) {
        let Some(text) = readable(&path, &mut code) else { continue };
        let findings = scanner.scan(&text).findings;
        let clean = redacted(&text, &findings);
        if args.scan.format == Format::Text {
            print(&clean)?;
        } else {
            let file = path.display().to_string();
            print_json(args.scan.format, &json!({ "file": file, "text": clean, "findings": scanner.printed(&text, &findings) }))?;
        }
    }
    Ok(code)
}

/// The files that were named; of folders, every file below them, sorted.
fn inputs(args: &ScanArgs) -> Vec<PathBuf> {
    if args.files.is_empty() {
        return vec![PathBuf::from("-")];
    }
    let mut paths = Vec::new();
    for file in &args.files {
        collect(file, &mut paths);
    }
    paths
}

fn collect(path: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(path) else {
        out.push(path.to_path_buf());
        return;
    };
    let mut inside: Vec<PathBuf> = entries.flatten().filter(|entry| !entry.path().is_symlink()).map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        collect(&path, out);
    }
}

/// The text of a file; what cannot be read is said and the rest goes on.
fn readable(path: &Path, code: &mut u8) -> Option<String> {
    match read_text(path) {
        Ok(text) => Some(text),
        Err(error) => {
            say(&format!("bartizan: {error:#}"));
            *code = FAILED;
            None
        }
    }
}

fn detect_files(args: &DetectArgs, scanner: &Scanner) -> Result<u8> {
    let mut code = GOOD;
    let mut all = Vec::new();
    let mut files = 0;
    for path in inputs(&args.scan) {
        let Some(text) = readable(&path, &mut code) else { continue };
        files += 1;
        let scanned = scanner.scan(&text);
        if !scanned.findings.is_empty() && code == GOOD {
            code = FOUND;
        }
        let file = if path.as_os_str() == "-" { "(stdin)".to_owned() } else { path.display().to_string() };
        let printed = scanner.printed(&text, &scanned.findings);
        let mut place = Lines { text: &text, at: 0, line: 1, column: 1 };
        for (finding, found) in scanned.findings.iter().zip(&printed) {
            let (line, column) = place.of(finding.start);
            let found = FoundIn { file: &file, line, column, found };
            match args.scan.format {
                Format::Json => all.push(serde_json::to_value(&found)?),
                Format::Jsonl => print_line(&found)?,
                Format::Text => print(&for_people(&found))?,
            }
            if args.scan.format == Format::Text && args.explain {
                print(&scanner.explained(finding, &text))?;
            }
        }
        if args.scan.format == Format::Text && args.explain {
            print(&scanner.explained_below(&file, &text, &scanned.below))?;
        }
    }
    match args.scan.format {
        Format::Json => print_json(Format::Json, &json!({ "findings": all }))?,
        Format::Text if code == GOOD => {
            say(&format!("nothing found in {files} {}", if files == 1 { "text" } else { "texts" }));
            if args.explain {
                say(NOT_EVEN_SEEN);
            }
        }
        Format::Text | Format::Jsonl => {}
    }
    Ok(code)
}

fn for_people(found: &FoundIn<'_>) -> String {
    let paint = Paint::stdout();
    let label = format!("{:<24}", found.found.label);
    let label = if found.found.label.starts_with("secret.") { paint.red(&label) } else { paint.yellow(&label) };
    let place = format!("{}:{}:{}", found.file, found.line, found.column);
    format!("{place:<28} {label} score {:.2}  {}\n", found.found.score, paint.dim(&format!("rule {}", found.found.rule)))
}

impl Scanner {
    fn explained(&self, finding: &Finding, text: &str) -> String {
        let Some(info) = self.detector.labels().into_iter().find(|info| info.label == finding.label) else { return String::new() };
        let length = text.get(finding.start..finding.end).map_or(0, |value| value.chars().count());
        let (score, threshold) = (percent(finding.score_bp), percent(info.threshold_bp));
        format!(
            "    {} {length} characters, severity {}. Score {score}, reported from {threshold}. At the gate: `{}_…` or `{}`.\n",
            info.description,
            severity(info.severity),
            info.kind,
            placeholder(&info.label),
        )
    }

    fn explained_below(&self, file: &str, text: &str, below: &[Finding]) -> String {
        let thresholds: BTreeMap<_, _> = self.detector.labels().into_iter().map(|info| (info.label, info.threshold_bp)).collect();
        let mut place = Lines { text, at: 0, line: 1, column: 1 };
        let mut out = String::new();
        for finding in below {
            let (line, column) = place.of(finding.start);
            let threshold = percent(thresholds.get(&finding.label).copied().unwrap_or_default());
            let score = percent(finding.score_bp);
            out.push_str(&format!(
                "{file}:{line}:{column} not reported: {} scores {score}, below its threshold {threshold}\n",
                finding.label
            ));
        }
        out
    }

    /// What stays below its threshold, as it is printed.
    pub fn below(&self, text: &str, scanned: &Scanned) -> Vec<Found> {
        self.printed(text, &scanned.below)
    }
}

fn percent(basis_points: u16) -> String {
    format!("{:.2}", f64::from(basis_points) / 10_000.0)
}

/// Counts lines and columns (in code points, from 1) up to byte offsets that do not go back.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl Lines<'_> {
    fn of(&mut self, offset: usize) -> (usize, usize) {
        for char in self.text.get(self.at..offset).unwrap_or_default().chars() {
            (self.line, self.column) = if char == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.at = offset;
        (self.line, self.column)
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn labels(args: &ScanArgs) -> Result<u8> {
    let (labels, format) = (Scanner::new(args)?.detector.labels(), args.format);
    let all: Vec<_> = labels
        .iter()
        .map(|info| {
            json!({
                "label": info.label, "description": info.description, "threshold": f64::from(info.threshold_bp) / 10_000.0,
                "severity": severity(info.severity), "kind": info.kind, "rules": info.rules,
            })
        })
        .collect();
    match format {
        Format::Json => print_json(format, &json!({ "labels": all }))?,
        Format::Jsonl => all.iter().try_for_each(print_line)?,
        Format::Text => {
            for info in &labels {
                print(&format!("{:<24} {:<9} {}\n", info.label.as_str(), severity(info.severity), info.description))?;
            }
        }
    }
    Ok(GOOD)
}
