//! Operators: what stands in the place of a value, over a table and over the examples of all rules.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

#[expect(dead_code, reason = "what the other tests need")]
mod common;

use bartizan_detect::{
    Choice, CodePoints, Hint, Invented, Operator, OperatorKeys, Operators, RANDOM, RuleFile, SealKey, generalise, operate, placeholder,
    reveal,
};
use bartizan_vocabulary::Label;
use common::detector;

const WORDS: [u8; 32] = [9; 32];

/// A text with all that is found in it replaced.
fn made(text: &str, operators: &Operators, seal: Option<&SealKey>) -> String {
    let mut count = 0;
    let mut random = || {
        count += 1;
        Some([count; RANDOM])
    };
    let mut keys = OperatorKeys { words: &WORDS, seal, random: &mut random };
    let scan = detector().scan(text, Hint { tokens: true, ..Hint::default() });
    operate(text, (&scan.findings, &scan.tokens), operators, &mut keys)
}

/// Label and value of every example of every rule.
fn examples() -> Vec<(Label, String, String)> {
    let of = |file: RuleFile| -> Vec<_> {
        let all = file.rules.iter().flat_map(|rule| &rule.examples);
        all.map(|example| (Label::new(file.label.as_str()), example.text.clone(), example.find.clone())).collect()
    };
    RuleFile::builtin().unwrap().into_iter().flat_map(of).collect()
}

#[test]
fn generalised() {
    let table = [
        ("pii.date_of_birth", "1984-03-12", "[1984]"),
        ("pii.date_of_birth", "12. März 1984", "[1984]"),
        ("pii.date_of_birth", "1984年3月12日", "[1984]"),
        ("pii.date_of_birth", "03/12/84", "[REDACTED_DATE_OF_BIRTH]"),
        ("pii.date_of_birth", "19840312", "[REDACTED_DATE_OF_BIRTH]"),
        ("pii.date", "2031-04-17T09:30:00Z", "[2031]"),
        ("pii.age", "47-year-old", "[40-49]"),
        ("pii.age", "7 ans", "[0-9]"),
        ("pii.age", "93", "[90+]"),
        ("pii.ip", "93.184.216.34", "[93.184.216.x]"),
        ("pii.ip", "2a00:1450:4001:81b::200e", "[2a00:1450:4001 network]"),
        ("pii.postcode.uk", "SW1A 1AA", "[SW1A]"),
        ("pii.postcode.uk", "m1 1ae", "[M1]"),
        ("pii.postcode.de", "24937", "[24]"),
        ("pii.coordinates", "54.78412, -9.43561", "[54.7, -9.4]"),
        ("pii.coordinates", "-0.12345", "[-0.1]"),
        ("pii.coordinates", "54°47′03″N 9°26′08″E", "[REDACTED_COORDINATES]"),
        ("pii.email", "ada@example.com", "[EMAIL at example.com]"),
        ("pii.email", "ada%40example.com", "[EMAIL at example.com]"),
        ("pii.url", "https://u:p@example.com:81/a?b#c", "[URL at example.com]"),
        ("pii.url", "https://192.0.2.7/a", "[REDACTED_URL]"),
        ("pci.card", "4111 1111 1111 1111", "[VISA ending in 1111]"),
        ("pci.card", "378282246310005", "[AMEX ending in 0005]"),
        ("pci.card", "5555-5555-5555-4444", "[MASTERCARD ending in 4444]"),
        ("pci.card", "4111111111111111e2", "[REDACTED_CARD]"),
        ("pci.iban", "DE89 3704 0044 0532 0130 00", "[IBAN of DE]"),
        ("pii.us_ssn", "536-22-1846", "[REDACTED_US_SSN]"),
        ("pii.person", "Ada King", "[REDACTED_PERSON]"),
        ("secret.github", "ghp_x", "[REDACTED_GITHUB]"),
    ];
    for (label, value, expected) in table {
        assert_eq!(generalise(&Label::new(label), value), expected, "{label} {value}");
    }
}

#[test]
fn nothing_generalised_or_hashed_is_found_again_where_it_stands() {
    for operator in [Operator::Generalise, Operator::Hash] {
        let mut wrong = Vec::new();
        for (label, text, value) in examples() {
            let clean = made(&text, &Operators::new(operator), None);
            // What a label of its own says of the same text is none of this.
            let left = detector().scan(&clean, Hint::default()).findings;
            let again = left.iter().find(|finding| finding.label == label);
            // `user:password@` is what a URL with two words in it looks like still.
            if let Some(finding) = again.filter(|_| operator != Operator::Hash || label.as_str() != "secret.url_password") {
                wrong.push(format!("{label}: {text:?} became {clean:?}, where {finding:?}"));
            }
            let short = value.chars().count() < 5;
            if !short
                && clean.contains(&value)
                && detector().scan(&text, Hint::default()).findings.iter().any(|finding| finding.label == label)
            {
                wrong.push(format!("{label}: {value:?} stays in {clean:?}"));
            }
        }
        assert!(wrong.is_empty(), "{operator}\n{}", wrong.join("\n"));
    }
}

