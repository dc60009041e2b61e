//! How many of the secrets of the labelled sets are found, and how much is found in ordinary text where there is none:
//! `cargo run --release --example secrets -- DIR [-v] [--rules FOLDER] [--text FOLDER]…`. With `--rules` the rule files of a folder
//! count, without building anew. For orientation; no test depends on it.
#![expect(clippy::cast_precision_loss, clippy::string_slice, reason = "a program for people, on known data")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bartizan_detect::{Detector, Hint, RuleError, RuleFile};
use serde_json::Value;

/// The sets: name, file.
const SETS: [(&str, &str); 3] =
    [("gitleaks", "secrets_gitleaks.jsonl"), ("kingfisher", "secrets_kingfisher.jsonl"), ("noseyparker", "secrets_noseyparker.jsonl")];

/// Rules of the sets that look for what is no secret: names of hosts, buckets and accounts, public keys.
const PUBLIC: [&str; 34] = [
    "kingfisher.adobe.2",
    "kingfisher.age.1",
    "np.age.1",
    "kingfisher.algolia.2",
    "kingfisher.anypoint.2",
    "kingfisher.artifactory.2",
    "kingfisher.auth0.1",
    "kingfisher.auth0.3",
    "np.auth0.1",
    "kingfisher.azure.devops.2",
    "kingfisher.azureopenai.host.1",
    "kingfisher.azuresearch.url.1",
    "kingfisher.azurestorage.name.1",
    "kingfisher.databricks.3",
    "kingfisher.eagleeyenetworks.2",
    "kingfisher.google.1",
    "np.google.1",
    "kingfisher.github.5",
    "np.github.5",
    "kingfisher.jira.1",
    "kingfisher.okta.2",
    "kingfisher.planetscale.2",
    "kingfisher.reactapp.1",
    "np.reactapp.1",
    "kingfisher.salesforce.2",
    "kingfisher.shopify.2",
    "np.shopify.1",
    "kingfisher.snowflake.1",
    "np.s3.1",
    "np.s3.2",
    "np.arn.1",
    "np.gcs.1",
    "np.gcs.2",
    "kingfisher.sonarqube.2",
];

/// Negative cases that are no negatives here, by rule, with a part of their text, and why.
const EXCUSED: [(&str, &str, &str); 10] = [
    ("gcp-api-key", "AIzaSy", "a key of the right form, allowed there by its literal text"),
    ("aws-access-token", "AKIAIOSFODNN7EXAMPLE", "the specimen that the documentation gives to try findings with"),
    ("gcp-api-key", "AIzay", "a key of the right form, allowed there by its literal text"),
    ("anthropic-api-key", "sk-ant-admin01-", "a key of the other kind"),
    ("anthropic-admin-api-key", "sk-ant-api03-", "a key of the other kind"),
    ("cloudflare-", "", "a key of one of the other kinds"),
    ("nuget-config-password", "Password\"", "excused there by the name of the file"),
    ("hashicorp-tf-password", "var.", "excused there by the name of the file"),
    ("np.slack.", "xox", "a token of one of the other kinds"),
    ("np.generic.", "assword", "a password of one of the other kinds"),
];

#[derive(Default)]
struct Tally {
    positive: usize,
    found: usize,
    exact: usize,
    named: usize,
    public: usize,
    negative: usize,
    wrong: usize,
    excused: usize,
    missed_rules: BTreeMap<String, usize>,
}

