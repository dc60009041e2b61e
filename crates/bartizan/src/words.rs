//! The words that policies may name: what this build can find and serve, and labels that later detectors will give.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use bartizan_detect::Detector;
use bartizan_detect::names::Kind;
use bartizan_detect::subjects::Subjects;
use bartizan_policy::{KnownWords, PolicySet};
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
const GUARDS: &[&str] = &["detect", "pack", "policy"];

/// What policies name and this gate does not look for: a sentence for each such policy. Those of the built-in set are passed over, which
/// names everything that may be found.
///
/// # Errors
/// When the built-in rules are broken, which the tests exclude.
pub fn not_looked_for(policies: &PolicySet, gate: &Detector) -> Result<Vec<String>> {
    let labels = |detector: &Detector| -> Vec<String> { detector.labels().iter().map(|info| info.label.as_str().to_owned()).collect() };
    let found = labels(gate);
    let built_in = PolicySet::load(&bartizan_policy::default_sources()).context("the built-in policies cannot be read")?;
    let known: HashMap<_, _> = built_in.named_labels().collect();
    let mut sentences = Vec::new();
    for (id, named) in policies.named_labels().filter(|(id, named)| known.get(id) != Some(named)) {
        let missing: Vec<&str> = named.iter().map(String::as_str).filter(|word| !is_looked_for(word, &found)).collect();
        if missing.is_empty() {
            continue;
        }
        let mut by_remedy: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for word in missing {
            by_remedy.entry(what_would_find(word)).or_default().push(format!("`{word}`"));
        }
        let parts: Vec<String> = by_remedy.iter().map(|(what, words)| format!("{} ({what})", words.join(", "))).collect();
        sentences.push(format!("the policy `{id}` names what this gate does not look for: {}", parts.join("; ")));
    }
    Ok(sentences)
}

/// Whether anything of these labels is, or lies below, what a policy names.
pub fn is_looked_for(word: &str, found: &[String]) -> bool {
    if word == "uninspected" || word.starts_with("uninspected.") {
        return true;
    }
    match word.strip_suffix('*') {
        Some(beginning) => found.iter().any(|label| label.starts_with(beginning)),
        None => found.iter().any(|label| label.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))),
    }
}

/// What to write below `[guard]` so that a word is looked for.
pub fn what_would_find(word: &str) -> &'static str {
    let names: Vec<String> = Kind::ALL.iter().map(|kind| kind.label().to_owned()).collect();
    if is_looked_for(word, &names) {
        "needs `names = true` below `[guard]`"
    } else if word == "subject" || word.starts_with("subject.") {
        "needs `subjects` below `[guard]`"
    } else if OPEN.iter().any(|open| word.starts_with(open) || open.strip_suffix('.') == Some(word)) && !word.starts_with("phi") {
        "needs `own_rules`, `exact` or `fingerprints` below `[guard]`"
    } else {
        "nothing finds it yet"
    }
}

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