#[test]
fn surrogates_keep_the_form_and_are_nobodys() {
    let surrogate = Operators::new(Operator::Surrogate);
    // Text, the label that is still found (or none), and how the surrogate begins.
    let table = [
        ("pay 4532812677354687", Some("pci.card"), "pay 400000"),
        ("pay 4111-1111-1111-1111", Some("pci.card"), "pay 4000-00"),
        ("pay 378282246310005", Some("pci.card"), "pay 378282"),
        ("mail ada@example.com", Some("pii.email"), "mail user."),
        ("SSN 536-22-1846", None, "SSN 666-"),
        ("IBAN DE89 3704 0044 0532 0130 00", Some("pci.iban"), "IBAN DE"),
        ("IBAN GB29NWBK60161331926819", Some("pci.iban"), "IBAN DE"),
        ("from 93.184.216.34", Some("pii.ip"), "from "),
        ("from 2a00:1450:4001:81b::200e", Some("pii.ip"), "from 2001:db8:"),
        ("call (415) 982-7301", None, "call ("),
        ("see https://intranet.acme.com/x", Some("pii.url"), "see https://example.org/"),
    ];
    for (text, label, begins) in table {
        let first = made(text, &surrogate, None);
        assert!(first.starts_with(begins) && first != text, "{text} {first}");
        assert_eq!(first, made(text, &surrogate, None), "the same each time");
        let found = detector().scan(&first, Hint::default()).findings;
        assert_eq!(
            found.first().map(|finding| finding.label.as_str()).filter(|found| Some(*found) == label),
            label,
            "{text} {first} {found:?}"
        );
    }
    let phone = made("call (415) 982-7301", &surrogate, None);
    assert!(phone.contains(") 555-01") && phone.len() == "call (415) 982-7301".len(), "{phone}");
    let card = made("pay 4111-1111-1111-1111", &surrogate, None);
    assert_eq!(card.match_indices('-').map(|(at, _)| at).collect::<Vec<_>>(), [8, 13, 18], "{card}");
    let address = made("from 93.184.216.34", &surrogate, None);
    assert!(["from 192.0.2.", "from 198.51.100.", "from 203.0.113."].iter().any(|net| address.starts_with(net)), "{address}");
}

#[test]
fn one_value_has_one_surrogate_and_two_values_have_two() {
    let surrogate = Operators::new(Operator::Surrogate);
    let text = "4532812677354687 or 4532-8126-7735-4687, ada@example.com or ADA@example.com or bob@example.com";
    let clean = made(text, &surrogate, None);
    let words: Vec<&str> = clean.split([' ', ',']).collect();
    assert_eq!(words[0], words[2], "one value, however it is written: {clean}");
    assert_eq!(words[4], words[6], "{clean}");
    assert_ne!(words[4], words[8], "{clean}");
    // Never what stands in the text already, and never the same for two.
    let all: Vec<String> = (1..=200).map(|n| format!("93.184.{}.{}", n % 7 + 1, n)).collect();
    let clean = made(&all.join(" "), &surrogate, None);
    let distinct: std::collections::HashSet<&str> = clean.split(' ').collect();
    assert_eq!(distinct.len(), 200, "{clean}");
    let taken = made("mail ada@example.com", &surrogate, None);
    let again = made(&format!("mail ada@example.com, {}", taken.trim_start_matches("mail ")), &surrogate, None);
    assert!(!again.contains(taken.trim_start_matches("mail ")), "{taken} {again}");
    // No form: a token.
    let token = made("key AKIAIOSFODNN7EXAMPLE", &surrogate, None);
    assert!(token.starts_with("key AWSKEYID_"), "{token}");
}

#[test]
fn values_for_which_there_is_nothing_cost_no_more_than_others() {
    let cost = |label: &str, value: &dyn Fn(usize) -> String| {
        let (mut invented, label) = (Invented::new([1; 32]), Label::new(label));
        let began = std::time::Instant::now();
        let made = (0..5_000).filter(|n| invented.stand_in(&label, &value(*n)).is_some()).count();
        (made, began.elapsed())
    };
    let (all, usual) = cost("pii.email", &|n| format!("ada{n}@example.com"));
    assert_eq!(all, 5_000);
    // More addresses than there are for documentation, and what has no form.
    let (addresses, cost_of_addresses) = cost("pii.ip", &|n| format!("93.184.{}.{}", n / 250, n % 250 + 1));
    let (names, cost_of_names) = cost("pii.person", &|n| format!("Ada King the {n}th"));
    assert!((600..=762).contains(&addresses) && names == 0, "{addresses} {names}");
    assert!(cost_of_addresses < usual * 8 && cost_of_names < usual * 8, "{usual:?} {cost_of_addresses:?} {cost_of_names:?}");
}

