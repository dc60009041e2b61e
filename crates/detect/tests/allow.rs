//! Values that are not reported because somebody said so: in whole texts and in pieces.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

#[expect(dead_code, reason = "what the other tests need")]
mod common;

use bartizan_detect::names::Names;
use bartizan_detect::{AllowEntry, AllowError, AllowList, AllowedValue, Detector, Hint, LONGEST_ALLOWED, MOST_ALLOWED, Scan};
use bartizan_vocabulary::Hidden;
use common::{detector, in_pieces_by};
use proptest::prelude::*;

fn exact(label: Option<&str>, value: &str) -> AllowEntry {
    AllowEntry { label: label.map(str::to_owned), value: AllowedValue::Exact(Hidden::new(value.to_owned())) }
}

fn pattern(label: &str, pattern: &str) -> AllowEntry {
    AllowEntry { label: Some(label.to_owned()), value: AllowedValue::Pattern(pattern.to_owned()) }
}

fn allowing(entries: &[AllowEntry]) -> Detector {
    detector().with_allowed(&AllowList::new(entries).unwrap())
}

fn found(detector: &Detector, text: &str) -> Vec<String> {
    let scan = detector.scan(text, Hint::default());
    scan.findings.iter().map(|one| format!("{} {}", one.label, &text[one.start..one.end])).collect()
}

const SUPPORT: &str = "support@acme.example";
const URL: &str = "https://acme.example/pay?to=support@acme.example";
/// A key whose form is known; in parts where a scanner could take it for a real one.
const KEY: &str = concat!("gh", "p_kJwpyC5HTJ7M0wSzaRuwkMqcZa2rtf2W9Zr2");

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7VJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6d";

fn streamed(detector: &Detector, text: &str, size: usize) -> Scan {
    let cuts: Vec<usize> = (1..text.len()).step_by(size.max(1)).filter(|at| text.is_char_boundary(*at)).collect();
    in_pieces_by(detector, text, &cuts, Hint::default())
}

