//! Every rule against its own examples and counter-examples, in every disguise and at every split.
#![expect(clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

mod common;

use bartizan_detect::{Hint, Rule, RuleFile};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    each_disguised(|value| if value.contains('\\') { value.to_owned() } else { escaped(value, |c| format!("\\\\u{:04x}", u32::from(c))) });
}

/// Letters that look like these, as `chars` knows them.
const ALIKE: [(char, char); 14] = [
    ('A', 'А'),
    ('B', 'В'),
    ('E', 'Е'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('T', 'Т'),
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('o', 'о'),
    ('p', 'р'),
    ('x', 'х'),
    ('y', 'у'),
];

/// Every other letter that has a look-alike, none at the ends: those would take the ASCII letter away that tells them.
fn alike(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let other = |(at, c): (usize, char)| match ALIKE.iter().find(|(ascii, _)| *ascii == c) {
        Some((_, alike)) if at > 0 && at < last && at % 2 == 1 => *alike,
        _ => c,
    };
    value.chars().enumerate().map(other).collect()
}

fn mathematical(value: &str) -> String {
    let bold = |c: char| match c {
        'A'..='Z' => char::from_u32(u32::from(c) - u32::from('A') + 0x1D400),
        'a'..='z' => char::from_u32(u32::from(c) - u32::from('a') + 0x1D41A),
        '0'..='9' => char::from_u32(u32::from(c) - u32::from('0') + 0x1D7CE),
        _ => Some(c),
    };
    value.chars().filter_map(bold).collect()
}

fn with_digits(value: &str, zero: char) -> String {
    let digit = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(u32::from(zero) + digit)).unwrap_or(c);
    value.chars().map(digit).collect()
}

/// The digits of a value that has nothing but at least eight of them and what parts them.
fn digits_of(value: &str) -> Option<Vec<usize>> {
    let digits: Vec<usize> = value.chars().filter_map(|c| c.to_digit(10)).map(|digit| digit as usize).collect();
    let only = value.chars().all(|c| c.is_ascii_digit() || " -./".contains(c));
    (only && digits.len() >= 8).then_some(digits)
}

fn spelled(value: &str, words: [&str; 10], between: &str) -> Option<String> {
    Some(digits_of(value)?.into_iter().filter_map(|digit| words.get(digit).copied()).collect::<Vec<_>>().join(between))
}

/// Which share of the examples that a disguise fits is still found, under its label or another one, for people and for a floor. Where a
/// disguise takes the text around a value away, or its groups, a rule that needs them finds nothing.
fn share(name: &str, floor: usize, disguise: impl Fn(&str) -> Option<String>) {
    let (mut all, mut own, mut missed) = (0, 0, Vec::new());
    each(|file, rule| {
        for example in &rule.examples {
            let Some(value) = disguise(&example.find).filter(|value| *value != example.find) else { continue };
            all += 1;
            let text = example.text.replace(&example.find, &value);
            let scan = detector().scan(&text, Hint::default());
            let place = text.find(&value).map_or(0..0, |at| at..at + value.len());
            own += usize::from(
                scan.findings.iter().any(|it| it.label.as_str() == file.label && it.start == place.start && it.end == place.end),
            );
            if !scan.findings.iter().any(|it| it.start <= place.start && place.end <= it.end) {
                missed.push(format!("{}: {text:?} gives {:?}", rule.id, scan.findings));
            }
        }
    });
    let found = all - missed.len();
    println!("{name}: {found} of {all} examples found, {} %; {own} as themselves", found * 100 / all.max(1));
    assert!(all > 20 && found * 100 >= all * floor, "{name}: {found} of {all}, floor {floor} %\n{}", missed.join("\n"));
}

#[test]
fn letters_and_digits_of_other_alphabets_hide_little() {
    share("mathematical letters and digits", 100, |value| Some(mathematical(value)));
    share("Arabic digits", 100, |value| Some(with_digits(value, '\u{660}')));
    share("Devanagari digits", 100, |value| Some(with_digits(value, '\u{966}')));
    share("letters that look like others", 98, |value| Some(alike(value)));
}

#[test]
fn digits_apart_and_in_words_hide_little() {
    let english = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let german = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"];
    let chinese = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    share("digits apart, by a space", 85, |value| spelled(value, digits, " "));
    share("digits apart, by a dash", 85, |value| spelled(value, digits, "-"));
    share("English words", 85, |value| spelled(value, english, " "));
    share("German words", 85, |value| spelled(value, german, ", "));
    share("Chinese numerals", 85, |value| spelled(value, chinese, ""));
}

