//! `bartizan detect` and `bartizan redact`: the gate's detectors over files and lines.

use std::cell::Cell;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bartizan_detect::names::{Given, Names};
use bartizan_detect::{
    Choice, CodePoints, Detector, Edit, Hint, RuleFile, Scan, Severity, Thresholds, TokenHit, apply, basis_points, is_under, placeholder,
};
use bartizan_vocabulary::Finding;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::config::SubjectsConfig;
use crate::documents::below;
use crate::explained::{Explanation, Places, Told};
use crate::output::{FAILED, FOUND, Format, GOOD, print, print_json, print_line, say};
use crate::own_rules::OwnRules;
use crate::pack::Installed;
use crate::redaction::{OperatorArgs, Redaction};
use crate::{allowed, detect_files, detect_lines, exact, explained, fingerprint, guard, scores};

/// Arguments of `bartizan detect`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  bartizan detect notes.txt src/                    what is in these files, by line and column
  bartizan detect report.docx mail.eml scans.zip    documents and archives are opened; findings are told by page, cell or part
  cat prompt.txt | bartizan detect                  the same from standard input
  bartizan detect --jsonl < texts.jsonl             one {\"id\",\"text\"} a line in, one line of findings out
  bartizan detect --names letter.txt                names and addresses too
  bartizan detect --pack rampart letter.txt         the same with an encoder that `bartizan pack install` installed
  bartizan detect --exact customers.exact mail.eml  values of a table of your own too
  bartizan detect --fingerprints contracts.prints a.docx   excerpts of documents of your own too
  bartizan detect --rules tickets.toml mail.eml     rules or a dictionary of your own too
  bartizan detect --subjects letter.txt             what its passages are about too: code, a contract, somebody's health
  bartizan detect --subjects=own.subjects mail.eml  subjects of your own too
  bartizan detect --threshold pii.phone=0.7 notes.txt   only what is surely a telephone number, and everything else
  bartizan detect --allow support@acme.example notes.txt   everything but this address
  bartizan detect --labels --format json            everything that can be found
Exit code: 0 nothing found, 1 findings, 2 something could not be read, which is told and is never taken for clean.")]
pub struct DetectArgs {
    #[command(flatten)]
    scan: ScanArgs,
    /// Exit 0 although something was found.
    #[arg(long)]
    exit_zero: bool,
    /// Say what each finding is and why: what found it, what moved its score, from which score on it counts; and what was not reported:
    /// what stayed below its threshold, lost to something stronger, or was ruled out.
    #[arg(long)]
    explain: bool,
    /// Also what passages are about: source code, contracts, personnel matters; with a file of `bartizan train subject`, the subjects of
    /// your own in it too.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_value = "off", hide_default_value = true,
        default_missing_value = "builtin", value_parser = subjects)]
    subjects: SubjectsConfig,
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
  bartizan redact report.docx > report.txt          the text of a document, without its layout, redacted
  bartizan redact --exact customers.exact mail.txt  values of a table of your own too
  bartizan redact --only secret notes.txt           keys and passwords only
  bartizan redact --operator generalise notes.txt   1984 for a birthday, the last four of a card
  bartizan redact --operator surrogate --operator pci.card=keep_last:4 notes.txt
                                                    invented values of the same form, but stars for cards
  bartizan redact --operator encrypt --key-file seal.key notes.txt
                                                    `bartizan reveal` turns that back
Exit code: 0 everything that was found was redacted, 2 something could not be read or redacted; nothing of that file is printed.")]
pub struct RedactArgs {
    #[command(flatten)]
    scan: ScanArgs,
    #[command(flatten)]
    operators: OperatorArgs,
}

/// What is read, and what counts.
#[derive(Args, Clone, Debug)]
pub struct ScanArgs {
    /// Files and folders; `-` or nothing is standard input.
    #[arg(value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// Each line is an object with `id` and `text`; one line of JSON comes out for each.
    #[arg(long)]
    pub jsonl: bool,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// In what `start` and `end` count.
    #[arg(long, value_enum, default_value = "chars")]
    offsets: Offsets,
    /// Report findings from this score on (0 to 1) instead of from their label's own threshold.
    #[arg(long, value_name = "SCORE", value_parser = least)]
    min_score: Option<u16>,
    /// Report findings of a label, or of those below it, from this score on, such as `pii.phone=0.7` or `pii.id=0.9`; may be given several
    /// times, the most specific counts.
    #[arg(long = "threshold", value_name = "LABEL=SCORE", value_parser = scores::threshold, conflicts_with = "min_score")]
    thresholds: Vec<(String, u16)>,
    /// Do not report this value, however it is written: `support@acme.example`, or for one label, or for those below it, `pii.email=…`; may
    /// be given several times. Secrets only with their label.
    #[arg(long, value_name = "[LABEL=]VALUE")]
    allow: Vec<String>,
    /// Do not report values of a label that this pattern matches as a whole, such as `pii.email=.*@acme\.example`; may be given several
    /// times.
    #[arg(long, value_name = "LABEL=PATTERN")]
    allow_pattern: Vec<String>,
    /// Only these labels and what lies below them, such as `pii.email` or `secret`.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    only: Vec<String>,
    /// Also names of persons, places, addresses and organisations, by the trained recogniser.
    #[arg(long)]
    names: bool,
    /// Also names by an encoder, out of a folder of `bartizan pack install`; better than `--names` alone, which it takes along, and slower.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// Also rules and dictionaries of your own, in TOML; may be given several times.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Also the values of a table, by an index of `bartizan exact build`; may be given several times.
    #[arg(long, value_name = "FILE")]
    exact: Vec<PathBuf>,
    /// Also excerpts of documents, by an index of `bartizan fingerprint build`; may be given several times.
    #[arg(long, value_name = "FILE")]
    fingerprints: Vec<PathBuf>,
    /// The key file of the indexes; without it the one beside each.
    #[arg(long, value_name = "KEY")]
    index_key: Option<PathBuf>,
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
    /// What it is.
    pub label: String,
    /// First place.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// 0 to 1.
    pub score: f64,
    /// What found it.
    pub rule: String,
    /// Why, with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Told>,
}