/// Entries, a text, and what is found in it.
#[test]
fn what_is_allowed_is_not_found() {
    let token = format!("token {KEY}");
    let key_found = format!("secret.github {KEY}");
    let inside = format!("https://acme.example/{KEY}");
    let private = format!("secret.private_key {PRIVATE}");
    let rows: Vec<(Vec<AllowEntry>, &str, Vec<&str>)> = vec![
        (vec![], "to support@acme.example", vec!["pii.email support@acme.example"]),
        // Exact, with a label, with a family, with another label.
        (vec![exact(None, SUPPORT)], "to support@acme.example and ada@acme.example", vec!["pii.email ada@acme.example"]),
        (vec![exact(Some("pii.email"), SUPPORT)], "to support@acme.example", vec![]),
        (vec![exact(Some("pii"), SUPPORT)], "to support@acme.example", vec![]),
        (vec![exact(Some("pii.phone"), SUPPORT)], "to support@acme.example", vec!["pii.email support@acme.example"]),
        // However it is written.
        (vec![exact(None, "Support@ACME.example")], "to SUPPORT@acme.example or support%40acme.example", vec![]),
        (vec![exact(None, "4111111111111111")], "pay 4111 1111 1111 1111, 4111-1111-1111-1111", vec![]),
        (vec![exact(Some("pci"), "4111 1111 1111 1111")], "pay 4111111111111111", vec![]),
        (vec![exact(None, "+49 30 5550 1234")], "call 0049 30 55501234", vec![]),
        // The number in a value with words is another value, unless somebody says that it is meant.
        (vec![exact(None, "order 4111111111111111")], "pay 4111111111111111", vec!["pci.card 4111111111111111"]),
        (vec![exact(Some("pci.card"), "card 4111111111111111")], "pay 4111111111111111", vec![]),
        // The whole value only, and what reaches over it stays.
        (vec![exact(None, SUPPORT)], "to xsupport@acme.example", vec!["pii.email xsupport@acme.example"]),
        (vec![exact(None, SUPPORT)], "to support@acme.example.evil.example", vec!["pii.email support@acme.example.evil.example"]),
        (vec![exact(None, SUPPORT)], URL, vec!["pii.url https://acme.example/pay?to=support@acme.example"]),
        (vec![exact(None, "acme.example")], "to support@acme.example", vec!["pii.email support@acme.example"]),
        // What lies inside: all of it where the value is named for every label, what is weaker where a label is named.
        (vec![exact(None, URL)], URL, vec![]),
        (vec![exact(Some("pii.url"), URL)], URL, vec!["pii.email support@acme.example"]),
        (vec![pattern("pii.url", r"https://acme\.example/.*")], URL, vec!["pii.email support@acme.example"]),
        (vec![exact(Some("pii.email"), SUPPORT), exact(Some("pii.url"), URL)], URL, vec![]),
        // Patterns: of the whole value, in any letter case.
        (
            vec![pattern("pii.email", r".*@acme\.example")],
            "to Ada@ACME.example and eve@acme.example.net",
            vec!["pii.email eve@acme.example.net"],
        ),
        (vec![pattern("pii.email", r"ada|support@acme\.example")], "to support@acme.example", vec![]),
        (vec![pattern("pii.email", r"ada|support@acme")], "to support@acme.example", vec!["pii.email support@acme.example"]),
        (vec![pattern("pii.phone", r".*@acme\.example")], "to ada@acme.example", vec!["pii.email ada@acme.example"]),
        // Secrets only where they are named.
        (vec![exact(None, KEY)], &token, vec![&key_found]),
        (vec![exact(Some("secret"), KEY)], &token, vec![]),
        (vec![exact(Some("secret.github"), KEY)], &token, vec![]),
        (vec![pattern("pii.url", "https://acme.*")], &inside, vec![&key_found]),
        (vec![exact(None, &inside)], &inside, vec![&key_found]),
        // What begins a long finding, and what is read out of base64 or digits, is never allowed.
        (
            vec![exact(Some("secret"), PRIVATE), exact(Some("secret"), &PRIVATE[..27]), pattern("secret", "(?s)-----BEGIN.*")],
            PRIVATE,
            vec![&private],
        ),
        (
            vec![exact(None, "4111111111111111"), exact(None, "NDExMTExMTExMTExMTExMQ==")],
            "card: NDExMTExMTExMTExMTExMQ==",
            vec!["pci.card NDExMTExMTExMTExMTExMQ=="],
        ),
        (
            vec![exact(None, "4111111111111111")],
            "card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ok",
            vec!["pci.card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"],
        ),
    ];
    for (entries, text, expected) in rows {
        let detector = allowing(&entries);
        assert_eq!(found(&detector, text), expected, "{entries:?}: {text}");
        for size in [1, 2, 3, 7] {
            assert_eq!(streamed(&detector, text, size), detector.scan(text, Hint::default()), "{text} in pieces of {size}");
        }
    }
}

#[test]
fn what_stays_below_its_threshold_is_dropped_too() {
    let text = "4155550132";
    assert_eq!(detector().scan(text, Hint::default()).below.len(), 1);
    assert_eq!(allowing(&[exact(None, "415-555-0132")]).scan(text, Hint::default()), Scan::default());
}

#[test]
fn names_are_allowed_like_anything_else() {
    let text = "Yesterday Mira Okafor met Daniel Brooks.";
    let named = |entries: &[AllowEntry]| {
        found(&detector().with_names(Names::builtin().unwrap()).with_allowed(&AllowList::new(entries).unwrap()), text)
    };
    assert!(named(&[]).contains(&"pii.person Mira Okafor".to_owned()));
    let left = named(&[exact(Some("pii.person"), "Mira Okafor")]);
    assert!(!left.contains(&"pii.person Mira Okafor".to_owned()) && left.contains(&"pii.person Daniel Brooks".to_owned()), "{left:?}");
}

#[test]
fn a_list_is_a_part_of_the_digest() {
    let digest = |entries: &[AllowEntry]| allowing(entries).digest();
    let digests = [
        digest(&[]),
        digest(&[exact(None, SUPPORT)]),
        digest(&[exact(Some("pii"), SUPPORT)]),
        digest(&[pattern("pii", SUPPORT)]),
        digest(&[exact(None, SUPPORT), exact(None, "x")]),
        digest(&[exact(None, "support"), exact(None, "@acme.example")]),
    ];
    assert_eq!(digests[0], detector().digest());
    for (at, one) in digests.iter().enumerate() {
        assert!(!digests[..at].contains(one), "{at}");
    }
}

