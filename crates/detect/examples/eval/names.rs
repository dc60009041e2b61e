//! Names in folders of code, documentation and logs: how many, and how fast.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bartizan_detect::names::{Kind, Names};
use bartizan_detect::{Detector, Hint};

use crate::learn::texts;
use crate::report::Report;

/// From this score on a name counts, in basis points.
const THRESHOLD_BP: u16 = 5_000;
/// How many names are shown.
const SHOWN: usize = 400;

/// Counts names in texts that should have none or few, per 100 KB, and measures the speed.
pub fn run(detector: &Detector, names: &Names, folders: &[PathBuf], report: &mut Report) {
    for folder in folders {
        let texts = texts(folder, true);
        let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        let mut seen: BTreeMap<(Kind, String), usize> = BTreeMap::new();
        let begun = processor();
        for (_, text) in &texts {
            for name in names.scan(text).iter().filter(|name| name.score_bp >= THRESHOLD_BP) {
                *kinds.entry(name.kind).or_default() += 1;
                *seen.entry((name.kind, text.get(name.start..name.end).unwrap_or_default().to_owned())).or_default() += 1;
            }
        }
        let alone = processor() - begun;
        let begun = processor();
        let both = detector.with_names(names.clone());
        let findings: usize = texts.iter().map(|(_, text)| both.scan(text, Hint::default()).findings.len()).sum();
        let together = processor() - begun;
        let per = |count: usize| count as f64 * 100_000.0 / bytes.max(1) as f64;
        let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{} {:.2}", kind.label(), per(*count))).collect();
        report.note(&format!(
            "Names in {} KB of ordinary files: {:.2} per 100 KB ({}); names alone {:.1} MB/s, with rules {:.1} MB/s of processor time, {findings} findings.",
            bytes / 1_000,
            per(kinds.values().sum()),
            list.join(", "),
            bytes as f64 / alone / 1e6,
            bytes as f64 / together / 1e6
        ));
        let mut most: Vec<_> = seen.into_iter().collect();
        most.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        most.iter().take(SHOWN).for_each(|((kind, text), count)| report.miss("names", &format!("{count} {} {text:?}", kind.label())));
    }
}

/// Seconds of processor time that this program used, where the system tells; other programs do not count.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum::<f64>() / 100.0
}
