//! Findings in ordinary files: `--noise DIR…` reads text files and prints how often each label comes up.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bartizan_detect::{Detector, Hint};

/// Bytes that are read of one folder.
const ENOUGH: usize = 12_000_000;
/// Largest file that is read.
const LARGEST: u64 = 400_000;

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.metadata().is_ok_and(|data| data.len() <= LARGEST) {
            files.push(path);
        }
    }
}

/// Reads some of each folder and prints labels, counts and samples.
pub fn run(detector: &Detector, folders: &[String], samples: usize) {
    let mut counts: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    let mut bytes = 0;
    for folder in folders {
        let mut files = Vec::new();
        collect(Path::new(folder), &mut files);
        let step = (files.len() / 1500).max(1);
        let mut read = 0;
        for path in files.iter().step_by(step) {
            let Ok(text) = fs::read_to_string(path) else { continue };
            if read > ENOUGH {
                break;
            }
            read += text.len();
            for finding in detector.scan(&text, Hint::default()).findings {
                let (count, seen) = counts.entry(finding.rule.as_str().to_owned()).or_default();
                *count += 1;
                if seen.len() < samples {
                    let from = text.floor_char_boundary(finding.start.saturating_sub(60));
                    let line = text[from..finding.end].replace('\n', " ");
                    seen.push(line);
                }
            }
        }
        println!("{folder}: {:.1} MB", read as f64 / 1e6);
        bytes += read;
    }
    let mut ours = 0;
    for (rule, (count, seen)) in &counts {
        println!("{rule:36} {count:6}");
        for line in seen {
            println!("      …{line}");
        }
        let old = ["pii.email", "pii.url", "pii.ip", "pii.phone", "secret."];
        ours += if old.iter().any(|name| rule.starts_with(name)) { 0 } else { *count };
    }
    println!("RESULT identifiers_per_100_kb={:.3} in {:.1} MB", ours as f64 * 1e5 / bytes as f64, bytes as f64 / 1e6);
}
