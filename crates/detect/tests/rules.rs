//! Every rule against its own examples and counter-examples, in every disguise and at every split.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

mod common;

use bartizan_detect::{Hint, Rule, RuleFile};
use common::{detector, in_pieces};

fn each(mut test: impl FnMut(&RuleFile, &Rule)) {
    for file in RuleFile::builtin().expect("rules") {
        for rule in &file.rules {
            test(&file, rule);
        }
    }
}

/// The parts of `text` that carry the label.
fn found(label: &str, text: &str) -> Vec<String> {
    let scan = detector().scan(text, Hint::default());
    scan.findings
        .iter()
        .filter(|finding| finding.label.as_str() == label)
        .map(|finding| text[finding.start..finding.end].to_owned())
        .collect()
}

/// Every example in a form made from it and its value must be found, as the same form of the value.
fn each_disguised(disguise: impl Fn(&str) -> String) {
    let mut missed = Vec::new();
    each(|file, rule| {
        for example in &rule.examples {
            let (text, value) = (example.text.replace(&example.find, &disguise(&example.find)), disguise(&example.find));
            let found = found(&file.label, &text);
            if !found.contains(&value) {
                missed.push(format!("{}: {text:?} gives {found:?}", rule.id));
            }
        }
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_example_is_found_exactly() {
    each_disguised(str::to_owned);
}

#[test]
fn no_counter_example_is_found() {
    let mut wrong = Vec::new();
    each(|file, rule| {
        for text in &rule.counter_examples {
            let scan = detector().scan(text, Hint::default());
            wrong.extend(
                scan.findings
                    .iter()
                    .filter(|finding| finding.rule.as_str() == rule.id)
                    .map(|finding| format!("{}: {:?} in {text:?}", rule.id, &text[finding.start..finding.end])),
            );
        }
        assert!(!file.description.is_empty());
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_are_found_inside_prose() {
    let mut missed = Vec::new();
    each(|file, rule| {
        for example in &rule.examples {
            let text = format!("Dear all, as said yesterday.\n{}\nKind regards, the team", example.text);
            if !found(&file.label, &text).contains(&example.find) {
                missed.push(format!("{}: {text:?}", rule.id));
            }
        }
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn zero_width_characters_hide_nothing() {
    each_disguised(|value| {
        let mut chars = value.chars();
        chars.next().map_or(String::new(), |first| first.to_string() + &chars.flat_map(|c| ['\u{200B}', c]).collect::<String>())
    });
}

#[test]
fn full_width_characters_hide_nothing() {
    each_disguised(|value| {
        value.chars().map(|c| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xFEE0).expect("full width") } else { c }).collect()
    });
}

/// Escapes each ASCII letter, digit and mark; white space and characters that other escapes begin with stay.
fn escaped(value: &str, escape: impl Fn(char) -> String) -> String {
    value.chars().map(|c| if c.is_ascii_graphic() && !"\\%&".contains(c) { escape(c) } else { c.to_string() }).collect()
}

#[test]
fn percent_escapes_hide_nothing() {
    each_disguised(
        |value| if value.contains(['\\', '%', '&']) { value.to_owned() } else { escaped(value, |c| format!("%{:02x}", u32::from(c))) },
    );
}

#[test]
fn html_entities_hide_nothing() {
    each_disguised(|value| if value.contains('\\') { value.to_owned() } else { escaped(value, |c| format!("&#{};", u32::from(c))) });
    each_disguised(|value| if value.contains('\\') { value.to_owned() } else { escaped(value, |c| format!("&#x{:X};", u32::from(c))) });
}

#[test]
fn json_escapes_hide_nothing() {
    each_disguised(|value| if value.contains('\\') { value.to_owned() } else { escaped(value, |c| format!("\\u{:04X}", u32::from(c))) });
}

#[test]
fn whole_texts_as_json_strings_hide_nothing() {
    each(|file, rule| {
        for example in &rule.examples {
            let json = |text: &str| serde_json::to_string(text).expect("json").trim_matches('"').to_owned();
            let (text, value) = (serde_json::to_string(&example.text).expect("json"), json(&example.find));
            let found = found(&file.label, &text);
            assert!(found.contains(&value), "{}: {text} gives {found:?}", rule.id);
        }
    });
}

#[test]
fn every_split_gives_the_whole() {
    let mut splits = 0;
    each(|_, rule| {
        for text in rule.examples.iter().map(|example| &example.text).chain(&rule.counter_examples) {
            let whole = detector().scan(text, Hint::default());
            for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                assert_eq!(in_pieces(text, &[cut], Hint::default()), whole, "{text:?} cut at {cut}");
                splits += 1;
            }
            let every: Vec<usize> = (1..text.len()).filter(|cut| text.is_char_boundary(*cut)).collect();
            assert_eq!(in_pieces(text, &every, Hint::default()), whole, "{text:?} cut everywhere");
        }
    });
    assert!(splits > 5_000, "{splits}");
}

#[test]
fn labels_tell_what_the_files_hold() {
    let labels = detector().labels();
    let names: Vec<&str> = labels.iter().map(|info| info.label.as_str()).collect();
    for label in ["pii.email", "pii.phone", "pii.us_ssn", "pii.ip", "pii.url", "pci.card", "pci.iban", "secret.jwt", "secret.generic"] {
        assert!(names.contains(&label), "{label}");
    }
    assert_eq!(labels.len(), 20);
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")).expect("rules folder").count();
    assert_eq!(files, labels.len(), "a rule file is not registered");
}
