//! Thresholds that somebody chose: what counts, what stays below, in whole texts and in pieces.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

#[expect(dead_code, reason = "what the other tests need")]
mod common;

use bartizan_detect::names::Names;
use bartizan_detect::subjects::Subjects;
use bartizan_detect::{Detector, Hint, Scan, Thresholds};
use bartizan_vocabulary::{Finding, Label};
use common::{detector, in_pieces_by};
use proptest::prelude::*;

const TEXT: &str = "write to ada@example.com or call 030 5550 1234, card 4111 1111 1111 1111, and ring +49 30 5550 1234";

fn with(thresholds: &[(&str, u16)]) -> Detector {
    let all = Thresholds::new(thresholds.iter().map(|(label, threshold_bp)| ((*label).to_owned(), *threshold_bp)));
    detector().with_names(Names::builtin().unwrap()).with_subjects(Subjects::builtin().unwrap()).unwrap().with_thresholds(&all)
}

fn shown(findings: &[Finding], text: &str) -> Vec<String> {
    findings.iter().map(|one| format!("{} {}", one.label, text.get(one.start..one.end).unwrap())).collect()
}

fn streamed(detector: &Detector, text: &str, size: usize) -> Scan {
    let cuts: Vec<usize> = (1..text.len()).step_by(size.max(1)).filter(|at| text.is_char_boundary(*at)).collect();
    in_pieces_by(detector, text, &cuts, Hint::default())
}

#[test]
fn a_finding_counts_from_the_threshold_of_its_label_on() {
    let national = "pii.phone 030 5550 1234";
    let scan = with(&[]).scan(TEXT, Hint::default());
    assert!(shown(&scan.findings, TEXT).contains(&national.to_owned()), "{scan:?}");
    for (thresholds, counts) in [
        (vec![("pii.phone", 8_600)], false),
        (vec![("pii", 8_600)], false),
        (vec![("pii", 9_900), ("pii.phone", 8_000)], true),
        (vec![("pii.phone", 8_000), ("pii", 9_900)], true),
        (vec![("pii.phones", 9_900), ("pii.phon", 9_900), ("pci", 9_900)], true),
    ] {
        let scan = with(&thresholds).scan(TEXT, Hint::default());
        let (found, below) = (shown(&scan.findings, TEXT), shown(&scan.below, TEXT));
        assert_eq!(found.contains(&national.to_owned()), counts, "{thresholds:?}: {found:?}");
        assert_eq!(below.contains(&national.to_owned()), !counts, "{thresholds:?}: {below:?}");
    }
}

#[test]
fn what_stays_below_by_itself_is_lifted() {
    let text = "invoice 6285550143 is here";
    assert_eq!(shown(&with(&[]).scan(text, Hint::default()).findings, text), Vec::<String>::new());
    let scan = with(&[("pii.phone", 3_000)]).scan(text, Hint::default());
    assert_eq!(shown(&scan.findings, text), ["pii.phone 6285550143"]);
}

#[test]
fn names_tables_and_subjects_have_thresholds_too() {
    let text = "Yesterday Mira Okafor met Daniel Brooks in Lisbon.";
    assert!(shown(&with(&[]).scan(text, Hint::default()).findings, text).contains(&"pii.person Mira Okafor".to_owned()));
    let none = with(&[("pii.person", 10_000), ("pii.location", 10_000)]).scan(text, Hint::default());
    assert!(none.findings.iter().all(|one| one.score_bp == 10_000), "{none:?}");
    let clause =
        "Either party may terminate this agreement upon written notice. The supplier shall indemnify the customer against all claims. ";
    let clauses = clause.repeat(8);
    let said = |thresholds: &[(&str, u16)]| with(thresholds).subjects(&[&clauses], None, &mut || true).unwrap().len();
    assert_eq!((said(&[]), said(&[("subject.contract", 10_000)]), said(&[("subject.health", 10_000)])), (1, 0, 1));
}

#[test]
fn thresholds_are_told_and_change_the_digest() {
    let info = |detector: &Detector, label: &str| detector.label(&Label::from(label)).unwrap().threshold_bp;
    let (plain, chosen) = (with(&[]), with(&[("pii.id", 9_000), ("subject", 9_000)]));
    assert_eq!((info(&plain, "pii.id.uk_nino"), info(&chosen, "pii.id.uk_nino"), info(&chosen, "pii.email")), (5_000, 9_000, 5_000));
    assert_eq!(info(&chosen, "subject.contract"), 9_000);
    assert_ne!(plain.digest(), chosen.digest());
    assert_ne!(chosen.digest(), with(&[("pii.id", 9_001), ("subject", 9_000)]).digest());
}

#[test]
fn the_highest_score_is_known() {
    let highest = |label: &str| with(&[]).highest_score(&Label::from(label));
    assert_eq!(highest("pii.email"), Some(9_500));
    assert_eq!(highest("pii.person"), Some(10_000));
    assert_eq!(highest("custom.nothing"), None);
    assert!(highest("subject.contract").is_some_and(|score| score > 8_000));
}

#[test]
fn nothing_scores_above_the_highest_score() {
    let names = with(&[]);
    for file in bartizan_detect::RuleFile::builtin().unwrap() {
        for example in file.rules.iter().flat_map(|rule| &rule.examples) {
            for found in names.scan(&example.text, Hint::default()).findings {
                let highest = names.highest_score(&found.label).unwrap();
                assert!(found.score_bp <= highest, "{}: {} of {highest}", found.label, found.score_bp);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_give_what_the_whole_gives(size in 1_usize..24, phone in 0_u16..=10_000, card in 0_u16..=10_000, all in 0_u16..=10_000) {
        let detector = with(&[("pii", all), ("pii.phone", phone), ("pci.card", card)]);
        let text = format!("{TEXT} {TEXT}");
        prop_assert_eq!(streamed(&detector, &text, size), detector.scan(&text, Hint::default()));
    }
}
