//! Why a text gives the findings that it gives.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, reason = "helpers of tests; cuts are on character boundaries")]

#[expect(dead_code, reason = "what the other tests need")]
mod common;

use bartizan_detect::names::Names;
use bartizan_detect::phrases::{Dictionary, Phrases};
use bartizan_detect::{
    AllowEntry, AllowList, AllowedValue, Detector, Explained, Hint, Moved, Outcome, Reading, RuleFile, Source, Threshold, Thresholds, Why,
};
use bartizan_vocabulary::Hidden;
use common::detector;
use proptest::prelude::*;

/// A line about a match: `rule value: what became of it; base, what moved it, score; checks; threshold and where it is from; reading`.
fn line(why: &Why, text: &str) -> String {
    let finding = &why.finding;
    let outcome = match &why.outcome {
        Outcome::Reported => "reported".to_owned(),
        Outcome::Below => "below".to_owned(),
        Outcome::Allowed => "allowed".to_owned(),
        Outcome::Wordless => "wordless".to_owned(),
        Outcome::Lost(lost) => format!("lost to {} by {:?}", lost.to.rule, lost.by),
        Outcome::Failed(check) => format!("fails {check:?}"),
        Outcome::Negative(word) => format!("`{word}`"),
    };
    let moved = match &why.moved {
        Some(Moved::Word(place, word)) => format!(" {place:?} `{word}`"),
        Some(Moved::Inside) => " inside".to_owned(),
        None => String::new(),
    };
    let base = why.base_bp.map_or_else(|| format!("{:?}", why.source), |base| base.to_string());
    let threshold = match &why.threshold {
        Threshold::Label => format!("{} of the label", why.threshold_bp),
        Threshold::Chosen(word) => format!("{} of {word}", why.threshold_bp),
    };
    let reading = if why.reading == Reading::Plain { String::new() } else { format!("; {:?}", why.reading) };
    let part = if why.part_of.is_some() { "; part" } else { "" };
    let value = text.get(finding.start..finding.end).unwrap();
    let (rule, score, checks) = (&finding.rule, finding.score_bp, &why.checks);
    format!("{rule} {value}: {outcome}; {base}{moved} -> {score}; {checks:?}; {threshold}{reading}{part}")
}

fn lines(explained: &Explained, text: &str) -> Vec<String> {
    explained.whys.iter().map(|why| line(why, text)).collect()
}

const CARD: &str = "4111 1111 1111 1111";

/// A text, the key it stands under, and lines that must be among what is said of it.
const SAID: &[(&str, Option<&str>, &[&str])] = &[
    ("write to ada@example.com now", None, &["pii.email ada@example.com: reported; 9500 -> 9500; [Email]; 5000 of the label"]),
    (
        "call 415 555 0132 now, 4155550132",
        None,
        &["pii.phone.north_america_plain 4155550132: reported; 3000 Before `call` -> 7000; [PhonePlain]; 5000 of the label"],
    ),
    (
        "4155550132",
        None,
        &[
            "pii.phone.turkey_plain 4155550132: below; 3000 -> 3000; [PhonePlain]; 5000 of the label",
            "pii.phone.north_america_plain 4155550132: lost to pii.phone.turkey_plain by Order; 3000 -> 3000; [PhonePlain]; 5000 of the label",
            "pii.id.tr_tax 4155550132: fails TrTax; 2500 -> 0; []; 5000 of the label",
        ],
    ),
    (
        "4155550132",
        Some("mobilePhone"),
        &["pii.phone.north_america_plain 4155550132: reported; 3000 Key `mobile` -> 7000; [PhonePlain]; 5000 of the label"],
    ),
    (
        "pay 4111 1111 1111 1111 today",
        None,
        &[
            "pci.card 4111 1111 1111 1111: reported; 9000 -> 9000; [Card]; 5000 of the label",
            "pii.id.jp_my_number 4111 1111 1111: lost to pci.card by Threshold; 3000 -> 3000; [JpNumber]; 5000 of the label",
        ],
    ),
    (
        "see https://acme.example/u?m=jane@acme.example ok",
        None,
        &["pii.url https://acme.example/u?m=jane@acme.example: lost to pii.email by Rank; 6000 -> 6000; [Url]; 5000 of the label"],
    ),
    ("mail ada%40example.com", None, &["pii.email ada%40example.com: reported; 9500 -> 9500; [Email]; 5000 of the label; Normalised"]),
    (
        "card: NDExMTExMTExMTExMTExMQ==",
        None,
        &["pci.card NDExMTExMTExMTExMTExMQ==: reported; 9000 -> 9000; [Card]; 5000 of the label; Encoded"],
    ),
    (
        "card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ok",
        None,
        &["pci.card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1: reported; 9000 -> 9000; [Card]; 5000 of the label; Digits"],
    ),
    ("pay 4111 1111 1111 1112", None, &["pci.card 4111 1111 1111 1112: fails Card; 9000 -> 0; []; 5000 of the label"]),
    ("csrf_token=\"Kx9qvvTZq81mmQz77aPx\"", None, &["secret.generic Kx9qvvTZq81mmQz77aPx: `csrf`; 7000 -> 0; []; 5000 of the label"]),
    ("at 555 0143", None, &["pii.phone.labelled 555 0143: wordless; 0 -> 0; []; 5000 of the label"]),
];

