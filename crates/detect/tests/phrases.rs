//! Dictionaries: which phrases are found, and that it does not matter how a text arrives.

#![cfg(test)]

use bartizan_detect::known::KnownScan;
use bartizan_detect::phrases::{Dictionary, DictionaryError, Phrases};
use bartizan_detect::{Detector, Hint, RuleFile};
use bartizan_vocabulary::Finding;

fn dictionary(flags: &str) -> Dictionary {
    let words = "words = ['Project Falcon', 'blue heron', 'Falcon', 'Straße 9', 'he', '鷹計画', 'C++']";
    Dictionary::parse(&format!("[dictionary]\nlabel = 'custom.projects'\n{words}\n{flags}\n")).unwrap()
}

fn pieces(phrases: &Phrases, pieces: &[&str]) -> Vec<Finding> {
    let mut scan = KnownScan::phrases(phrases);
    let (mut found, mut taken, mut settled) = (Vec::new(), 0, 0);
    for piece in pieces {
        scan.push(piece);
        taken += piece.len();
        let before = found.len();
        scan.drain(&mut found);
        assert!(found[before..].iter().all(|one: &Finding| one.start >= settled && one.end <= scan.settled()), "{pieces:?}");
        assert!(scan.settled() >= settled && scan.settled() <= taken, "{pieces:?}");
        settled = scan.settled();
    }
    scan.finish();
    let before = found.len();
    scan.drain(&mut found);
    assert!(found[before..].iter().all(|one| one.start >= settled), "{pieces:?}: found in what was released");
    found
}

#[track_caller]
fn check(phrases: &Phrases, text: &str, expected: &[&str]) {
    let findings = phrases.scan(text);
    let found: Vec<&str> = findings.iter().map(|one| text.get(one.start..one.end).unwrap()).collect();
    assert_eq!(found, expected, "{text:?}");
    assert_eq!(pieces(phrases, &text.split("").filter(|piece| !piece.is_empty()).collect::<Vec<_>>()), findings, "{text:?} by character");
    for (at, _) in text.char_indices() {
        let (head, tail) = text.split_at(at);
        assert_eq!(pieces(phrases, &[head, tail]), findings, "{text:?} at {at}");
    }
}

#[test]
fn phrases_are_found_as_the_dictionary_says() {
    let texts =
        ["PROJECT  falcon, the falcons", "Project Falcon and Falcon", "The Blue Heron; STRASSE 9", "鷹計画へ", "c++ or C++", "", "t-he-m"];
    let cases: &[(&str, [&[&str]; 7])] = &[
        ("", [&["PROJECT  falcon"], &["Project Falcon", "Falcon"], &["Blue Heron"], &["鷹計画"], &[], &[], &["he"]]),
        ("ignore_case = false", [&[], &["Project Falcon", "Falcon"], &[], &["鷹計画"], &["C++"], &[], &["he"]]),
        (
            "whole_word = false",
            [&["falcon", "he", "falcon"], &["Project Falcon", "Falcon"], &["he", "Blue Heron"], &["鷹計画"], &["c++", "C++"], &[], &["he"]],
        ),
        ("whole_word = false\nignore_case = false", [&["he"], &["Project Falcon", "Falcon"], &["he"], &["鷹計画"], &["C++"], &[], &["he"]]),
    ];
    for (flags, expected) in cases {
        let mut dictionary = dictionary(flags);
        // By its form a phrase has letters only.
        dictionary.words.retain(|word| !flags.is_empty() || word != "C++");
        let phrases = Phrases::new(&dictionary).unwrap();
        for (text, expected) in texts.iter().zip(expected) {
            check(&phrases, text, expected);
        }
    }
}

#[test]
fn what_a_phrase_reaches_beyond_another_is_found_too() {
    for (flags, rest) in [("", "Theresa Smith"), ("ignore_case = false", " Theresa Smith"), ("whole_word = false", " Theresa Smith")] {
        let mut dictionary = dictionary(flags);
        dictionary.words = vec!["Anna Maria".to_owned(), "Maria Theresa Smith".to_owned(), "Smith".to_owned()];
        let phrases = Phrases::new(&dictionary).unwrap();
        check(&phrases, "To Anna Maria Theresa Smith, Maria Theresa Smith", &["Anna Maria", rest, "Maria Theresa Smith"]);
    }
}