fn rows(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap_or_default().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Byte spans of a row's labelled spans; the whole text when they are not known.
fn spans(row: &Value, text: &str) -> Vec<(usize, usize)> {
    let byte = |span: &Value, name: &str| {
        let at = span.get(name).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    };
    let known: Vec<_> =
        row.get("spans").and_then(Value::as_array).into_iter().flatten().map(|span| (byte(span, "start"), byte(span, "end"))).collect();
    if known.is_empty() { vec![(0, text.len())] } else { known }
}

fn judge(detector: &Detector, row: &Value, verbose: bool, tally: &mut Tally) {
    let (text, rule) = (field(row, "text"), field(row, "rule"));
    let scan = detector.scan(text, Hint::default());
    let found: Vec<_> = scan.findings.iter().filter(|finding| finding.label.as_str().starts_with("secret.")).collect();
    let shown = |start: usize, end: usize| text.get(start..end).unwrap_or_default().chars().take(60).collect::<String>();
    if field(row, "expected") == "no_match" {
        let excuse = EXCUSED.iter().find(|(known, part, _)| rule.starts_with(known) && text.contains(part));
        if excuse.is_some() {
            tally.excused += 1;
            return;
        }
        tally.negative += 1;
        // What only the generic rules find is wrong where a set asks for them.
        let generic = rule.contains("generic");
        if let Some(first) = found.iter().find(|finding| generic || finding.label.as_str() != "secret.generic") {
            tally.wrong += 1;
            if verbose {
                println!("  WRONG {rule}: {} {:?} in {:?}", first.rule, shown(first.start, first.end), shown(0, text.len()));
            }
        }
        return;
    }
    if PUBLIC.contains(&rule) || text.is_empty() {
        tally.public += 1;
        return;
    }
    for (start, end) in spans(row, text) {
        tally.positive += 1;
        tally.exact += usize::from(found.iter().any(|finding| (finding.start, finding.end) == (start, end)));
        let hits: Vec<_> = found.iter().filter(|finding| finding.start < end && start < finding.end).collect();
        tally.found += usize::from(!hits.is_empty());
        tally.named += usize::from(hits.iter().any(|finding| finding.label.as_str() != "secret.generic"));
        if hits.is_empty() {
            *tally.missed_rules.entry(rule.to_owned()).or_default() += 1;
            if verbose {
                println!("  MISSED {rule}: {:?} in {:?}", shown(start, end), shown(0, text.len()));
            }
        }
    }
}

fn report_sets(detector: &Detector, folder: &Path, verbose: bool) {
    println!(
        "{:12} {:>8} {:>7} {:>7} {:>7} {:>7} {:>8} {:>6} {:>7}",
        "set", "positive", "found", "exact", "named", "public", "negative", "wrong", "excused"
    );
    for (name, file) in SETS {
        let mut tally = Tally::default();
        for row in rows(&folder.join(file)) {
            judge(detector, &row, verbose, &mut tally);
        }
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        println!(
            "{name:12} {:8} {:7} {:7} {:7} {:7} {:8} {:6} {:7}",
            tally.positive, tally.found, tally.exact, tally.named, tally.public, tally.negative, tally.wrong, tally.excused
        );
        println!(
            "RESULT {name} recall={:.4} named={:.4} false_positives={:.4} rules_missed={}",
            share(tally.found, tally.positive),
            share(tally.named, tally.positive),
            share(tally.wrong, tally.negative),
            tally.missed_rules.len()
        );
        if verbose {
            println!("  {:?}", tally.missed_rules);
        }
    }
}

/// All files below a folder, links not followed.
fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().filter(|entry| !entry.path().is_symlink()).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// What is found in ordinary text: by label, per 100 KB.
fn report_text(detector: &Detector, folder: &Path, verbose: bool) {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let (mut bytes, mut count) = (0, 0u32);
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if text.len() > 4_000_000 {
            continue;
        }
        bytes += text.len();
        for finding in detector.scan(&text, Hint::default()).findings.iter().filter(|finding| finding.label.as_str().starts_with("secret."))
        {
            count += 1;
            *rules.entry(finding.rule.to_string()).or_default() += 1;
            if verbose {
                let from = text.floor_char_boundary(finding.start.saturating_sub(40));
                let to = text.floor_char_boundary(finding.end.min(finding.start + 60));
                println!("  {} {} {:?}", path.display(), finding.rule, &text[from..to]);
            }
        }
    }
    println!(
        "RESULT {} bytes={bytes} findings={count} per_100kb={:.3}",
        folder.display(),
        f64::from(count) * 100_000.0 / (bytes as f64).max(1.0)
    );
    let mut rules: Vec<_> = rules.into_iter().collect();
    rules.sort_by_key(|(_, count)| usize::MAX - count);
    println!("  {rules:?}");
}

/// The detector with the rule files of a folder, or with those that are built in.
fn detector(folder: Option<&str>) -> Result<Detector, RuleError> {
    let Some(folder) = folder else { return Detector::builtin() };
    let mut paths = Vec::new();
    files(Path::new(folder), &mut paths);
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    Detector::from_rules(&texts.map(|text| RuleFile::parse(&text)).collect::<Result<Vec<_>, _>>()?)
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "--rules");
    let rules = at.map(|at| arguments.drain(at..(at + 2).min(arguments.len())).nth(1).unwrap_or_default());
    let start = Instant::now();
    let detector = match detector(rules.as_deref()) {
        Ok(detector) => detector,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let labels = detector.labels();
    println!(
        "{} labels, {} rules, ready in {:?}",
        labels.len(),
        labels.iter().map(|info| info.rules.len()).sum::<usize>(),
        start.elapsed()
    );
    let verbose = arguments.iter().any(|argument| argument == "-v");
    let mut names = arguments.iter().filter(|argument| *argument != "-v");
    let mut given = false;
    while let Some(name) = names.next() {
        given = true;
        if name == "--text" {
            names.by_ref().take(1).for_each(|folder| report_text(&detector, Path::new(folder), verbose));
        } else {
            report_sets(&detector, Path::new(name), verbose);
        }
    }
    if given { ExitCode::SUCCESS } else { ExitCode::from(2) }
}
