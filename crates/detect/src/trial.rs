//! Rules of a company's own, tried on their own examples before they are used.

use crate::detector::{Detector, Hint};
use crate::rules::RuleFile;

/// An example that fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {what} in the {kind} `{text}`")]
pub struct FailedExample {
    /// The rule.
    pub rule: String,
    /// `example` or `counter-example`.
    pub kind: &'static str,
    /// Its text.
    pub text: String,
    /// What is wrong.
    pub what: String,
}

impl Detector {
    /// Runs the examples and counter-examples of rule files that this detector was made with, among others.
    pub fn try_examples(&self, files: &[RuleFile]) -> Vec<FailedExample> {
        let mut failed = Vec::new();
        for (file, rule) in files.iter().flat_map(|file| file.rules.iter().map(move |rule| (file, rule))) {
            let found = |text: &str, all: bool| -> Vec<String> {
                let findings = self.scan(text, Hint::default()).findings;
                let of = findings.iter().filter(|one| if all { one.label.as_str() == file.label } else { one.rule.as_str() == rule.id });
                of.map(|one| text.get(one.start..one.end).unwrap_or_default().to_owned()).collect()
            };
            let mut fail = |kind, text: &str, what| failed.push(FailedExample { rule: rule.id.clone(), kind, text: text.to_owned(), what });
            for example in &rule.examples {
                let values = found(&example.text, true);
                if !values.contains(&example.find) {
                    let instead = if values.is_empty() { "nothing".to_owned() } else { format!("`{}`", values.join("`, `")) };
                    fail("example", &example.text, format!("`{}` is not found, but {instead},", example.find));
                }
            }
            for text in &rule.counter_examples {
                if let Some(value) = found(text, false).first() {
                    fail("counter-example", text, format!("`{value}` is found"));
                }
            }
        }
        failed
    }
}
