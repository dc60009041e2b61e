//! Findings in ordinary files: source, documentation and logs, where there is next to nothing to find.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bartizan_detect::{Detector, Hint};

use crate::report::{Report, Wanted};
use crate::rows::files;

/// Bytes that are read of one folder.
const ENOUGH: usize = 24_000_000;
/// Largest file that is read.
const LARGEST: u64 = 400_000;
/// Files of one folder, spread over all of it.
const FILES: usize = 3_000;
/// How many findings of a rule are shown.
const SAMPLES: usize = 12;
/// Findings that are what they look like wherever they stand: an address in a file is one.
const BY_FORM: [&str; 3] = ["pii.email", "pii.url", "pii.ip"];

#[derive(Default)]
struct Found {
    label: String,
    count: usize,
    samples: Vec<String>,
}

/// Reads some of each folder, counts what is found and judges it.
pub fn run(detector: &Detector, folders: &[PathBuf], report: &mut Report) {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut bytes = 0;
    let mut told = Vec::new();
    for folder in folders {
        let read = one(detector, folder, &mut found);
        told.push(format!("{:.1} MB of {}", read as f64 / 1e6, kind(folder)));
        bytes += read;
    }
    let by_form = |found: &Found| BY_FORM.contains(&found.label.as_str());
    let wrong: usize = found.values().filter(|found| !by_form(found)).map(|found| found.count).sum();
    let mut most: Vec<(&String, &Found)> = found.iter().collect();
    most.sort_by_key(|(rule, found)| (usize::MAX - found.count, *rule));
    let listed: Vec<String> = most.iter().map(|(rule, found)| format!("`{rule}` {}", found.count)).collect();
    let per = wrong as f64 * 1e5 / bytes.max(1) as f64;
    report.note(&format!(
        "## Ordinary files\n\n{}. Every finding at its default threshold counts as false, whether or not there is something, except e-mail addresses, URLs and IP addresses, which are what they look like wherever they stand. By rule: {}.",
        told.join(", "),
        listed.join(", ")
    ));
    for (rule, found) in most.iter().filter(|(_, found)| !by_form(found)) {
        found.samples.iter().for_each(|sample| report.miss("ordinary", &format!("{rule}: {sample:?}")));
    }
    let megabytes = bytes as f64 / 1e6;
    report.bar("false_per_100kb", per, Wanted::AtMost(1.0), format!("{wrong} findings in {megabytes:.1} MB"));
    report.bar("ordinary_mb", megabytes, Wanted::AtLeast(10.0), "source, documentation and logs that were read".to_owned());
}

/// What a folder is, without saying where it lies.
fn kind(folder: &std::path::Path) -> String {
    let path = folder.to_string_lossy();
    let named = [("registry", "crates"), ("python", "Python's library"), ("doc", "documentation"), ("logs", "logs")];
    named.iter().find(|(part, _)| path.contains(part)).map_or("other files", |(_, name)| name).to_owned()
}

fn one(detector: &Detector, folder: &std::path::Path, found: &mut BTreeMap<String, Found>) -> usize {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    paths.retain(|path| path.metadata().is_ok_and(|data| data.len() <= LARGEST));
    let step = (paths.len() / FILES).max(1);
    let mut read = 0;
    for path in paths.iter().step_by(step) {
        let Ok(text) = fs::read_to_string(path) else { continue };
        if read > ENOUGH {
            break;
        }
        read += text.len();
        for finding in detector.scan(&text, Hint::default()).findings {
            let entry = found.entry(finding.rule.as_str().to_owned()).or_default();
            finding.label.as_str().clone_into(&mut entry.label);
            entry.count += 1;
            if entry.samples.len() < SAMPLES {
                let from = text.floor_char_boundary(finding.start.saturating_sub(60));
                entry.samples.push(text.get(from..finding.end).unwrap_or_default().to_owned());
            }
        }
    }
    read
}