#[test]
fn what_is_said_of_texts() {
    for (text, key, expected) in SAID {
        let explained = detector().explain(text, Hint { key: *key, ..Hint::default() });
        let said = lines(&explained, text);
        for line in *expected {
            assert!(said.iter().any(|one| one == line), "`{line}` is not among {said:#?}");
        }
    }
}

const NUMBERS: &str = r#"
label = "custom.number"
description = "Made-up numbers."
threshold = 0.5
severity = "medium"

[[rule]]
id = "custom.number"
class = "digits"
pattern = '\d{7}'
left = "number"
right = "number"
score = 0.3
context_score = 0.9
after = ["Steuernummer"]
source = "made up"
examples = [{ text = "1234567 steuernummer", find = "1234567" }, { text = "1234567, Steuernummer", find = "1234567" }]
counter_examples = ["1234567", "12345678"]
"#;

/// A word behind a match, which is waited for.
#[test]
fn a_word_behind_a_match() {
    let own = Detector::from_rules(&[RuleFile::parse(NUMBERS).unwrap()]).unwrap();
    let text = "see 1234567 (Steuernummer) and 7654321";
    let said = lines(&own.explain(text, Hint::default()), text);
    let reported = "custom.number 1234567: reported; 3000 After `steuernummer` -> 9000; []; 5000 of the label";
    assert_eq!(said, [reported, "custom.number 7654321: below; 3000 -> 3000; []; 5000 of the label"]);
}

/// A text of which the scan has forgotten the beginning.
#[test]
fn words_far_into_a_long_text() {
    let text = format!("{} call 4155550132", "lorem ipsum ".repeat(2_000));
    let said = lines(&detector().explain(&text, Hint::default()), &text);
    assert!(said.iter().any(|line| line.contains("reported; 3000 Before `call` -> 7000")), "{said:#?}");
}

/// Every example of every rule is told as reported, and its score is its base where nothing moved it.
#[test]
fn scores_are_accounted_for() {
    let names = detector().with_names(Names::builtin().unwrap());
    for file in RuleFile::builtin().unwrap() {
        for example in file.rules.iter().flat_map(|rule| rule.examples.iter().map(|one| &one.text).chain(&rule.counter_examples)) {
            let explained = names.explain(example, Hint::default());
            assert_eq!(explained.scan, names.scan(example, Hint::default()), "{example}");
            let told =
                |outcome: &Outcome| explained.whys.iter().filter(|why| why.outcome == *outcome).map(|why| &why.finding).collect::<Vec<_>>();
            assert_eq!(told(&Outcome::Reported), explained.scan.findings.iter().collect::<Vec<_>>(), "{example}");
            assert_eq!(told(&Outcome::Below), explained.scan.below.iter().collect::<Vec<_>>(), "{example}");
            for why in &explained.whys {
                let unmoved = why.base_bp.is_none_or(|base| base == why.finding.score_bp);
                let ruled_out = matches!(why.outcome, Outcome::Failed(_) | Outcome::Negative(_) | Outcome::Wordless);
                assert!(ruled_out || unmoved == why.moved.is_none() || why.base_bp.is_none(), "{} in {example}", line(why, example));
                assert!(why.threshold_bp > 0, "{} in {example}", line(why, example));
            }
        }
    }
}

