//! Exact data match: what of a table is found in a text and what is not, and that it does not matter how a text arrives.

#![cfg(test)]

use std::sync::Arc;

use bartizan_detect::exact::{Builder, Built, Exact, Refusal, Settings};
use bartizan_detect::known::{IndexError, IndexKey, KnownScan};
use bartizan_detect::{Detector, Hint};
use bartizan_vocabulary::Finding;
use proptest::prelude::*;

const KEY: [u8; 32] = [42; 32];

/// A row: a value and what confirms it.
type Row = (&'static str, &'static [&'static str]);

const ROWS: &[Row] = &[
    ("4111 1111 1111 1111", &["Jane Q. Doe", "1040-ZX"]),
    ("AB-123456", &["Okafor", "Lisbon"]),
    ("Jürgen Großmann", &["Köln", "k7"]),
    ("harbour-7@lane.example", &["Mira", "Porto"]),
    ("王小明", &["北京", ""]),
    ("Therapist", &["clinic", "ward 9"]),
    ("Jane Q. Doe", &["Dublin", "77-120-3"]),
    ("Jane Q. Doe of Dublin", &["Harbour", "77-120-9"]),
];

fn built(rows: &[Row], settings: Settings) -> Result<Built, IndexError> {
    let columns = rows.iter().map(|(_, with)| with.len()).max().unwrap_or(0);
    let settings = Settings { columns: if settings.columns == 0 { columns } else { settings.columns }, ..settings };
    let mut builder = Builder::new(&IndexKey::new(KEY), settings)?;
    for (value, with) in rows {
        builder.add(value, with.iter().copied())?;
    }
    builder.finish()
}

fn loaded(bytes: Vec<u8>) -> Result<Exact, IndexError> {
    Exact::load(Arc::new(bytes), &IndexKey::new(KEY))
}

fn table(need: usize) -> Exact {
    loaded(built(ROWS, Settings { need, ..Settings::default() }).unwrap().bytes).unwrap()
}

#[track_caller]
fn check(exact: &Exact, text: &str, expected: &[&str]) {
    let findings = exact.scan(text);
    let found: Vec<&str> = findings.iter().map(|finding| text.get(finding.start..finding.end).unwrap()).collect();
    assert_eq!(found, expected, "{text:?}");
    assert_eq!(pieces(exact, &text.split("").filter(|piece| !piece.is_empty()).collect::<Vec<_>>()), findings, "{text:?} by character");
    for (at, _) in text.char_indices() {
        let (head, tail) = text.split_at(at);
        assert_eq!(pieces(exact, &[head, tail]), findings, "{text:?} at {at}");
    }
}

/// Scans pieces; nothing may be found in what was released before.
fn pieces(exact: &Exact, pieces: &[&str]) -> Vec<Finding> {
    let mut scan = KnownScan::exact(exact);
    let (mut found, mut taken, mut settled) = (Vec::new(), 0, 0);
    for piece in pieces {
        scan.push(piece);
        taken += piece.len();
        let before = found.len();
        scan.drain(&mut found);
        assert!(found[before..].iter().all(|finding: &Finding| finding.start >= settled && finding.end <= scan.settled()), "{pieces:?}");
        assert!(scan.settled() >= settled && scan.settled() <= taken, "{pieces:?}");
        settled = scan.settled();
    }
    scan.finish();
    let before = found.len();
    scan.drain(&mut found);
    assert!(found[before..].iter().all(|finding| finding.start >= settled), "{pieces:?}: found in what was released");
    assert_eq!(scan.settled(), taken);
    found
}

#[test]
fn values_alone() {
    let table = table(0);
    let cases: &[(&str, &[&str])] = &[
        ("card 4111 1111 1111 1111.", &["4111 1111 1111 1111"]),
        ("card 4111-1111-1111-1111,", &["4111-1111-1111-1111"]),
        ("(4111111111111111)", &["4111111111111111"]),
        ("4111\n1111 11 11 1111", &["4111\n1111 11 11 1111"]),
        ("４１１１ 1111 1111 1111", &["４１１１ 1111 1111 1111"]),
        ("card=4111%201111%201111%201111&x", &["4111%201111%201111%201111"]),
        ("24111 1111 1111 1111", &[]),
        ("4111 1111 1111 11112", &[]),
        ("4111 1111 1111 1111 2", &["4111 1111 1111 1111"]),
        ("4111 1111 1111 (and) 1111", &[]),
        ("4111 1111 1111         1111", &[]),
        ("ab123456", &["ab123456"]),
        ("AB 123 456", &["AB 123 456"]),
        ("id_AB_123456_x", &["AB_123456"]),
        ("xAB123456", &[]),
        ("Frau JÜRGEN  GROßMANN", &["JÜRGEN  GROßMANN"]),
        ("jürgen-großmann", &["jürgen-großmann"]),
        ("jürgengroßmann", &[]),
        ("Großmann, Jürgen", &[]),
        ("mail HARBOUR-7@lane.example!", &["HARBOUR-7@lane.example"]),
        ("我叫王小明。", &["王小明"]),
        ("the rapist, a therapist", &["therapist"]),
        ("Jane Q. Doe", &["Jane Q. Doe"]),
        ("Jane Q. Doe of Dublin", &["Jane Q. Doe of Dublin"]),
        ("Jane Q. Doe of Derry", &["Jane Q. Doe"]),
        ("Jane Q. Jane Q. Doe", &["Jane Q. Doe"]),
        ("\"first\": \"jane\\u0020q.\\u00a0doe\"", &["jane\\u0020q.\\u00a0doe"]),
        ("", &[]),
        ("nothing of it here", &[]),
    ];
    for (text, expected) in cases {
        check(&table, text, expected);
    }
}

#[test]
fn what_a_value_reaches_beyond_another_is_found_too() {
    let rows: &[Row] =
        &[("Anna Maria", &["Porto"]), ("Maria Theresa Smith", &["Lisbon"]), ("55 10 99", &["Porto"]), ("10 99 70", &["Porto"])];
    for need in [0, 1] {
        let exact = loaded(built(rows, Settings { need, ..Settings::default() }).unwrap().bytes).unwrap();
        check(&exact, "Lisbon: Anna Maria - Theresa Smith, Porto", &["Anna Maria", "Theresa Smith"]);
        check(&exact, "Porto 55-10-99-70", &["55-10-99", "70"]);
    }
    let exact = loaded(built(rows, Settings { need: 1, ..Settings::default() }).unwrap().bytes).unwrap();
    check(&exact, "Porto: Anna Maria Theresa Smith", &["Anna Maria"]);
    check(&exact, "Lisbon: Anna Maria Theresa Smith", &["Maria Theresa Smith"]);
}

#[test]
fn values_that_others_confirm() {
    let one = table(1);
    let far = |count: usize| format!("AB-123456 {}Okafor", "x ".repeat(count));
    let cases: &[(&str, &[&str])] = &[
        ("AB-123456", &[]),
        ("AB-123456 belongs to Okafor", &["AB-123456"]),
        ("OKAFOR: ab123456", &["ab123456"]),
        ("AB-123456 belongs to Mira", &[]),
        ("AB-123456 and 4111111111111111 of Jane Q Doe", &["4111111111111111"]),
        ("4111111111111111 of Jane Doe", &[]),
        ("Okafor AB-123456 AB-123456 Okafor", &["AB-123456", "AB-123456"]),
        // What lies inside the value itself confirms nothing.
        ("Jane Q. Doe of Dublin", &["Jane Q. Doe"]),
        ("Jane Q. Doe of Dublin, 77 120 9", &["Jane Q. Doe of Dublin"]),
    ];
    for (text, expected) in cases {
        check(&one, text, expected);
    }
    assert_eq!(one.scan(&far(145)).len(), 1);
    assert_eq!(one.scan(&far(148)).len(), 0);
    let before = |count: usize| format!("Okafor {}AB-123456", "é ".repeat(count));
    assert_eq!((one.scan(&before(146)).len(), one.scan(&before(148)).len()), (1, 0), "distances are in characters");
    // Far into a text, when words were forgotten.
    for words in [200, 255, 256, 257, 400, 3_000] {
        let (much, near, too_far) = ("y z ".repeat(words / 2), before(146), before(148));
        assert_eq!(one.scan(&format!("{much}{near} {much}{too_far} {much}{near}")).len(), 2, "after {words} words");
        let many = format!("{}{}", "AB-123456 ".repeat(words), near);
        assert_eq!(one.scan(&many).len(), 1 + 30.min(words), "after {words} values");
    }
    let two = table(2);
    check(&two, "AB-123456, Okafor", &[]);
    check(&two, "AB-123456, Okafor, Okafor", &[]);
    check(&two, "AB-123456, Okafor, Lisbon", &["AB-123456"]);
    // Values of two rows do not confirm each other.
    check(&two, "Jane Q. Doe, Dublin, 77-120-9", &[]);
    check(&two, "Jane Q. Doe, Dublin, 77-120-3", &["Jane Q. Doe"]);
}

#[test]
fn rows_that_cannot_be_looked_for_are_counted() {
    let many: Vec<Row> = (0..101).map(|_| ("common value", &["a1"][..])).chain([("4 2", &["x1"][..]), ("…", &["x1"][..])]).collect();
    let long: &'static str = Box::leak("long ".repeat(30).into_boxed_str());
    let rows: Vec<Row> = many.into_iter().chain([(long, &["x1"][..]), ("unconfirmed", &["x"][..])]).collect();
    let mut with_good = rows.clone();
    with_good.extend([("good value", &["good"][..]), ("Good-Value", &["GOOD"][..])]);
    let built_of = |rows: &[Row], most_rows| built(rows, Settings { need: 1, most_rows, ..Settings::default() });
    let made = built_of(&with_good, 100).unwrap();
    assert_eq!((made.rows, made.kept, made.repeated), (107, 1, 1));
    let refused: Vec<(Refusal, usize)> = Refusal::ALL.into_iter().zip(made.refused).collect();
    let expected = [(Refusal::Empty, 1), (Refusal::Short, 1), (Refusal::Long, 1), (Refusal::Common, 101), (Refusal::Unconfirmed, 1)];
    assert_eq!(refused, expected);
    assert_eq!(built_of(&with_good, 101).unwrap().kept, 2);
    assert_eq!(built_of(&rows, 100).err(), Some(IndexError::Empty));
}

#[test]
fn an_index_holds_no_plain_text_and_little_else() {
    let key = IndexKey::new(KEY);
    let mut builder = Builder::new(&key, Settings { columns: 2, need: 1, ..Settings::default() }).unwrap();
    for number in 0..20_000 {
        let (value, with) = (format!("customer {number} of many"), format!("street {number}"));
        builder.add(&value, [with.as_str(), "city"]).unwrap();
    }
    let made = builder.finish().unwrap();
    let each = made.bytes.len() / made.kept;
    assert!(each <= 40, "{each} bytes for each of {} rows", made.kept);
    for plain in ["customer", "street", "many"] {
        assert!(!made.bytes.windows(plain.len()).any(|part| part == plain.as_bytes()), "{plain}");
    }
    assert!(!made.bytes.windows(8).any(|part| part == &KEY[..8]), "the key is in the index");
    let exact = loaded(made.bytes.clone()).unwrap();
    assert_eq!(exact.scan("Customer 123 of many, street 123").len(), 1);
    assert_eq!(exact.scan("Customer 123 of many, street 124").len(), 0);
    assert_eq!(Exact::load(Arc::new(made.bytes), &IndexKey::new([1; 32])).err(), Some(IndexError::Key));
}

#[test]
fn a_damaged_index_is_refused() {
    let good = built(ROWS, Settings { need: 1, ..Settings::default() }).unwrap().bytes;
    for cut in (0..good.len()).step_by(97).chain([1, 8, 24, 31, good.len() - 1]) {
        let error = loaded(good[..cut].to_vec()).err().unwrap();
        assert!(matches!(error, IndexError::Form | IndexError::Length { .. }), "cut at {cut}: {error:?}");
    }
    for at in (0..good.len()).step_by(53) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(loaded(bad).is_err(), "byte {at} changed");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(matches!(loaded(longer).err(), Some(IndexError::Length { .. })));
    assert!(loaded(good).is_ok());
}

#[test]
fn what_is_found_beside_rules() {
    let detector = Detector::builtin().unwrap().with_exact(table(0));
    let found = |text: &str| -> Vec<(String, String)> {
        let scan = detector.scan(text, Hint::default());
        scan.findings.iter().map(|one| (one.label.as_str().to_owned(), text.get(one.start..one.end).unwrap().to_owned())).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    };
    let own = "proprietary.exact";
    let card = "pay 4111 1111 1111 1111 or ada@example.com";
    assert_eq!(found(card), pairs(&[(own, "4111 1111 1111 1111"), ("pii.email", "ada@example.com")]));
    assert_eq!(found("https://example.com/AB-123456/x"), pairs(&[(own, "AB-123456")]), "an inner finding takes a link's place");
    let key = "AKIAQ3EGRZ5L7XW2MB4T";
    let secret = format!("key {key} of AB-123456");
    assert_eq!(found(&secret), pairs(&[("secret.aws_access_key", key), (own, "AB-123456")]));
    let with_key = detector.with_exact(loaded(built(&[(key, &[])], Settings::default()).unwrap().bytes).unwrap());
    let labels: Vec<String> = with_key.scan(&secret, Hint::default()).findings.iter().map(|one| one.label.as_str().to_owned()).collect();
    assert_eq!(labels, ["secret.aws_access_key", own], "a secret keeps its place");
    // What is left of another finding stays one.
    assert_eq!(found("ab123456.smith@example.com"), pairs(&[(own, "ab123456"), ("pii.email", "smith@example.com")]));
    let builtin = Detector::builtin().unwrap();
    assert_ne!(detector.digest(), builtin.digest());
    assert_eq!(detector.labels().len(), builtin.labels().len() + 1);
}

/// Texts made of parts of values, so that much nearly matches.
fn text() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = ROWS.iter().flat_map(|(value, with)| std::iter::once(*value).chain(with.iter().copied())).collect();
    let parts = words.iter().flat_map(|value| value.split_inclusive([' ', '-'])).chain(words.iter().copied());
    let parts: Vec<&'static str> =
        parts.filter(|part| !part.is_empty()).chain([" ", "\n", "-", ", ", ".", "         ", "\\u00", "é", "%2", "会"]).collect();
    proptest::collection::vec(proptest::sample::select(parts), 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn however_a_text_is_cut(text in text(), cuts in proptest::collection::vec(1_usize..40, 1..20), need in 0_usize..3) {
        let table = table(need);
        let whole = table.scan(&text);
        let (mut rest, mut parts) = (text.as_str(), Vec::new());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (head, tail) = rest.split_at(rest.ceil_char_boundary((*cut).min(rest.len())));
            parts.push(head);
            rest = tail;
        }
        prop_assert_eq!(pieces(&table, &parts), whole);
    }

    #[test]
    fn any_bytes_as_an_index(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        bartizan_detect::exact::fuzz_exact(&data);
    }
}
