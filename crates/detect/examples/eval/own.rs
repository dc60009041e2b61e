//! The rules' own examples, all at once: `--examples` prints those that are not found and the counter-examples that are.

use std::process::ExitCode;

use bartizan_detect::{Detector, Hint, RuleFile};
use bartizan_vocabulary::Finding;

/// Prints what is wrong.
pub fn run(detector: &Detector, files: &[RuleFile]) -> ExitCode {
    let (mut tried, mut wrong) = (0, 0);
    for (file, rule) in files.iter().flat_map(|file| file.rules.iter().map(move |rule| (file, rule))) {
        for example in &rule.examples {
            let (text, scan) = (&example.text, detector.scan(&example.text, Hint::default()));
            let tell = |findings: &[Finding]| -> Vec<String> {
                findings
                    .iter()
                    .map(|finding| format!("{} {:?} {}", finding.rule, &text[finding.start..finding.end], finding.score_bp))
                    .collect()
            };
            tried += 1;
            let found = |finding: &Finding| finding.label.as_str() == file.label && text[finding.start..finding.end] == example.find;
            if !scan.findings.iter().any(found) {
                wrong += 1;
                println!("  missed {}: {text:?} found {:?}, below {:?}", rule.id, tell(&scan.findings), tell(&scan.below));
            }
        }
        for text in &rule.counter_examples {
            tried += 1;
            for finding in detector.scan(text, Hint::default()).findings.iter().filter(|finding| finding.rule.as_str() == rule.id) {
                wrong += 1;
                println!("  wrong {}: {:?} in {text:?}", rule.id, &text[finding.start..finding.end]);
            }
        }
    }
    println!("RESULT examples={tried} wrong={wrong}");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
