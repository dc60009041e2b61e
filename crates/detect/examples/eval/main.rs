//! Recall and precision on the labelled sets of `shared/data/pii`: `cargo run --release --example eval -- DIR`; with `--noise`
//! instead of a folder, what is found in ordinary files; with `--examples`, the rules' own. `--rules=DIR` reads the rules from
//! there. For orientation and for improving rules in general; no test depends on it.
#![expect(clippy::indexing_slicing, clippy::string_slice, clippy::cast_precision_loss, reason = "a program for people, on known data")]

mod noise;
mod own;
mod presidio;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bartizan_detect::{Detector, Hint, RuleFile};
use serde_json::Value;

/// Rule of a set, the label it stands for with us, and the labels that count for it in a mixed text.
const RECOGNISERS: &[(&str, &str)] = &[
    ("EmailRecognizer", "pii.email"),
    ("PhoneRecognizer", "pii.phone"),
    ("UsSsnRecognizer", "pii.us_ssn"),
    ("IpRecognizer", "pii.ip"),
    ("UrlRecognizer", "pii.url"),
    ("CreditCardRecognizer", "pci.card"),
    ("IbanRecognizer", "pci.iban"),
];
const SERVICES: &[(&str, &str)] = &[
    ("aws", "secret.aws"),
    ("github", "secret.github"),
    ("gitlab", "secret.gitlab"),
    ("slack", "secret.slack"),
    ("stripe", "secret.stripe"),
    ("openai", "secret.openai"),
    ("anthropic", "secret.anthropic"),
    ("gcp", "secret.google"),
    ("jwt", "secret.jwt"),
    ("private-key", "secret.private_key"),
    ("generic", "secret.generic"),
];

#[derive(Default)]
struct Tally {
    positive: usize,
    exact: usize,
    overlap: usize,
    negative: usize,
    clean: usize,
}

fn rows(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap_or_default().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Byte spans of a row's labelled spans.
fn spans(row: &Value, text: &str) -> Vec<(usize, usize)> {
    let byte = |code_point: &Value| {
        let at = usize::try_from(code_point.as_u64().unwrap_or(0)).unwrap_or(0);
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    };
    row["spans"].as_array().into_iter().flatten().map(|span| (byte(&span["start"]), byte(&span["end"]))).collect()
}

fn judge(detector: &Detector, row: &Value, prefix: &str, verbose: bool, tally: &mut Tally) {
    let text = row["text"].as_str().unwrap_or_default();
    let scan = detector.scan(text, Hint::default());
    let secret = prefix.starts_with("secret");
    let found: Vec<(usize, usize)> = scan
        .findings
        .iter()
        .filter(|finding| {
            finding.label.as_str().starts_with(prefix)
                || (secret && row["expected"] == "match" && finding.label.as_str().starts_with("secret"))
        })
        .map(|finding| (finding.start, finding.end))
        .collect();
    let mut wrong = false;
    if row["expected"] == "no_match" {
        tally.negative += 1;
        tally.clean += usize::from(found.is_empty());
        wrong = !found.is_empty();
    } else {
        let known = spans(row, text);
        let wanted = if known.is_empty() { vec![(0, text.len())] } else { known };
        for (start, end) in wanted {
            tally.positive += 1;
            tally.exact += usize::from(found.contains(&(start, end)));
            let hit = found.iter().any(|found| found.0 < end && start < found.1);
            tally.overlap += usize::from(hit);
            wrong |= !hit;
        }
    }
    if wrong && verbose {
        println!(
            "  {} {}: {:?} found {:?}",
            row["rule"].as_str().unwrap_or_default(),
            row["expected"],
            text.chars().take(150).collect::<String>(),
            found.iter().map(|(start, end)| &text[*start..*end]).collect::<Vec<_>>()
        );
    }
}

/// The rules of a folder, or those of the program.
fn rule_files(folder: Option<&str>) -> Vec<RuleFile> {
    let Some(folder) = folder else { return RuleFile::builtin().unwrap_or_default() };
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let text = |path: &std::path::PathBuf| fs::read_to_string(path).unwrap_or_default();
    let parse = |path: &std::path::PathBuf| RuleFile::parse(&text(path)).inspect_err(|error| eprintln!("{}: {error:?}", path.display()));
    paths.iter().filter_map(|path| parse(path).ok()).collect()
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / (whole.max(1)) as f64
}

fn main() -> std::process::ExitCode {
    let (rules, arguments): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--rules="));
    let files = rule_files(rules.first().and_then(|argument| argument.strip_prefix("--rules=")));
    let (Some(folder), Ok(detector)) = (arguments.first(), Detector::from_rules(&files)) else {
        eprintln!("give the folder with the labelled sets");
        return std::process::ExitCode::from(2);
    };
    if folder == "--examples" {
        own::run(&detector, &files);
        return std::process::ExitCode::SUCCESS;
    }
    if folder == "--noise" {
        noise::run(&detector, arguments.get(1..).unwrap_or_default(), 4);
        return std::process::ExitCode::SUCCESS;
    }
    presidio::run(Path::new(folder), files);
    let verbose = arguments.iter().any(|argument| argument == "-v");
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for row in rows(&Path::new(folder).join("presidio_recognizers.jsonl")) {
        if let Some((_, label)) = RECOGNISERS.iter().find(|(rule, _)| row["rule"] == *rule) {
            judge(&detector, &row, label, verbose, tallies.entry(label).or_default());
        }
    }
    for row in rows(&Path::new(folder).join("secrets_gitleaks.jsonl")) {
        let rule = row["rule"].as_str().unwrap_or_default();
        if let Some((_, label)) = SERVICES.iter().find(|(service, _)| rule.starts_with(service)) {
            judge(&detector, &row, label, verbose, tallies.entry(label).or_default());
        }
    }
    println!("{:24} {:>9} {:>7} {:>7} {:>9} {:>7}", "label", "positive", "found", "exact", "negative", "clean");
    let mut sum = Tally::default();
    for (label, tally) in &tallies {
        println!("{label:24} {:9} {:7} {:7} {:9} {:7}", tally.positive, tally.overlap, tally.exact, tally.negative, tally.clean);
        sum.positive += tally.positive;
        sum.overlap += tally.overlap;
        sum.exact += tally.exact;
        sum.negative += tally.negative;
        sum.clean += tally.clean;
    }
    println!(
        "RESULT recall={:.3} exact={:.3} negatives_clean={:.3}",
        share(sum.overlap, sum.positive),
        share(sum.exact, sum.positive),
        share(sum.clean, sum.negative)
    );
    std::process::ExitCode::SUCCESS
}