#[test]
fn hexadecimal_hides_little() {
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    let hex = |value: &str| value.bytes().flat_map(|byte| digit(byte >> 4).into_iter().chain(digit(byte & 15))).collect::<String>();
    share("hexadecimal", 59, |value| (value.len() >= 8).then(|| hex(value)));
    let base64 = |value: &str| STANDARD.encode(value);
    share("base64", 79, |value| (value.len() >= 12).then(|| base64(value)));
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
fn values_that_are_escaped_in_part_are_found_whole() {
    let lines = "MIIEpAIBAAKCAQEA7VJTUt9Us8cKjMzEfYyjiWA4R4%2FM2bS1GB4t7NXp98C3SC6d%0AVMvDuictGeurT8jNbvJZHtCSuYEvuNMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEo";
    let url = format!("-----BEGIN+PRIVATE+KEY-----%0D%0A{lines}%0A-----END+PRIVATE+KEY-----");
    let spaces = format!("-----BEGIN%20PRIVATE%20KEY-----%0A{lines}%0A-----END%20PRIVATE%20KEY-----");
    let html = spaces.replace("%0A", "&#10;").replace("%20", " ").replace("%2F", "/");
    let line = "MIIEpAIBAAKCAQEA7VJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6d";
    let java = format!(
        "-----BEGIN PRIVATE KEY-----\\n\" +\n            \"{line}\\n\" +\n            \"{line}\\n\" +\n  \"-----END PRIVATE KEY-----"
    );
    let named = html.replace("&#10;", "&NewLine;&Tab;");
    for (label, text, value) in [
        ("secret.private_key", format!("key={url}&x=1"), url.as_str()),
        ("secret.private_key", format!("key={spaces}&x=1"), spaces.as_str()),
        ("secret.private_key", format!("<k v='{html}'/>"), html.as_str()),
        ("secret.private_key", format!("<k v='{named}'/>"), named.as_str()),
        ("secret.private_key", format!("String k = \"{java}\";"), java.as_str()),
        ("pii.email", "to m%C3%BCller@harbour.example now".to_owned(), "m%C3%BCller@harbour.example"),
        ("pii.email", "mira&#00000000064;harbour.example".to_owned(), "mira&#00000000064;harbour.example"),
        ("pci.card", "4532%E2%80%8B812677354687".to_owned(), "4532%E2%80%8B812677354687"),
        ("pci.card", "4532&ndash;8126&ndash;7735&ndash;4687".to_owned(), "4532&ndash;8126&ndash;7735&ndash;4687"),
        ("secret.slack", "d=xoxd-abcDEF%2Bghi123JKL456mno%2FpqrSTU789%3D; x".to_owned(), "xoxd-abcDEF%2Bghi123JKL456mno%2FpqrSTU789%3D"),
    ] {
        assert!(found(label, &text).iter().any(|one| one == value), "{text} gives {:?}", found(label, &text));
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        assert_eq!(in_pieces(&text, &places, Hint::default()), detector().scan(&text, Hint::default()), "{text} cut everywhere");
    }
}

#[test]
fn nothing_of_a_secret_is_left() {
    let tail = format!("{}!tailsecret99", "AbCd1234".repeat(20));
    for (key, text, rest) in [
        (None, "AWS_CREDENTIALS=AKIAN4FVU2I5XX2BZN3K:WMYJc+fwFp64OJxA/6EgQaISMKsvrBsD37GL4Jay end".to_owned(), "AWS_CREDENTIALS= end"),
        (None, format!("token={tail} end"), "token= end"),
        (Some("password"), "aB3$xY9z,Qw7!rT5kk".to_owned(), ""),
        (Some("dbPassword"), "Kd7HZ5t6PHV (more) 99]xx".to_owned(), ""),
        (Some("Authorization"), "Bearer tb2d2lwzBDSQZFTuBxjnMUBLYLi1McPk".to_owned(), "Bearer "),
    ] {
        let scan = detector().scan(&text, Hint { key, ..Hint::default() });
        let mut left = text.clone();
        for finding in scan.findings.iter().rev() {
            left.replace_range(finding.start..finding.end, "");
        }
        assert_eq!(left, rest, "{text}: {:?}", scan.findings);
    }
}

#[test]
fn keys_are_compared_by_words() {
    for (key, text, expected) in [
        ("author", "jdoe1985xQ9z", 0),
        ("tokenizer", "cl100k_base", 0),
        ("authority", "login1x9Qz7w", 0),
        ("next_page_token", "CAoQtb2d2lwz1", 0),
        ("version", "4.18.0.305", 0),
        ("hotel_booking", "6285550143", 0),
        ("routing_number", "536224871", 0),
        ("authToken", "tb2d2lwzBDSQ", 1),
        ("dbpassword", "tb2d2lwzBDSQ", 1),
        ("DB_PASSWORDS", "tb2d2lwzBDSQ", 1),
        ("user_tel", "6285550143", 1),
    ] {
        let found = detector().scan(text, Hint { key: Some(key), ..Hint::default() }).findings;
        assert_eq!(found.len(), expected, "{key}: {found:?}");
    }
}

#[test]
fn labels_tell_what_the_files_hold() {
    let labels = detector().labels();
    let names: Vec<&str> = labels.iter().map(|info| info.label.as_str()).collect();
    for label in ["pii.email", "pii.phone", "pii.us_ssn", "pii.ip", "pii.url", "pci.card", "pci.iban", "secret.jwt", "secret.generic"] {
        assert!(names.contains(&label), "{label}");
    }
    assert!(labels.len() > 180, "{}", labels.len());
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")).expect("rules folder").count();
    assert_eq!(files, labels.len(), "one label a file");
}

#[test]
fn no_two_labels_share_a_kind_of_token() {
    let mut kinds: Vec<(String, String)> = detector().labels().into_iter().map(|info| (info.kind, info.label.to_string())).collect();
    kinds.sort();
    for pair in kinds.windows(2) {
        assert_ne!(pair[0].0, pair[1].0, "{} and {}", pair[0].1, pair[1].1);
    }
}

#[test]
fn checksums_tell_tokens_from_look_alikes() {
    for (text, rule) in [("npm_", "secret.npm"), ("ghp_", "secret.github")] {
        let checked = format!("{rule}.checked");
        let file = RuleFile::builtin().expect("rules").into_iter().find(|file| file.label == rule).expect("file");
        let example = &file.rules.iter().find(|rule| rule.id == checked).expect("rule").examples[0].find;
        assert!(example.starts_with(text));
        let by = |value: &str| detector().scan(value, Hint::default()).findings.first().map(|finding| finding.rule.to_string());
        assert_eq!(by(example).as_deref(), Some(checked.as_str()));
        let last = if example.ends_with('a') { "b" } else { "a" };
        let other = format!("{}{last}", &example[..example.len() - 1]);
        assert_eq!(by(&other).as_deref(), Some(rule), "{other}");
    }
}