#[test]
fn phrases_of_one_form_are_found_however_many_they_are() {
    let marks = |number: usize| (0..8).map(move |bit| if number >> bit & 1 == 1 { '-' } else { ' ' });
    let mut dictionary = dictionary("");
    dictionary.words = (0..200).map(|number| format!("a{}b", marks(number).collect::<String>())).collect();
    check(&Phrases::new(&dictionary).unwrap(), "see a-b", &["a-b"]);
}

#[test]
fn a_large_dictionary_is_made_and_found() {
    let mut large = dictionary("score = 0.75");
    large.words = (0..100_000).map(|number| format!("phrase number {number}")).collect();
    for whole_word in [true, false] {
        large.whole_word = whole_word;
        let phrases = Phrases::new(&large).unwrap();
        let findings = phrases.scan("see Phrase Number 77777 there");
        assert_eq!((findings.len(), findings[0].score_bp), (1, 7_500));
    }
}

#[test]
fn a_dictionary_that_cannot_be_used_is_told() {
    let parse = |text: &str| Dictionary::parse(text).err().map(|error| format!("{error:?}"));
    assert!(parse("[dictionary]\nlabel = 'a.b'\nwhole = true").unwrap().contains("unknown field `whole`"));
    assert!(parse("label = 'a.b'").is_some());
    let with = |change: fn(&mut Dictionary)| {
        let mut dictionary = dictionary("");
        dictionary.words.retain(|word| word != "C++");
        change(&mut dictionary);
        Phrases::new(&dictionary).err()
    };
    assert!(with(|_| {}).is_none());
    assert!(matches!(with(|one| one.label = "Projects".to_owned()), Some(DictionaryError::Label(_))));
    assert!(matches!(with(|one| one.score = 1.5), Some(DictionaryError::Score)));
    assert!(matches!(with(|one| one.score = -0.5), Some(DictionaryError::Score)));
    assert!(matches!(with(|one| one.words.clear()), Some(DictionaryError::Empty)));
    assert!(matches!(with(|one| one.words[2] = "?!".to_owned()), Some(DictionaryError::Phrase { number: 3, .. })));
    assert!(matches!(with(|one| one.words[2] = "x ".repeat(300)), Some(DictionaryError::Phrase { number: 3, .. })));
    let letters = |one: &mut Dictionary| one.whole_word = false;
    assert!(with(letters).is_none());
    let mut long = dictionary("whole_word = false");
    long.words.push("x".repeat(257));
    assert!(matches!(Phrases::new(&long), Err(DictionaryError::Phrase { number: 8, .. })));
}

const RULE: &str = r#"
label = "custom.ticket"
description = "Tickets."
threshold = 0.5
severity = "low"
[[rule]]
id = "custom.ticket"
keywords = ["tkt-"]
pattern = '''tkt-\d{6}'''
score = 0.9
source = "made up"
examples = [{ text = "see TKT-123456.", find = "TKT-123456" }, { text = "tkt-000001", find = "tkt-000001" }]
counter_examples = ["tkt-12345", "TKT-1234567"]
"#;

#[test]
fn examples_of_rules_are_tried() {
    let failed = |text: &str| -> Vec<String> {
        let files = [RuleFile::parse(text).unwrap()];
        Detector::from_rules(&files).unwrap().try_examples(&files).iter().map(ToString::to_string).collect()
    };
    assert_eq!(failed(RULE), Vec::<String>::new());
    assert_eq!(
        failed(&RULE.replace("\"tkt-000001\" }", "\"tkt-000002\" }")),
        ["rule `custom.ticket`: `tkt-000002` is not found, but `tkt-000001`, in the example `tkt-000001`"]
    );
    assert_eq!(
        failed(&RULE.replace("\"tkt-12345\"", "\"tkt-123456\"")),
        ["rule `custom.ticket`: `tkt-123456` is found in the counter-example `tkt-123456`"]
    );
}

#[test]
fn a_phrase_comes_before_a_rule() {
    let mut dictionary = dictionary("");
    dictionary.words = vec!["ada@example.com".to_owned()];
    let detector = Detector::builtin().unwrap().with_phrases(Phrases::new(&dictionary).unwrap());
    let scan = detector.scan("to Ada@Example.com", Hint::default());
    assert_eq!(scan.findings.len(), 1);
    assert_eq!(scan.findings[0].label.as_str(), "custom.projects");
    assert!(detector.label(&scan.findings[0].label).is_some());
}