#[test]
fn entries_that_are_not_good() {
    let refused = |entries: &[AllowEntry]| AllowList::new(entries).unwrap_err();
    let good = || exact(None, SUPPORT);
    assert_eq!(refused(&[good(), exact(None, " ")]), AllowError::Empty { entry: 2 });
    assert_eq!(refused(&[exact(None, &"a".repeat(LONGEST_ALLOWED + 1))]), AllowError::Long { entry: 1 });
    assert_eq!(refused(&vec![good(); MOST_ALLOWED + 1]), AllowError::Many { count: MOST_ALLOWED + 1 });
    assert!(matches!(refused(&vec![exact(None, &"a".repeat(LONGEST_ALLOWED)); 1_000]), AllowError::Large { .. }));
    let unlabelled = AllowEntry { label: None, value: AllowedValue::Pattern("a+".to_owned()) };
    assert_eq!(refused(&[unlabelled]), AllowError::Unlabelled { entry: 1 });
    for everything in [".*", "a?", "", "(a|)", "x*"] {
        let error = refused(&[good(), good(), pattern("pii", everything)]);
        assert!(matches!(error, AllowError::Everything { entry: 3 } | AllowError::Empty { entry: 3 }), "{everything}: {error}");
    }
    for looks in ["^a", "a$", r"\ba", r"(?m)a$"] {
        assert_eq!(refused(&[pattern("pii", looks)]), AllowError::Looks { entry: 1 }, "{looks}");
    }
    for broken in ["(", "a)(b", "[", r"(?=a)b", r"(a)\1", "(?x)a #", r"\pL"] {
        assert!(matches!(refused(&[pattern("pii", broken)]), AllowError::Pattern { entry: 1, .. }), "{broken}");
    }
    let huge = refused(&[pattern("pii", "((a{1,500}){1,500}){1,500}")]);
    assert!(matches!(huge, AllowError::Size | AllowError::Pattern { .. }), "{huge}");
    let many: Vec<AllowEntry> = (0..200).map(|number| pattern("pii", &format!("{number}([a-z0-9]{{1,500}}x){{1,20}}"))).collect();
    assert_eq!(refused(&many), AllowError::Size);
    for error in [refused(&[good(), exact(None, "")]), refused(&[pattern("pii", "(")])] {
        assert!(error.to_string().starts_with("entry "), "{error}");
    }
    assert!(!format!("{:?}", AllowList::new(&[good()]).unwrap()).contains("support"));
}

/// Rules whose matches make a row: each begins inside the one before; and a value with another one in it.
const ROW: &str = r#"
label = "custom.row"
description = "Made up."
threshold = 0.5
severity = "medium"

[[rule]]
id = "custom.row.a"
keywords = ["aa"]
pattern = 'aa[^c]{1,400}c'
left = "any"
right = "any"
score = 0.9
source = "made up"
examples = [{ text = "aa.c", find = "aa.c" }, { text = "aa..c", find = "aa..c" }]
counter_examples = ["a", "c"]

[[rule]]
id = "custom.row.b"
keywords = ["bb"]
pattern = 'bb[^d]{1,400}d'
left = "any"
right = "any"
score = 0.9
source = "made up"
examples = [{ text = "bb.d", find = "bb.d" }, { text = "bb..d", find = "bb..d" }]
counter_examples = ["b", "d"]
"#;

const HELD: &str = r#"
label = "custom.held"
description = "Made up."
threshold = 0.5
severity = "medium"

[[rule]]
id = "custom.held.outer"
keywords = ["kk"]
pattern = 'kk[a-z]{24}'
left = "any"
right = "any"
score = 0.9
source = "made up"
examples = [{ text = "kkdeeeeeeeeeeeeeeeeeeeeeee", find = "kkdeeeeeeeeeeeeeeeeeeeeeee" }, { text = "kkeeeeeeeeeeeeeeeeeeeeeeee", find = "kkeeeeeeeeeeeeeeeeeeeeeeee" }]
counter_examples = ["k", "e"]

[[rule]]
id = "custom.held.inner"
keywords = ["zz"]
pattern = 'zz[a-z]{4}'
left = "any"
right = "group"
score = 0.9
source = "made up"
examples = [{ text = "zzeeee", find = "zzeeee" }, { text = "zzffff", find = "zzffff" }]
counter_examples = ["z", "f"]
"#;

