//! How many of the secrets of the labelled sets are found, and what is found in their negative cases.

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_detect::{Detector, Hint};
use bartizan_vocabulary::Finding;

use crate::report::{Report, Wanted};
use crate::rows::{Row, Span, rows};
use crate::score::{Counts, is_hit, share};

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
struct Set {
    positive: usize,
    found: usize,
    exact: usize,
    named: usize,
    public: usize,
    negative: usize,
    wrong: usize,
    excused: usize,
    counts: Counts,
    missed_rules: BTreeMap<String, usize>,
}

fn shown(row: &Row, start: usize, end: usize) -> String {
    row.part(start, end).chars().take(60).collect()
}

fn negative(name: &str, row: &Row, found: &[Finding], set: &mut Set, report: &mut Report) {
    if EXCUSED.iter().any(|(known, part, _)| row.rule.starts_with(known) && row.text.contains(part)) {
        set.excused += 1;
        return;
    }
    set.negative += 1;
    let named = found.iter().filter(|finding| finding.label.as_str() != "secret.generic");
    named.for_each(|finding| report.scores.add(finding.score_bp, false));
    // What only the generic rules find is wrong where a set asks for them.
    let generic = row.rule.contains("generic");
    if let Some(first) = found.iter().find(|finding| generic || finding.label.as_str() != "secret.generic") {
        set.wrong += 1;
        let (value, text) = (shown(row, first.start, first.end), shown(row, 0, row.text.len()));
        report.miss(name, &format!("wrong {}: {} {value:?} in {text:?}", row.rule, first.rule));
    }
}

fn positive(name: &str, row: &Row, found: &[Finding], set: &mut Set, report: &mut Report) {
    if PUBLIC.contains(&row.rule.as_str()) || row.text.is_empty() {
        set.public += 1;
        return;
    }
    let whole = Span { start: 0, end: row.text.len(), label: String::new() };
    let wanted = if row.spans.is_empty() { std::slice::from_ref(&whole) } else { &row.spans };
    for span in wanted {
        set.positive += 1;
        set.exact += usize::from(found.iter().any(|finding| (finding.start, finding.end) == (span.start, span.end)));
        let hits: Vec<&Finding> = found.iter().filter(|finding| finding.start < span.end && span.start < finding.end).collect();
        set.found += usize::from(!hits.is_empty());
        set.named += usize::from(hits.iter().any(|finding| finding.label.as_str() != "secret.generic"));
        if hits.is_empty() {
            *set.missed_rules.entry(row.rule.clone()).or_default() += 1;
            let (value, text) = (shown(row, span.start, span.end), shown(row, 0, row.text.len()));
            report.miss(name, &format!("missed {}: {value:?} in {text:?}", row.rule));
        }
    }
    let as_secret = |start: usize, end: usize| Span { start, end, label: "secret".to_owned() };
    let gold: Vec<Span> = row.spans.iter().map(|span| as_secret(span.start, span.end)).collect();
    if !gold.is_empty() {
        for finding in found {
            let span = as_secret(finding.start, finding.end);
            report.scores.add(finding.score_bp, gold.iter().any(|gold| is_hit(&span, gold)));
        }
        let found: Vec<Span> = found.iter().map(|finding| as_secret(finding.start, finding.end)).collect();
        set.counts.add(&Counts::of(row, &found, &gold, &mut |_, _| {}));
    }
}

/// Judges the three sets; the first one has bars.
pub fn run(detector: &Detector, folder: &Path, report: &mut Report) {
    for (name, file) in SETS {
        let mut set = Set::default();
        for row in rows(&folder.join(file)) {
            let mut found = detector.scan(&row.text, Hint::default()).findings;
            found.retain(|finding| finding.label.as_str().starts_with("secret."));
            if row.expected == "no_match" {
                negative(name, &row, &found, &mut set, report);
            } else {
                positive(name, &row, &found, &mut set, report);
            }
        }
        tell(name, &set, report);
    }
}

fn tell(name: &'static str, set: &Set, report: &mut Report) {
    let note = format!(
        "{} of {} secrets are found, {} of them by a rule with a name, {} exactly; {} of {} negative cases are wrong. {} positive cases are no secrets (names of hosts, public keys), {} negative ones are secrets after all. {} of the origin's rules have misses.",
        set.found,
        set.positive,
        set.named,
        set.exact,
        set.wrong,
        set.negative,
        set.public,
        set.excused,
        set.missed_rules.len()
    );
    report.table(&format!("Secrets: {name}"), &note, &set.counts);
    let (recall, wrong) = (share(set.found, set.positive), set.wrong as f64 / set.negative.max(1) as f64);
    if name == "gitleaks" {
        report.bar("gitleaks_recall", recall, Wanted::AtLeast(0.99), format!("{} of {} secrets", set.found, set.positive));
        report.bar("gitleaks_false", wrong, Wanted::AtMost(0.01), format!("{} of {} negative cases", set.wrong, set.negative));
    } else {
        report.figure(&format!("{name}_recall"), recall);
        report.figure(&format!("{name}_false"), wrong);
    }
}