#[test]
fn what_else_finds_is_named() {
    let dictionary = Dictionary::parse("[dictionary]\nlabel = 'custom.birds'\ndescription = 'Birds.'\nwords = ['grey owl']").unwrap();
    let all = detector().with_names(Names::builtin().unwrap()).with_phrases(Phrases::new(&dictionary).unwrap());
    let text = "Yesterday Mira Okafor saw a Grey  Owl in Lisbon.";
    let sources: Vec<_> = all.explain(text, Hint::default()).whys.iter().map(|why| (why.source, why.base_bp)).collect();
    assert!(sources.contains(&(Source::Names, None)) && sources.contains(&(Source::Dictionary, None)), "{sources:?}");
}

#[test]
fn a_threshold_is_told_with_what_was_named() {
    let chosen = detector().with_thresholds(&Thresholds::new([("pii".to_owned(), 9_600), ("pii.phone".to_owned(), 7_000)]));
    let text = "call 4155550132 or write to ada@example.com";
    let said = lines(&chosen.explain(text, Hint::default()), text);
    assert!(said.iter().any(|line| line.starts_with("pii.email ada@example.com: below;") && line.contains("9600 of pii")), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("4155550132: reported;") && line.contains("7000 of pii.phone")), "{said:#?}");
}

#[test]
fn what_a_stronger_finding_leaves_is_a_part() {
    let token = format!("gh{}_{}", "p", "kJwpyC5HTJ7M0wSzaRuwkMqcZa2rtf2W9Zr2");
    let text = format!("password: \"Kx9q-vvT {token} Zq81-mmQz77\"");
    let whys = detector().explain(&text, Hint::default()).whys;
    let parts: Vec<_> = whys.iter().filter(|why| why.part_of == Some((11, text.len() - 1))).map(|why| why.finding.start).collect();
    assert_eq!(parts, [11, text.len() - 13], "{whys:?}");
}

#[test]
fn what_is_allowed_is_told() {
    let entry = AllowEntry { label: None, value: AllowedValue::Exact(Hidden::new(CARD.to_owned())) };
    let allowing = detector().with_allowed(&AllowList::new(&[entry]).unwrap());
    let text = format!("pay {CARD} to ada@example.com");
    let explained = allowing.explain(&text, Hint::default());
    let said = lines(&explained, &text);
    assert!(said.contains(&format!("pci.card {CARD}: allowed; 9000 -> 9000; [Card]; 5000 of the label")), "{said:#?}");
    assert_eq!(explained.scan.findings.len(), 1);
}

/// What is ruled out is bounded, and the rest counted.
#[test]
fn a_long_text_keeps_so_much() {
    let text = "4111 1111 1111 1112, ".repeat(12_000);
    let explained = detector().explain(&text, Hint::default());
    assert!(explained.more > 0, "{} are kept", explained.whys.len());
    assert_eq!(explained.scan, detector().scan(&text, Hint::default()));
}

const PIECES: &[&str] = &[
    "4111 1111 1111 1111",
    "4111 1111 1111 1112",
    "ada@example.com",
    "ada%40example.com",
    "call ",
    "password: ",
    "Kx9qvvTZq81mmQz77aPx",
    " ",
    "\n",
    "https://acme.example/",
    "4155550132",
    "NDExMTExMTExMTExMTExMQ==",
    "４１１１ １１１１ １１１１ １１１１",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7VJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6d",
    "Mira Okafor",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "\"",
    "é",
    "csrf",
];

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_explained_scan_is_the_scan(text in texts(), tokens in any::<bool>(), named in any::<bool>()) {
        let with_names: Detector = if named { detector().with_names(Names::builtin().unwrap()) } else { detector().clone() };
        let hint = Hint { tokens, ..Hint::default() };
        let explained = with_names.explain(&text, hint);
        prop_assert_eq!(&explained.scan, &with_names.scan(&text, hint));
        let reported = explained.whys.iter().filter(|why| why.outcome == Outcome::Reported).count();
        prop_assert_eq!(reported, explained.scan.findings.len());
    }
}