/// An allowed value at the place where a long row of overlaps is cut, with a match in it that begins behind that
/// place, or is decided after it: what follows it is asked for.
#[test]
fn what_lies_inside_goes_with_it_where_a_row_is_cut() {
    let files = [ROW, HELD].map(|text| bartizan_detect::RuleFile::parse(text).unwrap());
    let rules = Detector::from_rules(&files).unwrap();
    let (value, inner) = ("kkdeeeeeeeeeeeeeeeeezzeeee", "custom.held zzeeee");
    let allowing = |label| rules.with_allowed(&AllowList::new(&[exact(label, value)]).unwrap());
    for at in 1_000..1_040 {
        let mut row = vec![b'.'; at];
        for (place, letters) in [(0, "aa"), (300, "bb"), (310, "c"), (600, "aa"), (610, "d"), (900, "bb"), (910, "c")] {
            row[place..place + letters.len()].copy_from_slice(letters.as_bytes());
        }
        let text = String::from_utf8(row).unwrap() + value + " And zzeeee";
        assert!(found(&rules, &text).len() > 2, "{at}");
        for detector in [allowing(None), allowing(Some("custom.held"))] {
            let whole = found(&detector, &text);
            assert_eq!(whole.iter().filter(|one| *one == inner).count(), 1, "{at}: {whole:?}");
            assert!(!whole.iter().any(|one| one.contains(value)), "{at}: {whole:?}");
            for size in [1, 5, 600] {
                assert_eq!(streamed(&detector, &text, size), detector.scan(&text, Hint::default()), "{at} in pieces of {size}");
            }
        }
    }
}

const PIECES: &[&str] = &[
    "support@acme.example",
    "ada@acme.example",
    "https://acme.example/",
    "4111 1111 1111 1111",
    "4111111111111111",
    "+49 30 5550 1234",
    " ",
    ", ",
    "\n",
    "x",
    "call ",
    "password: ",
    "NDExMTExMTExMTExMTExMQ==",
    PRIVATE,
    "support%40acme.example",
    "４１１１１１１１１１１１１１１１",
    "?q=",
    "&",
    "EMAIL_7Q2F9KXD4M",
    "Mira Okafor",
    "@",
    ".",
    "1",
];

fn texts(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 1..most).prop_map(|pieces| pieces.concat())
}

fn entries() -> impl Strategy<Value = Vec<AllowEntry>> {
    let all = [
        exact(None, SUPPORT),
        exact(None, "4111111111111111"),
        exact(Some("pii.phone"), "+49 30 5550 1234"),
        exact(None, "https://acme.example/"),
        pattern("pii.email", r".*@acme\.example"),
        pattern("pii.url", r"https://acme\.example/.*"),
        exact(Some("secret"), "support@acme.example"),
    ];
    prop::sample::subsequence(all.to_vec(), 1..all.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn pieces_give_what_the_whole_gives(text in texts(30), size in 1_usize..24, entries in entries(), named in any::<bool>()) {
        let base = if named { detector().with_names(Names::builtin().unwrap()) } else { detector().clone() };
        let detector = base.with_allowed(&AllowList::new(&entries).unwrap());
        let whole = detector.scan(&text, Hint::default());
        prop_assert_eq!(&streamed(&detector, &text, size), &whole);
        prop_assert_eq!(&detector.explain(&text, Hint::default()).scan, &whole);
    }

    /// Matches that overlap in a row longer than what is resolved at once.
    #[test]
    fn long_rows_of_overlaps(text in texts(200), size in 1_usize..600, entries in entries()) {
        let text = text.replace([' ', '\n', ','], "");
        let detector = allowing(&entries);
        prop_assert_eq!(streamed(&detector, &text, size), detector.scan(&text, Hint::default()));
    }

    /// What no entry speaks of is found as before.
    #[test]
    fn others_are_found_as_before(text in texts(30)) {
        let detector = allowing(&[exact(None, "nobody@nowhere.example"), pattern("pii.email", r"nobody@.+")]);
        prop_assert_eq!(detector.scan(&text, Hint::default()), common::detector().scan(&text, Hint::default()));
    }
}