/// A detector with what the flags say.
pub struct Scanner {
    detector: Detector,
    offsets: Offsets,
    choice: Choice,
    /// Whether it says what passages are about.
    subjects: bool,
    /// Whether it says why.
    explain: bool,
    pack: Option<Installed>,
    /// Whether the pack failed over a text, which was told.
    pack_failed: Cell<bool>,
}

/// What came of one text.
pub struct Scanned {
    /// What counts, sorted, not overlapping; byte offsets.
    pub findings: Vec<Finding>,
    /// Why, where it was asked.
    pub explanation: Option<Explanation>,
}

/// What `--subjects` asks for: the flag alone stands for those of the program.
#[expect(clippy::unnecessary_wraps, reason = "the form of a parser of values")]
fn subjects(text: &str) -> Result<SubjectsConfig, String> {
    Ok(match text {
        "off" => SubjectsConfig::Off,
        "builtin" => SubjectsConfig::Builtin,
        file => SubjectsConfig::File(file.into()),
    })
}

/// A score between 0 and 1, in basis points.
fn least(text: &str) -> Result<u16, String> {
    let value: f64 = text.parse().map_err(|_| "give a number between 0 and 1".to_owned())?;
    basis_points(value).ok_or("give a number between 0 and 1".to_owned())
}

impl Scanner {
    fn new(args: &ScanArgs, subjects: &SubjectsConfig) -> Result<Self> {
        let base = Detector::builtin().context("the built-in rules cannot be compiled")?;
        let mut detector = OwnRules::read(&args.rules)?.add(base, || Ok(RuleFile::builtin()?))?;
        if args.names || args.pack.is_some() {
            detector = detector.with_names(Names::builtin().context("the built-in weights cannot be loaded")?);
        }
        for file in &args.exact {
            detector = detector.with_exact(exact::load(file, args.index_key.as_deref())?);
        }
        for file in &args.fingerprints {
            detector = detector.with_prints(fingerprint::load(file, args.index_key.as_deref())?);
        }
        for subjects in guard::subjects(subjects)? {
            detector = detector.with_subjects(subjects)?;
        }
        let labels = detector.labels();
        scores::known(args.thresholds.iter().map(|(label, _)| label), &scores::labels_of(&detector))?;
        for wanted in &args.only {
            if !labels.iter().any(|info| is_under(info.label.as_str(), wanted)) {
                bail!("there is no label `{wanted}`; `bartizan detect --labels` lists them");
            }
        }
        let detector = detector.with_thresholds(&Thresholds::new(args.thresholds.iter().cloned()));
        for warning in scores::out_of_reach(&args.thresholds, &detector, "") {
            say(&format!("bartizan: {warning}"));
        }
        let detector = detector.with_allowed(&allowed::of_flags(&args.allow, &args.allow_pattern, &detector)?);
        let choice = Choice { min_score_bp: args.min_score, only: args.only.clone() };
        let pack = args.pack.as_deref().map(Installed::load).transpose()?;
        Ok(Self { detector, offsets: args.offsets, choice, subjects: false, explain: false, pack, pack_failed: Cell::new(false) })
    }

    /// Scans one text.
    pub fn scan(&self, text: &str) -> Scanned {
        let given = self.given(text);
        if !self.explain {
            let scan = match given {
                None => self.detector.scan(text, Hint::default()),
                Some(given) => self.detector.scan_given(text, Hint::default(), given),
            };
            return Scanned { findings: self.choice.of(scan).0, explanation: None };
        }
        let explained = match given {
            None => self.detector.explain(text, Hint::default()),
            Some(given) => self.detector.explain_given(text, Hint::default(), given),
        };
        let (findings, _) = self.choice.of(explained.scan.clone());
        let explanation = Explanation::new(explained, &findings, self.choice.min_score_bp, |label| self.choice.wants(label));
        Scanned { findings, explanation: Some(explanation) }
    }

