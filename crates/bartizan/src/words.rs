//! The words that policies may name: what this build can find and serve, and labels that later detectors will give.

use anyhow::{Context, Result};
use bartizan_detect::Detector;
use bartizan_detect::subjects::Subjects;
use bartizan_policy::KnownWords;
use bartizan_vocabulary::UninspectedKind;
use bartizan_wire::Route;

/// Labels that no rule finds yet. Policies may name them already, so that they hold on the day when something does.
const PLANNED: &[&str] = &[
    "pii.person",
    "pii.location",
    "pii.address",
    "pii.organization",
    "pii.nrp",
    "attack.prompt_injection",
    "attack.jailbreak",
    "attack.hidden_text",
    "attack.exfiltration",
];

/// Beginnings of labels that may be anything: an organisation's own, and the medical ones, of which there will be more.
const OPEN: &[&str] = &["custom.", "x.", "proprietary.", "phi.", "subject.custom."];

/// Guards as events name them.
const GUARDS: &[&str] = &["detect", "policy"];

/// Every word.
///
/// # Errors
/// When the built-in rules are broken, which the tests exclude.
pub fn known() -> Result<KnownWords> {
    let detector = Detector::builtin().context("the built-in rules cannot be read")?;
    let detector = detector.with_subjects(Subjects::builtin().context("the built-in subjects cannot be read")?)?;
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let found = detector.labels().into_iter().map(|info| info.label.as_str().to_owned());
    Ok(KnownWords {
        labels: found.chain(owned(PLANNED)).collect(),
        open: owned(OPEN),
        uninspected: UninspectedKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect(),
        routes: Route::ALL.iter().map(|route| route.name().to_owned()).collect(),
        guards: owned(GUARDS),
    })
}