#[test]
fn an_exchange_remembers_so_many_values_and_no_more() {
    let (mut invented, label) = (Invented::new([1; 32]), Label::new("pii.email"));
    let first = invented.stand_in(&label, "ada0@example.com");
    let made = (0..100_100).filter(|n| invented.stand_in(&label, &format!("ada{n}@example.com")).is_some()).count();
    assert_eq!(made, 100_000);
    assert_eq!(invented.stand_in(&label, "ada0@example.com"), first, "what is known stays");
}

#[test]
fn sealed_and_turned_back() {
    let key = SealKey::new(b"0123456789abcdef").unwrap();
    let mut wrong = Vec::new();
    for (_, text, _) in examples() {
        let sealed = made(&text, &Operators::new(Operator::Encrypt), Some(&key));
        if reveal(&sealed, &key).0 != text {
            wrong.push(format!("{text:?} {sealed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let text = "mail ada@example.com";
    let sealed = made(text, &Operators::new(Operator::Encrypt), Some(&key));
    assert!(sealed.starts_with("mail [SEALED:pii.email:"), "{sealed}");
    let other = SealKey::new(b"fedcba9876543210").unwrap();
    assert_eq!(reveal(&sealed, &other), (sealed.clone(), 0, 1), "another key");
    assert_eq!(reveal(&sealed.replace("pii.email", "pii.phone"), &key).1, 0, "another label");
    for text in ["[SEALED:", "[SEALED:pii.email", "[SEALED:pii.email:", "[SEALED:pii.email:AAAA", "a [SEALED:[SEALED:x] b", "é[SEALED:é:é]"]
    {
        assert_eq!(reveal(text, &key).0, text);
    }
    assert_eq!(reveal(&format!("[SEALED:{sealed}"), &key), (format!("[SEALED:{text}"), 1, 0));
    assert_eq!(made(text, &Operators::new(Operator::Encrypt), None), format!("mail {}", placeholder(&Label::new("pii.email"))), "no key");
}

#[test]
fn the_most_specific_operator_counts() {
    let mut operators = Operators::new(Operator::Mask);
    operators.name("pii", Operator::Redact);
    operators.name("pii.email", Operator::Hash);
    operators.name("pii.email", Operator::Generalise);
    for (label, operator) in [
        ("pii.email", Operator::Generalise),
        ("pii.emails", Operator::Redact),
        ("pci.card", Operator::Mask),
        ("pii.id.x", Operator::Redact),
    ] {
        assert_eq!(operators.of(label), operator, "{label}");
    }
    for word in ["redact", "mask", "keep_last:1", "keep_last:8", "generalise", "hash", "surrogate", "encrypt"] {
        assert_eq!(word.parse::<Operator>().unwrap().to_string(), word);
    }
    for word in ["keep_last:0", "keep_last:9", "keep_last", "Mask", ""] {
        assert!(word.parse::<Operator>().is_err(), "{word}");
    }
}

#[test]
fn a_lower_threshold_raises_and_never_overlaps() {
    let text = "call 4155550132 or 415-982-7301, mail ada@example.com, 2031-04-17";
    let scan = detector().scan(text, Hint::default());
    let count = scan.findings.len();
    assert!(!scan.below.is_empty(), "{scan:?}");
    for (least, more) in [(Some(0), true), (Some(10_000), false), (None, false)] {
        let (findings, _) = Choice { min_score_bp: least, only: Vec::new() }.of(scan.clone());
        assert_eq!(findings.len() > count, more, "{least:?} {findings:?}");
        assert!(findings.windows(2).all(|pair| pair[0].end <= pair[1].start), "{findings:?}");
    }
    let (findings, below) = Choice { min_score_bp: Some(0), only: vec!["pii.email".to_owned()] }.of(scan);
    assert_eq!((findings.len(), below.len()), (1, 0));
}

#[test]
fn offsets_both_ways() {
    let text = "aé😀b";
    let mut points = CodePoints::new(text);
    assert_eq!([0, 1, 3, 7, 8].map(|at| points.at(at)), [0, 1, 2, 3, 4]);
    let mut points = CodePoints::new(text);
    assert_eq!([0, 0, 2, 3, 4, 5].map(|at| points.byte(at)), [Some(0), Some(0), Some(3), Some(7), Some(8), None]);
}
