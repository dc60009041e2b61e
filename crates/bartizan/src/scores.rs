//! Thresholds by label, from the configuration or the command line: read, and checked against what can be found.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use bartizan_detect::names::Kind;
use bartizan_detect::{Detector, Thresholds, basis_points, is_under, subjects};
use bartizan_policy::near;

use crate::words;

/// Names that are told where one is not known.
const NEAREST: usize = 3;

/// Labels that are told in one sentence.
const TOLD: usize = 8;

/// `LABEL=SCORE` of the command line.
pub fn threshold(text: &str) -> Result<(String, u16), String> {
    let (label, score) =
        text.split_once('=').filter(|(label, _)| !label.is_empty()).ok_or("give a label and a score, such as pii.phone=0.7")?;
    let score = score.parse().ok().and_then(basis_points).ok_or("give a number between 0 and 1 behind the `=`")?;
    Ok((label.to_owned(), score))
}

/// Those of the configuration.
///
/// # Errors
/// When one does not lie between 0 and 1.
pub fn thresholds(asked: &BTreeMap<String, f64>) -> Result<Thresholds> {
    let read = |(label, score): (&String, &f64)| {
        let score_bp =
            basis_points(*score).with_context(|| format!("the threshold of `{label}` is {score}; write a number from 0 to 1"))?;
        Ok((label.clone(), score_bp))
    };
    Ok(Thresholds::new(asked.iter().map(read).collect::<Result<Vec<_>>>()?))
}

/// The labels of the built-in rules.
///
/// # Errors
/// When they are broken, which the tests exclude.
pub fn built_in() -> Result<Vec<String>> {
    Ok(labels_of(&Detector::builtin().context("the built-in rules cannot be read")?))
}

/// The labels of a detector.
pub fn labels_of(detector: &Detector) -> Vec<String> {
    detector.labels().iter().map(|info| info.label.as_str().to_owned()).collect()
}

/// Everything that this build can find, and what a gate finds besides.
///
/// # Errors
/// When the built-in rules are broken, which the tests exclude.
pub fn labels(gate: &Detector) -> Result<Vec<String>> {
    let mut labels = built_in()?;
    labels.extend(labels_of(gate));
    labels.extend(Kind::ALL.map(|kind| kind.label().to_owned()));
    labels.extend(subjects::BUILTIN.map(|(name, _)| format!("subject.{name}")));
    labels.sort_unstable();
    labels.dedup();
    Ok(labels)
}

/// Refuses words that are neither a label nor a family of labels.
///
/// # Errors
/// Names those that are near.
pub fn known<'a>(words: impl Iterator<Item = &'a String>, labels: &[String]) -> Result<()> {
    for word in words {
        if labels.iter().any(|label| is_under(label, word)) {
            continue;
        }
        let with_families: Vec<&str> = labels.iter().flat_map(|label| families(label)).collect();
        let near: Vec<String> = near(word, &with_families).into_iter().take(NEAREST).map(|near| format!("`{near}`")).collect();
        match near.as_slice() {
            [] => bail!("there is no label `{word}`; `bartizan detect --labels` lists them"),
            near => bail!("there is no label `{word}`; did you mean {}?", near.join(" or ")),
        }
    }
    Ok(())
}

/// A label and the families that it is of.
fn families(label: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(label), |word| word.rsplit_once('.').map(|(family, _)| family))
}

/// Sentences about thresholds of the configuration that change nothing, or let nothing through.
pub fn without_effect(asked: &BTreeMap<String, f64>, gate: &Detector) -> Vec<String> {
    let found = labels_of(gate);
    let unused = |word: &&String| !words::is_looked_for(word, &found);
    let mut sentences: Vec<String> = asked
        .keys()
        .filter(unused)
        .map(|word| {
            let what = words::what_would_find(word);
            format!("`guard.thresholds` names what this gate does not look for: `{word}` ({what}); it holds for detection as a service")
        })
        .collect();
    let thresholds: Vec<(String, u16)> = asked.iter().filter_map(|(word, score)| Some((word.clone(), basis_points(*score)?))).collect();
    sentences.extend(out_of_reach(&thresholds, gate, "`guard.thresholds`: "));
    sentences
}

/// Sentences about thresholds above the highest score that a label can have: nothing of it would be found.
pub fn out_of_reach(asked: &[(String, u16)], detector: &Detector, whose: &str) -> Vec<String> {
    let chosen = Thresholds::new(asked.iter().cloned());
    let mut by_word: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for info in detector.labels() {
        let label = info.label.as_str();
        let (Some(word), Some(threshold_bp), Some(highest_bp)) =
            (chosen.deciding(label), chosen.of(label), detector.highest_score(&info.label))
        else {
            continue;
        };
        if threshold_bp > highest_bp {
            by_word.entry(word).or_default().push(format!("`{label}` scores {} at most", score(highest_bp)));
        }
    }
    let sentence = |(word, mut labels): (&str, Vec<String>)| {
        let threshold = score(chosen.of(word).unwrap_or_default());
        if labels.len() > TOLD {
            let more = format!("and {} more", labels.len() - TOLD);
            labels.truncate(TOLD);
            labels.push(more);
        }
        format!("{whose}with the threshold {threshold} of `{word}` some labels are never found: {}", labels.join(", "))
    };
    by_word.into_iter().map(sentence).collect()
}

fn score(basis_points: u16) -> String {
    format!("{:.2}", f64::from(basis_points) / 10_000.0)
}