    /// The names that the pack finds, if there is one.
    fn given(&self, text: &str) -> Option<Given> {
        match self.pack.as_ref()?.given(text) {
            Ok(given) => Some(given),
            Err(error) => {
                say(&format!("bartizan: the accuracy pack failed, and its names are missing: {error:#}"));
                self.pack_failed.set(true);
                None
            }
        }
    }

    /// What to exit with: nothing is clean that the pack failed over.
    fn code(&self, code: u8) -> u8 {
        if self.pack_failed.get() { FAILED } else { code }
    }

    /// Whether it says what passages are about.
    pub fn says_subjects(&self) -> bool {
        self.subjects
    }

    /// Whether it says why.
    pub fn explains(&self) -> bool {
        self.explain
    }

    /// What passages of a text that comes in parts are about; byte offsets.
    pub fn subjects(&self, parts: &[&str]) -> Option<Vec<Finding>> {
        let found = self.subjects.then(|| self.detector.subjects(parts, self.choice.min_score_bp, &mut || true)).flatten()?;
        Some(self.choice.of(Scan { findings: found, ..Scan::default() }).0)
    }

    /// Strings of the form of a token.
    pub fn tokens(&self, text: &str) -> Vec<TokenHit> {
        self.detector.scan(text, Hint { tokens: true, ..Hint::default() }).tokens
    }

    /// The text without its values. What stands in their place names no kind: a word such as phone would speak for the number behind it.
    pub fn bare(text: &str, findings: &[Finding]) -> String {
        let edit = |finding: &Finding| Edit { start: finding.start, end: finding.end, replacement: "[REDACTED]".to_owned() };
        apply(text, &findings.iter().map(edit).collect::<Vec<_>>())
    }

    /// Findings as they are printed.
    pub fn printed(&self, text: &str, findings: &[Finding]) -> Vec<Found> {
        let mut chars = CodePoints::new(text);
        let mut offset = |at: usize| if self.offsets == Offsets::Bytes { at } else { chars.at(at) };
        findings
            .iter()
            .map(|finding| Found {
                label: finding.label.as_str().to_owned(),
                start: offset(finding.start),
                end: offset(finding.end),
                score: f64::from(finding.score_bp) / 10_000.0,
                rule: finding.rule.as_str().to_owned(),
                why: None,
            })
            .collect()
    }
}

/// Runs `bartizan detect`.
///
/// # Errors
/// When rules or labels are not good, or nobody takes the output.
pub fn detect(args: &DetectArgs) -> Result<u8> {
    let mut scanner = Scanner::new(&args.scan, &args.subjects)?;
    if args.labels {
        return labels(&scanner, args.scan.format);
    }
    scanner.subjects = args.subjects != SubjectsConfig::Off;
    scanner.explain = args.explain;
    let code = if args.scan.jsonl {
        detect_lines::run(&below(&args.scan.files), &scanner, detect_lines::Task::Detect)?
    } else {
        detect_files::detect(&args.scan, &scanner)?
    };
    Ok(scanner.code(if args.exit_zero && code == FOUND { GOOD } else { code }))
}

/// Runs `bartizan redact`.
///
/// # Errors
/// As [`detect`].
pub fn redact(args: &RedactArgs) -> Result<u8> {
    let scanner = Scanner::new(&args.scan, &SubjectsConfig::Off)?;
    let redaction = Redaction::new(&args.operators, &scanner.detector)?;
    if args.scan.jsonl {
        return detect_lines::run(&below(&args.scan.files), &scanner, detect_lines::Task::Redact(&redaction))
            .map(|code| scanner.code(code));
    }
    detect_files::redact(&args.scan, &scanner, &redaction).map(|code| scanner.code(code))
}

impl Scanner {
    /// What a finding is, for people.
    pub fn explained(&self, finding: &Finding, text: &str) -> String {
        let Some(info) = self.detector.label(&finding.label) else { return String::new() };
        let length = text.get(finding.start..finding.end).map_or(0, |value| value.chars().count());
        let (own, from) = (score(finding.score_bp), score(self.choice.min_score_bp.unwrap_or(info.threshold_bp)));
        format!(
            "    {} {length} characters, severity {}. Score {own}, reported from {from}. At the gate: `{}_…` or `{}`.\n",
            info.description,
            severity(info.severity),
            info.kind,
            placeholder(&info.label),
        )
    }

    /// Offsets of what is explained, as they are printed.
    pub fn places(&self, text: &str, explanation: &Explanation) -> Places {
        Places::new(text, explanation, self.offsets == Offsets::Chars)
    }

    /// Why passages are about subjects, where it was asked.
    pub fn told_subject(&self, finding: &Finding) -> Option<Told> {
        self.explain.then(|| explained::told_subject(&self.detector, finding, self.choice.min_score_bp))
    }

    /// The same for people.
    pub fn explained_subject(&self, finding: &Finding) -> String {
        if self.explain { explained::subject(&self.detector, finding, self.choice.min_score_bp) } else { String::new() }
    }
}

/// A score as people read it.
pub fn score(basis_points: u16) -> String {
    format!("{:.2}", f64::from(basis_points) / 10_000.0)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn labels(scanner: &Scanner, format: Format) -> Result<u8> {
    let labels = scanner.detector.labels();
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
